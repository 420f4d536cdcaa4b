"""Python values as they travel and are stored: pickled, with large buffers beside.

The buffers of large arrays are neither copied into the pickle nor out of it: the wire sends them
from where they are, and what is unpickled refers to the memory into which they were received.
Servers pass them on unopened. So whoever stores or returns a large array must not change it
afterwards; and who is given one can read it only, since it is shared with later tasks.

Source:
    PEP 574, Pickle protocol 5 with out-of-band data.
"""

from __future__ import annotations

import pickle
from typing import Any, TypeAlias

import msgspec

LARGE_BYTES = 1 << 16
"""Smaller buffers are copied: that costs less than a message of their own."""


class Buffer:
    """Bytes that travel beside the message that refers to them.

    Args:
        data: Contiguous memory; it is not copied.
    """

    __slots__ = ("view",)

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.view = memoryview(data).cast("B")

    def __len__(self) -> int:
        return self.view.nbytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Buffer) and self.view == other.view

    # Equal by content, which may change.
    __hash__ = None  # type: ignore[assignment]  # mypy knows no other way to say so


class Packed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A large value: its pickle, then the buffers that the pickle refers to."""

    buffers: tuple[Buffer, ...]

    def __len__(self) -> int:
        """Return the number of bytes."""
        return sum(map(len, self.buffers))


Payload: TypeAlias = bytes | Packed
"""A value as the balancer carries it; servers know its length only."""


def pack(value: Any) -> Payload:
    """Return a Python value as it travels."""
    beside: list[Buffer] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        """Return whether a buffer is small enough to be a part of the pickle."""
        raw = buffer.raw()
        if raw.nbytes < LARGE_BYTES:
            return True
        beside.append(Buffer(raw))
        return False

    stream = pickle.dumps(value, protocol=5, buffer_callback=keep)
    if not beside and len(stream) < LARGE_BYTES:
        return stream
    return Packed((Buffer(stream), *beside))


def unpack(payload: Payload) -> Any:
    """Return the Python value; the large arrays in it are read-only."""
    if isinstance(payload, bytes):
        return pickle.loads(payload)
    stream, *beside = payload.buffers
    return pickle.loads(stream.view, buffers=[one.view.toreadonly() for one in beside])


def to_send(value: object) -> Buffer:
    """Return the buffer that msgspec cannot encode by itself.

    Raises:
        NotImplementedError: If it is something else.
    """
    if not isinstance(value, Buffer):
        # The exception by which msgspec's hooks say that they do not know a type.
        raise NotImplementedError(f"{type(value).__name__} cannot be sent")
    return value


def to_receive(kind: type) -> None:
    """Check that what msgspec cannot decode by itself is a buffer.

    Raises:
        NotImplementedError: If it is something else.
    """
    if kind is not Buffer:
        # As in ``to_send``.
        raise NotImplementedError(f"{kind.__name__} cannot be received")


def lay_aside(found: list[Buffer], value: object) -> int:
    """Return the length of a buffer, which goes into a message in its place.

    Raises:
        NotImplementedError: If it is not a buffer.
    """
    found.append(buffer := to_send(value))
    return len(buffer)


def make_room(found: list[Buffer], kind: type, length: Any) -> Buffer:
    """Return an empty buffer of this length, to receive into.

    Raises:
        NotImplementedError: If something else is asked for.
    """
    to_receive(kind)
    buffer = Buffer(bytearray(length))
    found.append(buffer)
    return buffer
