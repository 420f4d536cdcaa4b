"""Calls of apps: in the worker's own process, or isolated in a child of it, as each call says."""

from __future__ import annotations

import msgspec

from supervisor.core.calls import ISOLATED
from supervisor.core.executor import Executor, Seat
from supervisor.core.objective import Program
from supervisor.core.task import Report, Result, Task
from supervisor.executors.function import FunctionExecutor


class AppExecutor:
    """Hands each task to whom its call asks for.

    Inline calls run at 100,000 a second, so theirs is the short way. The child is made with the
    first call that needs it.

    Args:
        program: Whose apps are called.
        seat: The worker's.
    """

    def __init__(self, program: Program, seat: Seat) -> None:
        self._program = program
        self._seat = seat
        self._inline = FunctionExecutor(seat)
        self._isolated: Executor | None = None
        self._active: Executor = self._inline

    def start(self, task: Task) -> None:
        """Begin a task."""
        if task.payload.startswith(ISOLATED):
            self._active = self._isolated or self._isolate()
            payload = task.payload[len(ISOLATED) :]
            task = msgspec.structs.replace(task, payload=payload)
        else:
            self._active = self._inline
        self._active.start(task)

    def _isolate(self) -> Executor:
        # Imported late: a worker loads only what it runs.
        from supervisor.executors.environment import fair_share
        from supervisor.executors.process import ProcessExecutor

        cores = fair_share(self._seat.neighbours)
        ids = self._inline.nested.ids
        self._isolated = ProcessExecutor(self._program, self._seat, cores, ids)
        return self._isolated

    def poll(self) -> Result | None:
        """Return the result of the task in progress, or None while it runs."""
        result = self._active.poll()
        if result is None and self._isolated is not None and self._active is self._inline:
            self._isolated.poll()  # keeps an idle child quiet
        return result

    def reports(self) -> list[Report]:
        """Return nothing: calls do not report."""
        return []

    def stop_early(self, task_id: int) -> None:
        """Do nothing: calls do not report."""

    def cancel(self) -> None:
        """End the task in progress if it is isolated."""
        self._active.cancel()

    def filenos(self) -> list[int]:
        """Return the descriptors of the child, if there is one."""
        return [] if self._isolated is None else self._isolated.filenos()

    def close(self) -> None:
        """Release everything; processes that are left are killed."""
        self._inline.close()
        if self._isolated is not None:
            self._isolated.close()
