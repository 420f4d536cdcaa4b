"""Messages over MPI. The one file that imports mpi4py."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from supervisor.balancer.messages import Message
from supervisor.balancer.protocol import AnyMessage
from supervisor.core.payload import Buffer, lay_aside, make_room

if TYPE_CHECKING:
    from mpi4py import MPI

TAG = 7
BUFFER_TAG = 8

LOOKS = 3
"""Probes until a message that has arrived is seen: MPI takes it in step by step, one a probe.

MPICH 5 needs three probes, Open MPI 5 two. With fewer, whoever sleeps between looks would see a
message only after the next sleep, or the one after it.
"""


class Wire(Protocol):
    """Carries messages between ranks; between two ranks they stay in order."""

    rank: int
    size: int
    library: str  # the MPI's own description

    @property
    def moving(self) -> bool:
        """Whether something large is under way, which ``receive`` moves on."""

    def send(self, message: Message, to: int) -> None:
        """Send without waiting for the receiver."""

    def receive(self) -> tuple[Message, int] | None:
        """Return a message and its sender's rank, or None if there is none now."""

    def form(self, ranks: Sequence[int], number: int) -> Any:
        """Return a communicator of some ranks, which all call this; None without MPI."""

    def close(self) -> None:
        """Wait until everything that was sent has left."""

    def abort(self, code: int = 1) -> None:
        """End all ranks at once, after a failure that leaves no other way."""


class LoopbackWire:
    """A world of one rank; needs no MPI."""

    rank = 0
    size = 1
    library = "none: one process"
    moving = False

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()

    def send(self, message: Message, to: int) -> None:
        """Send to this rank itself."""
        self._messages.append(message)

    def receive(self) -> tuple[Message, int] | None:
        """Return the oldest message."""
        return (self._messages.popleft(), 0) if self._messages else None

    def form(self, ranks: Sequence[int], number: int) -> None:
        """Return nothing: there is no MPI."""

    def close(self) -> None:
        """Do nothing: nothing is under way."""

    def abort(self, code: int = 1) -> None:
        """Do nothing: there is no other rank."""


class MpiWire:
    """Messages as MessagePack over a communicator of its own.

    Buffers follow the message that refers to them, each as a message of its own from and to the
    memory where they are. Messages of a rank to itself do not go through MPI.

    Args:
        world: Communicator whose ranks take part; all of them must construct a wire.
    """

    def __init__(self, world: MPI.Intracomm) -> None:
        from mpi4py import MPI

        self._mpi = MPI
        self._comm = world.Dup()
        self.rank = world.Get_rank()
        self.size = world.Get_size()
        self.library = MPI.Get_library_version().splitlines()[0].strip()
        self._leaving: list[Buffer] = []  # of the message that is encoded
        self._coming: list[Buffer] = []  # of the message that is decoded
        self._encoder = msgspec.msgpack.Encoder(enc_hook=partial(lay_aside, self._leaving))
        self._decoder = msgspec.msgpack.Decoder(
            AnyMessage, dec_hook=partial(make_room, self._coming)
        )
        self._own: deque[Message] = deque()
        self._sending: deque[tuple[MPI.Request, bytes | memoryview]] = deque()
        # By source: messages whose buffers are still coming, and those behind them.
        self._incomplete: dict[int, deque[tuple[Message, list[MPI.Request]]]] = {}
        self._status = MPI.Status()

    def send(self, message: Message, to: int) -> None:
        """Send without waiting for the receiver."""
        if to == self.rank:
            self._own.append(message)
            return
        self._post(self._encoder.encode(message), to, TAG)
        if self._leaving:
            for buffer in self._leaving:
                self._post(buffer.view, to, BUFFER_TAG)
            self._leaving.clear()

    def _post(self, data: bytes | memoryview, to: int, tag: int) -> None:
        request = self._comm.Isend([data, self._mpi.BYTE], to, tag)
        if not request.Test():
            self._sending.append((request, data))

    def receive(self) -> tuple[Message, int] | None:
        """Return a message and its sender's rank, or None if there is none now."""
        if self._own:
            return self._own.popleft(), self.rank
        while self._sending and self._sending[0][0].Test():
            self._sending.popleft()
        if self._incomplete and (completed := self._completed()):
            return completed
        status = self._status
        for _ in range(LOOKS):
            arrived = self._comm.Improbe(self._mpi.ANY_SOURCE, TAG, status)
            if arrived is not None:
                break
        else:
            return None
        data = bytearray(status.Get_count(self._mpi.BYTE))
        arrived.Recv([data, self._mpi.BYTE])
        message, source = self._decoder.decode(data), status.Get_source()
        if not self._coming and source not in self._incomplete:
            return message, source
        requests = [self._expect(buffer, source) for buffer in self._coming]
        self._coming.clear()
        self._incomplete.setdefault(source, deque()).append((message, requests))
        return self._completed()

    def _expect(self, buffer: Buffer, source: int) -> MPI.Request:
        return self._comm.Irecv([buffer.view, self._mpi.BYTE], source, BUFFER_TAG)

    def _completed(self) -> tuple[Message, int] | None:
        """Return a message that has all its buffers, in order of those of its source."""
        for source, messages in self._incomplete.items():
            message, requests = messages[0]
            while requests and requests[-1].Test():
                requests.pop()
            if not requests:
                messages.popleft()
                if not messages:
                    del self._incomplete[source]
                return message, source
        return None

    @property
    def moving(self) -> bool:
        """Whether something large is under way, which ``receive`` moves on."""
        return bool(self._incomplete or self._sending)

    def form(self, ranks: Sequence[int], number: int) -> Any:
        """Return a communicator of some ranks, which all call this."""
        from supervisor.balancer.communicator import form

        return form(self._comm, ranks, number)

    def close(self) -> None:
        """Wait until everything that was sent has left."""
        for request, _ in self._sending:
            request.Wait()
        self._sending.clear()

    def abort(self, code: int = 1) -> None:
        """End all ranks at once, after a failure that leaves no other way."""
        self._comm.Abort(code)


def world_wire() -> MpiWire:
    """Return a wire between all ranks that the launcher started; initialises MPI."""
    from mpi4py import MPI

    return MpiWire(MPI.COMM_WORLD)


def world_rank() -> int:
    """Return this process's rank among all that the launcher started."""
    from mpi4py import MPI

    rank: int = MPI.COMM_WORLD.Get_rank()
    return rank
