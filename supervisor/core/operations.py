"""What the data store can be asked, and what it answers.

A datum is written once and read by many. Its kind says what it holds:

value       opaque bytes; closed by its one Store
container   members by key, each written once; closed when its write references are gone
bag         members without keys, in order of arrival; closed likewise
counter     a number that updates fold into; readable at any time, closed likewise

Payloads are opaque bytes: the store never unpickles one. Keys, sizes and the numbers of counters
are Python values.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from supervisor.core.payload import Payload

Kind = Literal["value", "container", "bag", "counter"]
Fold = Literal["min", "max", "incr", "scale"]

Key: TypeAlias = int | str
"""What a member of a container is known by."""

Input: TypeAlias = tuple[int, Key | None]
"""A datum as a whole, by its id, or one member of a container."""

SMALL_BYTES = 4096
"""A value of at most this size travels with the news that it is there."""


class Reference(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """A member that is another datum.

    The container takes over one read reference of that datum, and gives it up when its own
    memory is given back.
    """

    id: int


Member: TypeAlias = Payload | Reference
"""What containers and bags hold."""


class DatumOperation(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Base of all operations; ``id`` says on which datum, and so at which server."""

    id: int


class Create(DatumOperation, frozen=True):
    """Give a datum its kind, its name in diagnostics and its first reference counts.

    Answered with None. Operations of other ranks may arrive before this one (see ``store``).

    Attributes:
        readers: Read references; the memory is given back when all are given up.
        writers: Write references; what is still unwritten when all are given up never will be.
        initial: What a counter starts from. Then, and only then, its creator waits for the
            answer before it tells others of the counter.
    """

    kind: Kind
    name: str = ""
    readers: int = 1
    writers: int = 1
    initial: int | float | None = None


class Store(DatumOperation, frozen=True):
    """Write a value, which closes it, and give up write references. Answered with None."""

    value: Payload
    writers: int = 1


class Fail(DatumOperation, frozen=True):
    """Close a value that will never be written, and say why.

    Answered with None; with the failure if nobody waits for the value and nobody will read it.

    Attributes:
        reason: What went wrong, for people; whoever waits for the value is told.
        own: Whether its own task failed; else the reason is that of data that the task waited
            for, and is only passed on.
        heard: Whether the client learns of it otherwise.
    """

    reason: str
    own: bool = True
    heard: bool = False


class Retrieve(DatumOperation, frozen=True):
    """Read a value or a counter, and give up read references with it."""

    readers: int = 0


class Exists(DatumOperation, frozen=True):
    """Ask whether a datum is there (written, or closed), or a member of it."""

    key: Key | None = None


class Subscribe(DatumOperation, frozen=True):
    """Ask for exactly one notice: that the datum or member is there, or that it never will be.

    Answered with whether it is there already; then the notice comes at once.
    """

    key: Key | None = None


class Insert(DatumOperation, frozen=True):
    """Write a member and give up write references. Answered with None.

    Attributes:
        key: None for a bag.
    """

    key: Key | None
    value: Member
    writers: int = 0


class Lookup(DatumOperation, frozen=True):
    """Read a member of a container, and give up read references of the container with it."""

    key: Key
    readers: int = 0


class Enumerate(DatumOperation, frozen=True):
    """Read members in the order of their arrival. Answered with a Listing.

    Members are only ever added behind the others, so slices fit together even while a container
    is open.

    Attributes:
        first: Number of members to pass over.
        count: The most to list; None for all.
        keys, values: What to list. A bag has no keys to list.
        readers: Read references of the container that are given up.
    """

    first: int = 0
    count: int | None = None
    keys: bool = True
    values: bool = True
    readers: int = 0


class Size(DatumOperation, frozen=True):
    """Ask how many members a container or bag has now."""


class Update(DatumOperation, frozen=True):
    """Fold a number into a counter and give up write references.

    Answered with the counter's new value. A counter that nothing was folded into yet starts from
    its initial value, or else from the fold's neutral element.
    """

    fold: Fold
    operand: int | float
    writers: int = 0


class References(DatumOperation, frozen=True):
    """Change the reference counts, up or down. Answered with None.

    Who raises a count for somebody else waits for the answer before it tells them of the datum.
    """

    readers: int = 0
    writers: int = 0


class Hold(DatumOperation, frozen=True):
    """Note that a task will write to a container or counter, and then that it has ended.

    These are the same operation twice. Until both are there, it stays open. Answered with None.
    """

    task: int


class Nest(DatumOperation, frozen=True):
    """Find the datum inside a container, creating it if need be. Answered with its id.

    The container holds one write reference of what is nested in it until it is closed, and one
    read reference until it is freed; so whoever holds a reference of the outer one may use the
    inner one likewise.

    Attributes:
        kind: Of the inner datum.
        new: Id of the inner datum if it is to be created; if another is answered, this one
            remains unused.
    """

    key: Key
    kind: Kind
    new: int


Operation: TypeAlias = (
    Create
    | Store
    | Fail
    | Retrieve
    | Exists
    | Subscribe
    | Insert
    | Lookup
    | Enumerate
    | Size
    | Update
    | References
    | Hold
    | Nest
)
"""What a shard can be asked."""


class Listing(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Keys and values of members, in the same order; None for what there is not, or unasked."""

    keys: list[Key] | None
    values: list[Member] | None


class DataError(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Why an operation was refused; the store is as it was before."""

    message: str


Answer: TypeAlias = bool | int | float | Payload | Reference | Listing | DataError | None
"""What the source of an operation is told."""


class Notice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a subscriber is told, once for each of its subscriptions.

    Attributes:
        subscriber: Source of the subscription.
        id: The datum.
        key: The member, or None if the datum as a whole was subscribed to.
        value: A small value, a reference or a number; None for what has to be retrieved.
        failure: Why the datum or member will never be there; empty if it is.
    """

    subscriber: int
    id: int
    key: Key | None
    value: bytes | Reference | int | float | None = None
    failure: str = ""


class OpenDatum(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A datum that is not closed, for diagnostics.

    Attributes:
        kind: None if it was only waited for or referred to so far.
        created: Whether its Create has arrived.
        writers: Write references that are left.
        waiting: Who waits for it as a whole (key None) or for a member.
    """

    id: int
    name: str
    kind: Kind | None
    created: bool
    writers: int
    waiting: list[tuple[int, Key | None]]


def describe(id: int, name: str = "", key: Key | None = None) -> str:
    """Return how messages call a datum or a member: ``x['k'] (datum 17)``."""
    member = "" if key is None else f"[{key!r}]"
    return f"{name}{member} (datum {id})" if name else f"datum {id}{member}"
