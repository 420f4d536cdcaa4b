"""Arrays and maps whose members are written once, by anybody, in any order."""

from __future__ import annotations

import ast
from typing import Any, TypeAlias

from supervisor.core.calls import IDENTITY, encode_function
from supervisor.core.operations import Insert, Listing, Reference, References
from supervisor.core.payload import Payload, unpack
from supervisor.core.pending import Pending, note_written, pack_complete
from supervisor.core.scope import Settings, current

Index: TypeAlias = int | str | float
"""What members are known by."""


class Array:
    """Members by number or text, each written once, by ``main`` or by apps, in any order.

    ``a[i] = f(i)`` writes a member; ``a[i]`` is its future, also if it is written later;
    ``a["x"]["y"]`` nests. Calls that are given an array may write to it; when they have all
    ended, and ``main`` has closed it, no more members come, and ``a.all()`` has its value.

    Args:
        name: For diagnostics.
    """

    __slots__ = ("_id", "_prefix", "name")

    def __init__(self, name: str = "array") -> None:
        self.name = name
        self._id = current().create("container", name)
        self._prefix: tuple[Index, ...] = ()

    def __setitem__(self, index: Index, value: Any) -> None:
        key = key_of((*self._prefix, index))
        member: Payload | None = None if isinstance(value, Pending) else pack_complete(value)
        if member is not None:
            current().write([Insert(self._id, key, member)])
            return
        if not isinstance(value, Pending) or value.key is not None:
            value = _identity(value, f"{self.name}[{index!r}]")
        reference = Reference(value.id)  # for which the container has a reference of its own
        kept = References(value.id, readers=1)
        current().write([kept, Insert(self._id, key, reference)])

    def __getitem__(self, index: Index) -> Member:
        return Member(self, (*self._prefix, index))

    def all(self) -> Pending:
        """Return the future of all members, in a dictionary, nested ones in further ones."""
        label = f"all of {self.name}"
        return current().call(_COLLECT, ((Pending(self._id),), {}), Settings(), label)

    def close(self) -> None:
        """Write no more here; only in ``main``, whose end closes all arrays."""
        current().close(self._id)

    def __reduce__(self) -> tuple[Any, ...]:
        note_written(self._id)
        return _restored, (self._id, self.name, self._prefix)


class Member(Pending):
    """A member of an array: a future; or, if it is given an index, a nested array."""

    __slots__ = ("_array", "_path")

    def __init__(self, array: Array, path: tuple[Index, ...]) -> None:
        super().__init__(array._id, key_of(path))
        self._array = array
        self._path = path

    def __getitem__(self, index: Index) -> Member:
        return Member(self._array, (*self._path, index))

    def __setitem__(self, index: Index, value: Any) -> None:
        self.nested()[index] = value

    def __repr__(self) -> str:
        return f"<Member {self._array.name}{''.join(f'[{index!r}]' for index in self._path)}>"

    def nested(self) -> Array:
        """Return the array under this index, e.g. to give it to an app."""
        return _restored(self._array._id, self._array.name, self._path)

    def result(self, timeout_s: float | None = None) -> Any:
        """Wait for the member and return it; only in ``main``."""
        return _identity(self, f"{self._array.name}[{self.key!r}]").result(timeout_s)


def _identity(value: Any, label: str) -> Any:
    """Return the future of a value with its futures in it filled in."""
    return current().call(IDENTITY, ((value,), {}), Settings(), label)


def key_of(path: tuple[Index, ...]) -> int | str:
    """Return what the store knows a member by: nested indices make one key."""
    if len(path) == 1:
        only = path[0]
        if isinstance(only, int) or (isinstance(only, str) and not only.startswith("(")):
            return only
    return repr(path)


def _restored(id: int, name: str, prefix: tuple[Index, ...]) -> Array:
    array = Array.__new__(Array)
    array._id, array.name, array._prefix = id, name, prefix
    return array


def _collect(listing: Listing) -> dict[Index, Any]:
    """Return the members of an array, still pending, by their indices."""
    found: dict[Index, Any] = {}
    for key, value in zip(listing.keys or (), listing.values or (), strict=True):
        nested = isinstance(key, str) and key.startswith("(")
        path = ast.literal_eval(str(key)) if nested else (key,)
        place = found
        for index in path[:-1]:
            place = place.setdefault(index, {})
        place[path[-1]] = Pending(value.id) if isinstance(value, Reference) else unpack(value)
    return found


_COLLECT = encode_function(_collect)
