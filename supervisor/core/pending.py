"""Values that are not there yet, as parts of values that are pickled.

A pickle in which pending values stand, at any depth of lists, mappings or objects, holds a place
for each; its data ids go beside it, and whoever unpickles it brings the values.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from supervisor.core.operations import Input, Key
from supervisor.core.payload import Payload, pack

_found: Found | None = None  # of what is being pickled
_values: Sequence[Any] = ()  # of what is being unpickled


class Found:
    """What was found while something was pickled.

    Attributes:
        inputs: Pending values: data or members, with their places.
        written: Ids of containers that whoever unpickles it may write.
    """

    __slots__ = ("inputs", "written")

    def __init__(self) -> None:
        self.inputs: dict[Input, int] = {}
        self.written: dict[int, None] = {}


class Pending:
    """A value that will be there when the datum of this id is, or a member of it.

    Args:
        id: The datum's.
        key: Of the member of a container; None for the datum as a whole.
    """

    __slots__ = ("__weakref__", "id", "key")

    def __init__(self, id: int, key: Key | None = None) -> None:
        self.id = id
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        if _found is None:
            raise TypeError(
                "a future cannot be pickled, nor be a part of data; give it to an app as an "
                "argument, or return it"
            )
        return _known, (_found.inputs.setdefault((self.id, self.key), len(_found.inputs)),)


def _known(place: int) -> Any:
    return _values[place]


def note_written(id: int) -> None:
    """Note that a container goes along to somebody who may write it.

    Raises:
        TypeError: If it does not go along with a call.
    """
    if _found is None:
        raise TypeError("an array or counter cannot be pickled; give it to an app as an argument")
    _found.written[id] = None


def travelling() -> bool:
    """Return whether what is being pickled goes along with a call, or as its value."""
    return _found is not None


def dumps(value: Any) -> tuple[bytes, Found]:
    """Return a pickle, and what was found in it."""
    global _found
    before, _found = _found, Found()
    try:
        return pickle.dumps(value, protocol=5), _found
    finally:
        _found = before


def pack_complete(value: Any) -> Payload | None:
    """Return a value as it travels; None if there are pending values in it."""
    global _found
    before, _found = _found, Found()
    try:
        packed = pack(value)
        return None if _found.inputs else packed
    finally:
        _found = before


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
