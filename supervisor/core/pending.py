"""Values that are not there yet, as parts of values that are pickled.

A pickle in which pending values stand, at any depth of lists, mappings or objects, holds a place
for each; its data ids go beside it, and whoever unpickles it brings the values.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from supervisor.core.payload import Payload, pack

_found: dict[int, int] | None = None  # ids of what is being pickled, with their places
_values: Sequence[Any] = ()  # of what is being unpickled


class Pending:
    """A value that will be there when the datum of this id is."""

    __slots__ = ("__weakref__", "id")

    def __init__(self, id: int) -> None:
        self.id = id

    def __reduce__(self) -> tuple[Any, ...]:
        if _found is None:
            raise TypeError(
                "a future cannot be pickled, nor be a part of data; give it to an app as an "
                "argument, or return it"
            )
        return _known, (_found.setdefault(self.id, len(_found)),)


def _known(place: int) -> Any:
    return _values[place]


@contextmanager
def _finding() -> Iterator[dict[int, int]]:
    global _found
    before, _found = _found, {}
    try:
        yield _found
    finally:
        _found = before


def dumps(value: Any) -> tuple[bytes, tuple[int, ...]]:
    """Return a pickle, and the ids of the pending values in it by their places."""
    with _finding() as found:
        return pickle.dumps(value, protocol=5), tuple(found)


def pack_complete(value: Any) -> Payload | None:
    """Return a value as it travels; None if there are pending values in it."""
    with _finding() as found:
        packed = pack(value)
        return None if found else packed


class Place:
    """Stands in a pickle for the value of an input, if its id is known otherwise.

    Args:
        number: Of the input.
    """

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _known, (self.number,)


def loads(data: bytes, values: Sequence[Any]) -> Any:
    """Return what was pickled, with the values in their places."""
    global _values
    before, _values = _values, values
    try:
        return pickle.loads(data)
    finally:
        _values = before
