"""Who trains together: the members of a communicator, how they come together and part."""

from __future__ import annotations

import math
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from supervisor.core.errors import InputError, SupervisorError

Adder = Callable[[list[float]], list[float]]
"""Takes a member's numbers; returns their sums over all members."""


class Trainer(Protocol):
    """A library that members train with, while it is initialised on them."""

    def meet(self) -> None:
        """Wait for all members; raise if one of them has broken off."""

    def close(self) -> None:
        """End this member's part; all have met."""

    def break_off(self) -> None:
        """End this member's part so that the others fail in what they wait for."""


class PeerFailed(SupervisorError):
    """Another member failed or left, so that this one cannot go on; the cause is its error."""

    def __init__(self, trainer: str, error: Exception) -> None:
        text = f"{trainer}: another member failed, left or does not answer; its error says why"
        super().__init__(f"{text} ({str(error).strip()})")
        self.trainer = trainer
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.trainer, self.error)


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a communicator, seen from one of them.

    Attributes:
        rank: This member's number, from 0.
        size: How many they are.
        hosts: Host of each member, by rank.
    """

    rank: int
    size: int
    hosts: tuple[str, ...]

    @property
    def local_rank(self) -> int:
        """This member's number among those on the same host."""
        return self.hosts[: self.rank].count(self.hosts[self.rank])

    @property
    def local_size(self) -> int:
        """How many members are on this member's host."""
        return self.hosts.count(self.hosts[self.rank])

    def device(self, devices: Sequence[str]) -> int | None:
        """Return the position of this member's device, or None if there are none.

        Members on one host take different ones, as far as there are enough.

        Args:
            devices: What this process may use, e.g. ``task.devices``.
        """
        return self.local_rank % len(devices) if devices else None


class Training(Members, ABC):
    """Members that a library trains with."""

    __slots__ = ()

    def average(self, metrics: Mapping[str, float], weight: float = 1.0) -> dict[str, float]:
        """Return the means of the members' metrics, on every member.

        Args:
            metrics: This member's; all members have the same names.
            weight: This member's, e.g. the number of samples that it evaluated.
        """
        return averaged(metrics, weight, self._add)

    @abstractmethod
    def _add(self, values: list[float]) -> list[float]:
        """Return the sums of numbers over all members."""


def assemble(comm: Any, problem: str) -> Members:
    """Wait for all members, and return who they are; none goes on if one of them cannot.

    Nobody then waits in a library for a member that failed before: the communicator of a task
    tells of it here.

    Args:
        comm: Their communicator, or None for one member alone.
        problem: Why this member cannot go on; empty if it can.

    Raises:
        InputError: On all members, if any of them has a problem.
    """
    mine = (socket.gethostname(), problem)
    everyone = [mine] if comm is None else comm.allgather(mine)
    for host, one in everyone:
        if one:
            raise InputError(f"training on {host}", one)
    rank = 0 if comm is None else comm.Get_rank()
    return Members(rank, len(everyone), tuple(host for host, _ in everyone))


@contextmanager
def parting(comm: Any, trainer: Trainer) -> Iterator[None]:
    """End what the members share, on each of them, whatever happens.

    Members that are done wait for the others, which may still need them. A member that fails
    breaks off at once, which wakes those that wait for it in the trainer.

    Args:
        comm: Their communicator, or None.
        trainer: What they share.
    """
    try:
        yield
        trainer.meet()
        if comm is not None:
            comm.Barrier()  # some may be in the last steps of the meeting
    except BaseException:
        trainer.break_off()
        raise
    trainer.close()


def averaged(metrics: Mapping[str, float], weight: float, add: Adder) -> dict[str, float]:
    """Return the weighted means of the members' metrics; NaN if all weights are 0.

    Args:
        metrics: This member's; all members have the same names.
        weight: This member's, e.g. the number of its samples; with 0 its metrics do not count.
        add: Sums numbers up over all members.
    """
    names = sorted(metrics)
    values = [weight * float(metrics[name]) if weight else 0.0 for name in names]
    total, *sums = add([float(weight), *values])
    return {
        name: one / total if total else math.nan for name, one in zip(names, sums, strict=True)
    }
