"""Messages over MPI. The one file that imports mpi4py."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from supervisor.balancer.messages import Message
from supervisor.balancer.protocol import AnyMessage

if TYPE_CHECKING:
    from mpi4py import MPI

TAG = 7


class Wire(Protocol):
    """Carries messages between ranks; between two ranks they stay in order."""

    rank: int
    size: int
    library: str  # the MPI's own description

    def send(self, message: Message, to: int) -> None:
        """Send without waiting for the receiver."""

    def receive(self) -> tuple[Message, int] | None:
        """Return a message and its sender's rank, or None if there is none now."""

    def close(self) -> None:
        """Wait until everything that was sent has left."""

    def abort(self) -> None:
        """End all ranks at once, after a failure that leaves no other way."""


class LoopbackWire:
    """A world of one rank; needs no MPI."""

    rank = 0
    size = 1
    library = "none: one process"

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()

    def send(self, message: Message, to: int) -> None:
        """Send to this rank itself."""
        self._messages.append(message)

    def receive(self) -> tuple[Message, int] | None:
        """Return the oldest message."""
        return (self._messages.popleft(), 0) if self._messages else None

    def close(self) -> None:
        """Do nothing: nothing is under way."""

    def abort(self) -> None:
        """Do nothing: there is no other rank."""


class MpiWire:
    """Messages as MessagePack over a communicator of its own.

    Messages of a rank to itself do not go through MPI.

    Args:
        world: Communicator whose ranks take part; all of them must construct a wire.
    """

    def __init__(self, world: MPI.Comm) -> None:
        from mpi4py import MPI

        self._mpi = MPI
        self._comm = world.Dup()
        self.rank = world.Get_rank()
        self.size = world.Get_size()
        self.library = MPI.Get_library_version().splitlines()[0].strip()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(AnyMessage)
        self._own: deque[Message] = deque()
        self._sending: deque[tuple[MPI.Request, bytes]] = deque()
        self._status = MPI.Status()

    def send(self, message: Message, to: int) -> None:
        """Send without waiting for the receiver."""
        if to == self.rank:
            self._own.append(message)
            return
        data = self._encoder.encode(message)
        request = self._comm.Isend([data, self._mpi.BYTE], to, TAG)
        if not request.Test():
            self._sending.append((request, data))

    def receive(self) -> tuple[Message, int] | None:
        """Return a message and its sender's rank, or None if there is none now."""
        if self._own:
            return self._own.popleft(), self.rank
        while self._sending and self._sending[0][0].Test():
            self._sending.popleft()
        status = self._status
        arrived = self._comm.Improbe(self._mpi.ANY_SOURCE, TAG, status)
        if arrived is None:
            return None
        data = bytearray(status.Get_count(self._mpi.BYTE))
        arrived.Recv([data, self._mpi.BYTE])
        return self._decoder.decode(data), status.Get_source()

    def close(self) -> None:
        """Wait until everything that was sent has left."""
        for request, _ in self._sending:
            request.Wait()
        self._sending.clear()

    def abort(self) -> None:
        """End all ranks at once, after a failure that leaves no other way."""
        self._comm.Abort(1)


def world_wire() -> MpiWire:
    """Return a wire between all ranks that the launcher started; initialises MPI."""
    from mpi4py import MPI

    return MpiWire(MPI.COMM_WORLD)


def world_rank() -> int:
    """Return this process's rank among all that the launcher started."""
    from mpi4py import MPI

    rank: int = MPI.COMM_WORLD.Get_rank()
    return rank
