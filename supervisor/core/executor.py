"""The seam between a worker and whatever runs its tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from supervisor.core.task import Report, Result, Task

Form = Callable[[Sequence[int], int], Any]
"""Gives the communicator of a gang: of these world ranks, in this order; gangs are numbered."""


class Seat(msgspec.Struct, frozen=True):
    """Which worker an executor serves, among which ranks.

    Attributes:
        rank: World rank of the worker.
        ranks, servers: Numbers of them.
        home: Index of the server that the worker asks for tasks.
        kinds: Names of all kinds of tasks, by their numbers.
        neighbours: Number of workers on the worker's host, itself included; they share the cores.
        slot: Which of the workers that share the host's accelerators it is, from 0.
        slots: How many they are; 0 if this one uses none.
        host: Name of the worker's host, as its scheduler says it; empty if nobody told.
    """

    rank: int
    ranks: int = 1
    servers: int = 1
    home: int = 0
    kinds: tuple[str, ...] = ("work",)
    neighbours: int = 1
    slot: int = 0
    slots: int = 0
    host: str = ""


class Executor(Protocol):
    """Runs one task at a time. A worker starts a task, then polls until its result is there."""

    def start(self, task: Task) -> None:
        """Begin a task. Only called when no task is in progress."""

    def poll(self) -> Result | None:
        """Return the result of the task in progress, or None while it runs; never blocks."""

    def reports(self) -> list[Report]:
        """Return and forget what the task in progress has reported since the last call."""

    def stop_early(self, task_id: int) -> None:
        """Let the next report of this task answer that the trial will not be continued."""

    def cancel(self) -> None:
        """End the task in progress, if it can be ended; its failure is of kind "cancelled"."""

    def filenos(self) -> list[int]:
        """Return descriptors that become readable when there is something to poll."""

    def close(self) -> None:
        """Release everything; processes that are left are killed."""
