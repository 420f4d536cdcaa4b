"""One datum: what it holds, who refers to it and who waits for it.

Every method refuses (raises Refusal) before it changes anything, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TypeAlias

from supervisor.core.errors import SupervisorError
from supervisor.core.operations import (
    SMALL_BYTES,
    Enumerate,
    Key,
    Kind,
    Listing,
    Member,
    Notice,
    OpenDatum,
    Reference,
    References,
    describe,
)
from supervisor.core.payload import Packed, Payload

Number: TypeAlias = int | float
Content: TypeAlias = Payload | Reference | Number | None


class Refusal(SupervisorError):
    """An operation that cannot be done; its source is sent the text."""


class Datum:
    """A datum from its first mention until its memory is given back.

    Before its Create arrives it is provisional: reference counts are changes that Create is
    added to, so they may be negative, and it is neither closed for want of writers nor freed.
    """

    __slots__ = (
        *("closed", "created", "failure", "holders", "id", "items", "kind", "members", "name"),
        *("nested", "number", "readers", "value", "waiters", "writers"),
    )

    def __init__(self, id: int) -> None:
        self.id = id
        self.name = ""
        self.kind: Kind | None = None  # as long as it was only waited for or referred to
        self.created = False
        self.closed = False
        self.holders: set[int] | None = None  # tasks that write, or whose start is not known yet
        self.readers = 0
        self.writers = 0
        self.value: Payload | None = None
        self.failure = ""  # why there will never be a value, as far as somebody said so
        self.number: Number | None = None
        self.members: dict[Key, Member] | None = None
        self.items: list[Member] | None = None
        self.nested: dict[Key, Kind] | None = None  # members that this container created
        self.waiters: dict[Key | None, list[int]] | None = None  # ranks, by what they wait for

    def label(self, key: Key | None = None) -> str:
        """Return how messages call the datum or a member of it."""
        return describe(self.id, self.name, key)

    # --- kinds and counts -----------------------------------------------------------------

    def fit(self, what: str, *kinds: Kind) -> None:
        """Refuse an operation that is not for data of this kind."""
        if self.kind is not None and self.kind not in kinds:
            wanted = " or ".join(f"a {kind}" for kind in kinds)
            raise Refusal(f"{self.label()} is a {self.kind}; {what} is for {wanted}")

    def become(self, kind: Kind) -> list[Notice]:
        """Take on a kind, and fail those who wait for members that it cannot have."""
        if self.kind is not None:
            return []
        self.kind = kind
        if kind == "container":
            self.members = {}
            return []
        if kind == "bag":
            self.items = []
        lost = [key for key in self.waiters or () if key is not None]
        return [n for key in lost for n in self._fail(key, f"it is a {kind}, not a container")]

    def count(self, *, readers: int = 0, writers: int = 0) -> None:
        """Change the reference counts, or refuse to and change neither."""
        if writers > 0 and self.closed:
            raise Refusal(f"{self.label()} is closed; it takes no more write references")
        self._spare("read", self.readers, readers)
        self._spare("write", self.writers, writers)
        self.readers += readers
        self.writers += writers

    def give_up(self, *, readers: int = 0, writers: int = 0) -> None:
        """Take back references that an operation gives up."""
        if readers < 0 or writers < 0:
            raise Refusal(f"{self.label()}: the number of references to give up is negative")
        if readers or writers:
            self.count(readers=-readers, writers=-writers)

    def _spare(self, word: str, held: int, change: int) -> None:
        if change < 0 and self.created and held + change < 0:
            raise Refusal(
                f"{self.label()} has {held} {word} references; {-change} cannot be given up"
            )

    # --- reading --------------------------------------------------------------------------

    def there(self, key: Key | None) -> bool:
        """Return whether the datum is written or closed, or has the member."""
        if key is None:
            return self.closed and not self._abandoned()
        self.fit("a key", "container")
        return self.members is not None and key in self.members

    def read(self) -> Payload | Number:
        """Return the value, or the number as it is now."""
        self.fit("Retrieve", "value", "counter")
        content = self.number if self.kind == "counter" else self.value
        if content is None:
            raise Refusal(self.lacking(None))
        return content

    def member(self, key: Key) -> Member:
        """Return one member."""
        self.fit("Lookup", "container")
        member = self.container().get(key)
        if member is None:
            raise Refusal(self.lacking(key))
        return member

    def listing(self, operation: Enumerate) -> Listing:
        """Return the asked slice of the members."""
        self.fit("Enumerate", "container", "bag")
        first, count = operation.first, operation.count
        if first < 0 or (count is not None and count < 0):
            raise Refusal(f"{self.label()}: a slice from {first} of {count} members is negative")
        end = None if count is None else first + count
        keys = self.members if operation.keys else None
        return Listing(
            None if keys is None else list(islice(keys, first, end)),
            list(islice(self._all(), first, end)) if operation.values else None,
        )

    def size(self) -> int:
        """Return the number of members."""
        self.fit("Size", "container", "bag")
        return len(self.container() if self.items is None else self.items)

    def subscribe(self, key: Key | None, subscriber: int) -> list[Notice]:
        """Return the notice if it is due already; otherwise remember the subscriber."""
        if self.there(key):
            content = self._content() if key is None else self.container()[key]
            return self._notices([subscriber], key, content)
        if self.closed:
            raise Refusal(self.lacking(key))
        self.waiters = self.waiters or {}
        self.waiters.setdefault(key, []).append(subscriber)
        return []

    def open_datum(self) -> OpenDatum:
        """Return what diagnostics say of a datum that is not closed."""
        waiting = [(rank, key) for key, ranks in (self.waiters or {}).items() for rank in ranks]
        return OpenDatum(self.id, self.name, self.kind, self.created, self.writers, waiting)

    def nbytes(self) -> int:
        """Return the size of the payload."""
        if self.value is not None:
            return len(self.value)
        return sum(len(member) for member in self._all() if not isinstance(member, Reference))

    def lacking(self, key: Key | None) -> str:
        """Return why there is nothing to read."""
        if not self.closed:
            return f"{self.label(key)} is not written yet"
        return self.failure or f"{self.label(key)} was never written: {self._why()}"

    def container(self) -> dict[Key, Member]:
        """Return the members by key; only for containers."""
        assert self.members is not None, f"{self.label()} is no container"
        return self.members

    def bag(self) -> list[Member]:
        """Return the members in order; only for bags."""
        assert self.items is not None, f"{self.label()} is no bag"
        return self.items

    # --- telling and ending ---------------------------------------------------------------

    def tell(self, key: Key | None, content: Content) -> list[Notice]:
        """Notify those who wait for the datum or member, which is there now."""
        return self._notices(self._take_waiters(key), key, content)

    def ripe(self) -> bool:
        """Return whether it is to be closed now."""
        if self.closed:
            return False
        written = self.value is not None or bool(self.failure)
        return written or (self.created and self.writers == 0 and not self.holders)

    def close(self) -> list[Notice]:
        """Notify everybody who waits: nothing more will be written."""
        self.closed = True
        notices = [] if self._abandoned() else self.tell(None, self._content())
        for key in list(self.waiters or ()):
            notices += self._fail(key, self._why())
        return notices

    def closed_with_it(self) -> list[References]:
        """Return what gives up the write references that it holds of nested data."""
        members = self.members or {}
        nested = [members[key] for key in self.nested or ()]
        return [References(m.id, writers=-1) for m in nested if isinstance(m, Reference)]

    def spent(self) -> bool:
        """Return whether its memory is to be given back now."""
        return self.closed and self.created and self.readers == 0

    def freed_with_it(self) -> list[References]:
        """Return what gives up the read references that it holds of its members."""
        return [References(m.id, readers=-1) for m in self._all() if isinstance(m, Reference)]

    def _all(self) -> Iterable[Member]:
        return (self.members or {}).values() if self.items is None else self.items

    def _content(self) -> Content:
        return self.number if self.kind == "counter" else self.value

    def _abandoned(self) -> bool:
        """Return whether it was closed without what it should hold."""
        return self.kind in ("value", "counter") and self._content() is None

    def _why(self) -> str:
        if self._abandoned():
            return "its last write reference was given up"
        return f"the {self.kind} was closed without it"

    def _notices(self, ranks: list[int], key: Key | None, content: Content) -> list[Notice]:
        """Return what to tell subscribers, servers once each however many tasks wait there.

        What is too large to travel along, or a container, will be fetched for each of the tasks:
        until they are done, each has a read reference.
        """
        if isinstance(content, Packed) or (
            isinstance(content, bytes) and len(content) > SMALL_BYTES
        ):
            content = None
        if content is None:
            self.readers += sum(rank >= 0 for rank in ranks)
        servers = dict.fromkeys(rank for rank in ranks if rank >= 0)
        clients = [rank for rank in ranks if rank < 0]
        return [Notice(rank, self.id, key, content) for rank in (*servers, *clients)]

    def _fail(self, key: Key | None, why: str) -> list[Notice]:
        failure = self.failure or f"{self.label(key)} was never written: {why}"
        ranks = self._take_waiters(key)
        return [Notice(rank, self.id, key, None, failure) for rank in ranks]

    def _take_waiters(self, key: Key | None) -> list[int]:
        if self.waiters is None:
            return []
        ranks = self.waiters.pop(key, [])
        self.waiters = self.waiters or None
        return ranks

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself."""
        label = self.label()
        assert not self.ripe() and not self.spent(), f"{label} should be closed or freed"
        assert not (self.closed and self.waiters), f"{label} is closed and waited for"
        assert self.waiters is None or all(self.waiters.values()), f"{label}: nobody waits"
        assert not self.created or (self.kind and self.readers >= 0 and self.writers >= 0), label
        assert (self.members is not None) == (self.kind == "container"), label
        assert (self.items is not None) == (self.kind == "bag"), label
        assert self.value is None or self.kind == "value", label
        assert self.number is None or self.kind == "counter", label
        lacking = set(self.waiters or ()) - {None}
        assert not lacking & set(self.members or ()), f"{label}: a member there is waited for"
        assert not lacking or self.kind in (None, "container"), label
        assert set(self.nested or ()) <= set(self.members or ()), label
