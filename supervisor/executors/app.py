"""Calls of apps, in the worker's own process or isolated in a child; and points of searches."""

from __future__ import annotations

import msgspec

from supervisor.core.calls import ISOLATED
from supervisor.core.executor import Executor, Form, Seat
from supervisor.core.objective import POINT, Objective, Program, decode_point
from supervisor.core.task import Failure, Report, Result, Task
from supervisor.executors.function import FunctionExecutor
from supervisor.executors.nested import labels_of

MOST_OBJECTIVES = 4
"""Searches that are steps run side by side; so many children are kept for their points."""


class AppExecutor:
    """Hands each task to whom its call, or its point, asks for.

    Inline calls run at 100,000 a second, so theirs is the short way. The child is made with the
    first call that needs it.

    Args:
        program: Whose apps are called.
        seat: The worker's.
        form: Gives the communicators of gangs; None if there are none.
    """

    def __init__(self, program: Program, seat: Seat, form: Form | None = None) -> None:
        self._program = program
        self._seat = seat
        self._form = form
        self._inline = FunctionExecutor(seat, form, program.deadline_s)
        self._isolated: Executor | None = None
        self._evaluators: dict[bytes, Executor] = {}  # by objective
        self._active: Executor = self._inline
        self._payload = b""  # of the call in progress

    def start(self, task: Task) -> None:
        """Begin a task."""
        self._payload = task.payload
        if task.payload.startswith(ISOLATED):
            self._active = self._isolated or self._isolate()
            payload = task.payload[len(ISOLATED) :]
            task = msgspec.structs.replace(task, payload=payload)
        elif task.payload.startswith(POINT):
            objective, payload = decode_point(task.payload)
            self._active = self._evaluators.get(objective) or self._evaluate(objective)
            self._payload = b""
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

    def _evaluate(self, objective: bytes) -> Executor:
        """Return an executor for the points of an objective, which may replace another one."""
        from supervisor.executors import build  # late, and to look it up in a circle

        if len(self._evaluators) >= MOST_OBJECTIVES:
            oldest = next(iter(self._evaluators))
            self._evaluators.pop(oldest).close()
        decoded = msgspec.msgpack.decode(objective, type=Objective)
        executor = self._evaluators[objective] = build(decoded, self._seat, self._form)
        return executor

    def poll(self) -> Result | None:
        """Return the result of the task in progress, or None while it runs."""
        result = self._active.poll()
        if result is None:
            for one in self._children():
                if one is not self._active:
                    one.poll()  # keeps an idle child quiet
        elif result.failure is not None and (labels := labels_of(self._payload)):
            result = msgspec.structs.replace(result, failure=inner(result.failure, labels))
        return result

    def _children(self) -> list[Executor]:
        isolated = [] if self._isolated is None else [self._isolated]
        return [*isolated, *self._evaluators.values()]

    def reports(self) -> list[Report]:
        """Return what the point in progress reports; calls do not report."""
        return [] if self._active is self._inline else self._active.reports()

    def stop_early(self, task_id: int) -> None:
        """Let the point in progress stop early."""
        self._active.stop_early(task_id)

    def cancel(self) -> None:
        """End the task in progress if it is isolated."""
        self._active.cancel()

    def filenos(self) -> list[int]:
        """Return the descriptors of the children."""
        return [fileno for one in self._children() for fileno in one.filenos()]

    def close(self) -> None:
        """Release everything; processes that are left are killed."""
        for one in (self._inline, *self._children()):
            one.close()


def inner(failure: Failure, labels: list[str]) -> Failure:
    """Return the failure of a call as those hear of it whose output it was to write.

    Args:
        failure: Of the call.
        labels: Its label, and those of the calls in between, from the inside out.
    """
    if failure.kind in ("cancelled", "member"):
        return failure
    needed = [f"needed by {label}" for label in labels[1:]]
    details = "\n".join(filter(None, (failure.details.rstrip(), *needed)))
    return Failure("unwritten", f"{labels[0]} failed: {failure.message}", details)
