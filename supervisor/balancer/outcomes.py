"""What becomes of tasks: tried again, answered without having run, told to the client."""

from __future__ import annotations

import msgspec

from supervisor.core.operations import SMALL_BYTES
from supervisor.core.task import Failure, FailureKind, Result, Task

WITHDRAWN: tuple[FailureKind, str] = ("cancelled", "withdrawn before it began")
LATE: tuple[FailureKind, str] = ("late", "had not begun when its patience was over")


def may_run_again(task: Task, result: Result) -> bool:
    """Return whether a task is to be tried again after this result."""
    if result.failure is None or result.failure.kind == "cancelled":
        return False
    return task.attempts > 1 and not task.parts


def tried_again(task: Task, worker: int) -> Task:
    """Return a task for its next attempt, which avoids the worker of the last one."""
    return msgspec.structs.replace(task, attempts=task.attempts - 1, avoid=worker)


def not_run(task: Task, kind: FailureKind, text: str) -> Result:
    """Return the result of a task that nobody runs."""
    return Result(task.id, b"", Failure(kind, text), first=task.first, width=task.width)


def for_client(task: Task, result: Result) -> Result:
    """Return a result as the client gets it: without what only servers want."""
    if task.output and len(result.value) > SMALL_BYTES:
        return msgspec.structs.replace(result, value=b"", operations=(), tasks=())
    if result.operations or result.tasks:
        return msgspec.structs.replace(result, operations=(), tasks=())
    return result
