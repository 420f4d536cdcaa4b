"""What a worker and its child say to each other, and the socket that carries it."""

from __future__ import annotations

import os
import select
import time
from typing import Any

import msgspec

from supervisor.core.executor import Seat
from supervisor.core.objective import Objective, Program
from supervisor.core.payload import Buffer, to_receive, to_send
from supervisor.core.task import Report, Result, Task

CHUNK = 65_536
MAGIC = b"\xf5S"  # user code that writes to a descriptor which is not its own is found out by it
LENGTH_BYTES = 6
HEADER_BYTES = len(MAGIC) + LENGTH_BYTES
PIECE_BYTES = 2**30  # MessagePack ends at four times this


class Begin(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child, first: what all its tasks are about, and the worker's seat."""

    job: Objective | Program
    seat: Seat


class Run(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child: run a task.

    Attributes:
        end_s: When the task will be killed, in seconds since the epoch.
        made: How many ids of data the worker has made, by their owners.
    """

    task: Task
    end_s: float
    made: dict[int, int]


class Stop(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child: answer the next report of this task by "stop early"."""

    id: int


class Leave(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child: there are no more tasks."""


class Progress(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """From the child: its task reports."""

    report: Report


class Traces(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """From the child: what its task leaves behind if it fails, however it ends.

    Attributes:
        temporaries: Files to be removed.
        directory: Kept, and named in the failure; or empty.
    """

    temporaries: tuple[str, ...] = ()
    directory: str = ""


class Done(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """From the child: its task ended.

    Attributes:
        result: Without rank and times, which the worker knows.
        made: How many ids of data have been made now, by their owners.
    """

    result: Result
    made: dict[int, int]


ToChild = Begin | Run | Stop | Leave
FromChild = Progress | Traces | Done


def _pieces(value: object) -> list[memoryview]:
    """Return the memory of a buffer in pieces that MessagePack can hold.

    Raises:
        NotImplementedError: If it is not a buffer.
    """
    buffer = to_send(value)
    ends = range(0, len(buffer), PIECE_BYTES)
    return [buffer.view[begin : begin + PIECE_BYTES] for begin in ends]


def _joined(kind: type, pieces: Any) -> Buffer:
    """Return a buffer of its pieces.

    Raises:
        NotImplementedError: If something else is asked for.
    """
    to_receive(kind)
    return Buffer(pieces[0] if len(pieces) == 1 else b"".join(pieces))


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_pieces)
TO_CHILD = msgspec.msgpack.Decoder(ToChild, dec_hook=_joined)
FROM_CHILD = msgspec.msgpack.Decoder(FromChild, dec_hook=_joined)


class Garbled(Exception):
    """Something arrived that is no message."""


class Channel:
    """One end of a socket pair that carries frames: a mark, a length, then a message.

    Nothing blocks except ``wait``: what the socket does not take is kept for ``flush``.
    ``multiprocessing.connection`` would block in the middle of a frame, and importing it
    would take longer than all the rest of the child's start.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.closed = False
        """Whether the other end is gone."""
        self._unread = bytearray()
        self._unsent = bytearray()

    def send(self, message: ToChild | FromChild) -> None:
        """Send a message, or as much of it as the socket takes now."""
        frame = _ENCODER.encode(message)
        self._unsent += MAGIC + len(frame).to_bytes(LENGTH_BYTES, "little")
        self._unsent += frame
        self.flush()

    def flush(self) -> bool:
        """Send what is left over; return whether nothing is left now."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self.fd, self._unsent[:CHUNK])]
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True
            self._unsent.clear()
        return True

    def push(self, patience_s: float) -> None:
        """Send what is left over, as far as the other end takes it within so many seconds."""
        end = time.monotonic() + patience_s
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT)
        while not self.flush() and (left := end - time.monotonic()) > 0:
            poller.poll(left * 1e3)

    def receive(self) -> list[bytes]:
        """Return the messages that have arrived, to be decoded by the caller.

        Raises:
            Garbled: If something else has arrived.
        """
        self._fill()
        messages = []
        while self._unread:
            header = self._unread[:HEADER_BYTES]
            if not MAGIC.startswith(header[: len(MAGIC)]):
                raise Garbled(f"{bytes(header)!r} begins no message")
            end = HEADER_BYTES + int.from_bytes(header[len(MAGIC) :], "little")
            if len(header) < HEADER_BYTES or len(self._unread) < end:
                break
            messages.append(bytes(self._unread[HEADER_BYTES:end]))
            del self._unread[:end]
        return messages

    def _fill(self) -> None:
        # Ends: reading is faster than whatever could fill the socket with sensible messages.
        try:
            while data := os.read(self.fd, CHUNK):
                self._unread += data
            self.closed = True
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.closed = True

    def wait(self) -> None:
        """Block until something can be read, or until what is left over can be sent."""
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT if self._unsent else select.POLLIN)
        poller.poll()

    def close(self) -> None:
        """Close this end."""
        os.close(self.fd)
