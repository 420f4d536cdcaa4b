"""Collectives of Python objects, as steps: each yields the requests that it waits for.

All lengths are known before the objects travel; all objects have arrived before any is
unpickled or combined, so what that raises disturbs no other member.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpi4py import MPI

Steps = Generator["MPI.Request", None, Any]


class Travel:
    """Carries encoded objects between the members of a communicator.

    Args:
        comm: The communicator.
        byte: MPI's type of a byte.
    """

    def __init__(self, comm: MPI.Intracomm, byte: MPI.Datatype) -> None:
        self._comm = comm
        self._byte = byte
        self._rank = comm.Get_rank()
        self._size = comm.Get_size()

    def bcast(self, data: bytes, length: int, root: int) -> Steps:
        """Return the root's data, whose length everybody knows."""
        buffer = data if self._rank == root else bytearray(length)
        yield self._comm.Ibcast([buffer, self._byte], root)
        return buffer

    def gather(self, data: bytes, root: int) -> Steps:
        """Return everybody's data at the root, and nothing elsewhere."""
        lengths = yield from self._lengths(data)
        if self._rank != root:
            yield self._comm.Igatherv([data, self._byte], None, root)
            return []
        buffer = bytearray(sum(lengths))
        yield self._comm.Igatherv([data, self._byte], self._blocks(buffer, lengths), root)
        return cut(buffer, lengths)

    def allgather(self, data: bytes) -> Steps:
        """Return everybody's data."""
        lengths = yield from self._lengths(data)
        buffer = bytearray(sum(lengths))
        yield self._comm.Iallgatherv([data, self._byte], self._blocks(buffer, lengths))
        return cut(buffer, lengths)

    def scatter(self, data: Sequence[bytes], root: int) -> Steps:
        """Return what the root has for this member."""
        lengths = array("q", map(len, data) if data else bytes(8 * self._size))
        yield self._comm.Ibcast(lengths, root)
        buffer = bytearray(lengths[self._rank])
        leaving = self._blocks(b"".join(data), lengths) if data else None
        yield self._comm.Iscatterv(leaving, [buffer, self._byte], root)
        return buffer

    def alltoall(self, data: Sequence[bytes]) -> Steps:
        """Return what each member has for this one."""
        leaving = array("q", map(len, data))
        coming = array("q", bytes(8 * self._size))
        yield self._comm.Ialltoall(leaving, coming)
        buffer = bytearray(sum(coming))
        yield self._comm.Ialltoallv(
            self._blocks(b"".join(data), leaving), self._blocks(buffer, coming)
        )
        return cut(buffer, coming)

    def _lengths(self, data: bytes) -> Steps:
        lengths = array("q", bytes(8 * self._size))
        yield self._comm.Iallgather(array("q", [len(data)]), lengths)
        return lengths

    def _blocks(self, buffer: bytes | bytearray, lengths: Sequence[int]) -> Any:
        return [buffer, (list(lengths), starts(lengths)), self._byte]


def starts(lengths: Sequence[int]) -> list[int]:
    """Return where each of several pieces begins that follow one another."""
    return [0, *accumulate(lengths)][:-1]


def cut(buffer: bytearray, lengths: Sequence[int]) -> list[memoryview]:
    """Return the pieces of a buffer."""
    view = memoryview(buffer)
    pairs = zip(starts(lengths), lengths, strict=True)
    return [view[start : start + length] for start, length in pairs]
