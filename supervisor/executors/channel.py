"""What a worker and its child say to each other, and the socket that carries it."""

from __future__ import annotations

import os
import select

import msgspec

from supervisor.core.objective import Objective
from supervisor.core.task import Failure, Report

CHUNK = 65_536
LENGTH_BYTES = 4


class Begin(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child, first: the objective of all its tasks."""

    objective: Objective


class Run(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child: evaluate; ``end_s`` is when the task will be killed, since the epoch."""

    id: int
    payload: bytes
    end_s: float


class Stop(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child: answer the next report of this task by "stop early"."""

    id: int


class Leave(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """To the child: there are no more tasks."""


class Progress(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """From the child: its task reports."""

    report: Report


class Done(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """From the child: its task ended, with encoded metrics or a failure."""

    id: int
    value: bytes
    failure: Failure | None
    note: str


ToChild = Begin | Run | Stop | Leave
FromChild = Progress | Done


class Channel:
    """One end of a socket pair that carries frames: a length, then a message.

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
        frame = msgspec.msgpack.encode(message)
        self._unsent += len(frame).to_bytes(LENGTH_BYTES, "little") + frame
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

    def receive(self) -> list[bytes]:
        """Return the messages that have arrived, to be decoded by the caller."""
        self._fill()
        messages = []
        while len(self._unread) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(self._unread[:LENGTH_BYTES], "little")
            if len(self._unread) < end:
                break
            messages.append(bytes(self._unread[LENGTH_BYTES:end]))
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
