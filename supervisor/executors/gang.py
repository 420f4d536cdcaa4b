"""A worker's part in a task that several of them run together."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from supervisor.core.executor import Form
from supervisor.core.gang import MemberFailed, Membership, member_name
from supervisor.core.task import Failure, Task
from supervisor.executors.failures import from_exception

AGAIN_S = 1.0
"""After this time what went on over its limit is interrupted again."""


class TimeLimit(BaseException):
    """Ends what users' code does; not an Exception, which they often catch."""


def join(form: Form | None, task: Task, rank: int) -> Any:
    """Return the communicator of a task's gang, or of this worker alone; None without MPI."""
    if form is None:
        return None
    gang = task.gang
    return form((rank,), 0) if gang is None else form(gang.team, gang.number)


def take_part(
    task: Task, rank: int, comm: Membership | None, call: Callable[[], Failure | None]
) -> Failure | None:
    """Make this member's call and end its part; return why the task failed, as seen from here.

    Args:
        task: Its time limit ends the call as soon as Python code runs.
        rank: World rank of the member.
        comm: Of the gang; None without MPI.
        call: Returns why it failed.

    Raises:
        Stuck: If somebody failed and another member does not come back.
    """
    failure = _within_limit(task, comm, call)
    if comm is None:
        return failure
    known = comm.trouble
    if comm.part(failure is not None):
        return None
    if failure is None or isinstance(known, MemberFailed):
        details = "" if failure is None else failure.details
        return _consequence(comm, details)
    if task.gang is None or len(task.gang.team) == 1:
        return failure
    name = member_name(task.gang.place(rank), task.gang.team)
    return msgspec.structs.replace(failure, message=f"{name}: {failure.message}")


def _consequence(comm: Membership, details: str) -> Failure:
    """Return the failure of a member that did nothing wrong."""
    if isinstance(comm.trouble, MemberFailed):
        return Failure("member", str(comm.trouble), details)
    return Failure("raised", str(comm.trouble), details)


def _within_limit(
    task: Task, comm: Membership | None, call: Callable[[], Failure | None]
) -> Failure | None:
    limit = _Limit(task.limit_s, comm)
    try:
        with limit.watch():
            failure = call()
    except TimeLimit as over:
        return limit.failure(from_exception(over).details)
    if limit.reached:  # and somebody caught it
        return limit.failure(failure.details if failure else "")
    return failure


class _Limit:
    """Interrupts the main thread when a time is over."""

    def __init__(self, seconds: float, comm: Membership | None) -> None:
        self.reached = False
        self._seconds = seconds
        self._comm = comm

    def failure(self, details: str) -> Failure:
        text = f"reached its time limit of {self._seconds:g} s and was killed"
        return Failure("timeout", text, details)

    @contextmanager
    def watch(self) -> Iterator[None]:
        if self._seconds == math.inf or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._interrupt)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN_S)
        try:
            yield
        finally:
            self._stop(before)

    def _stop(self, before: object) -> None:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # it may have come just then
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)  # type: ignore[arg-type]

    def _interrupt(self, *_: object) -> None:
        self.reached = True
        if self._comm is None:
            raise TimeLimit
        self._comm.interrupt(TimeLimit())
