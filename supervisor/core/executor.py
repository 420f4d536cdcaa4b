"""The seam between a worker and whatever runs its tasks."""

from __future__ import annotations

from typing import Protocol

from supervisor.core.task import Report, Result, Task


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
