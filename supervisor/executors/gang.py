"""A worker's part in a task that several of them run together."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgspec

from supervisor.core.executor import Form
from supervisor.core.gang import MemberFailed, Membership, member_name
from supervisor.core.task import Failure, Task
from supervisor.executors.failures import from_exception

AGAIN_S = 1.0
"""After this time what went on over its limit is interrupted again."""


GRACE_S = 5.0
"""How long a call goes on when the run is asked to end."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What asks for that; launchers pass it on to all ranks."""


class TimeLimit(BaseException):
    """Ends what users' code does; not an Exception, which they often catch."""


def join(form: Form | None, task: Task, rank: int) -> Any:
    """Return the communicator of a task's gang, or of this worker alone; None without MPI."""
    if form is None:
        return None
    gang = task.gang
    return form((rank,), 0) if gang is None else form(gang.team, gang.number)


def take_part(
    task: Task,
    rank: int,
    comm: Membership | None,
    call: Callable[[], Failure | None],
    deadline_s: float,
) -> Failure | None:
    """Make this member's call and end its part; return why the task failed, as seen from here.

    Args:
        task: Its time limit ends the call as soon as Python code runs.
        rank: World rank of the member.
        comm: Of the gang; None without MPI.
        call: Returns why it failed.
        deadline_s: When the run must end, in seconds since the epoch; it ends the call too.

    Raises:
        Stuck: If somebody failed and another member does not come back.
    """
    failure = _within(_limit(task, deadline_s, comm), call)
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


def _within(limit: _Limit, call: Callable[[], Failure | None]) -> Failure | None:
    try:
        with limit.watch():
            failure = call()
    except TimeLimit as over:
        return limit.failure(from_exception(over).details)
    if limit.reached:  # and somebody caught it
        return limit.failure(failure.details if failure else "")
    return failure


def _limit(task: Task, deadline_s: float, comm: Membership | None) -> _Limit:
    """Return what ends a task's call: its own time limit, or the end of the run."""
    left_s = max(1e-3, deadline_s - time.time())
    if left_s < task.limit_s:
        return _Limit(left_s, comm, Failure("cancelled", "the time of the run is over"))
    text = f"reached its time limit of {task.limit_s:g} s and was killed"
    return _Limit(task.limit_s, comm, Failure("timeout", text))


class _Limit:
    """Interrupts the main thread when a time is over."""

    def __init__(self, seconds: float, comm: Membership | None, verdict: Failure) -> None:
        self.reached = False
        self._seconds = seconds
        self._comm = comm
        self._verdict = verdict
        self._before: dict[int, Any] = {}  # handlers of signals

    def failure(self, details: str) -> Failure:
        return msgspec.structs.replace(self._verdict, details=details)

    @contextmanager
    def watch(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._before = {number: signal.signal(number, self._end) for number in ENDING}
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._interrupt)
        if self._seconds < math.inf:
            signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN_S)
        try:
            yield
        finally:
            self._stop()

    def _stop(self) -> None:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # it may have come just then
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Let the call go on for a while only: the whole run is to end."""
        left_s, _ = signal.getitimer(signal.ITIMER_REAL)
        if not 0 < left_s < GRACE_S:
            self._verdict = Failure("cancelled", "the run is ending")
            signal.setitimer(signal.ITIMER_REAL, GRACE_S, AGAIN_S)
        before = self._before[number]
        if callable(before):
            before(number, frame)

    def _interrupt(self, *_: object) -> None:
        self.reached = True
        if self._comm is None:
            raise TimeLimit
        self._comm.interrupt(TimeLimit())
