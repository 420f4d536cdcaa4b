"""The child process of the process executor: a guard, and below it what runs user code.

Started by ``sandbox.py``. Imports as little as it can: the start of thousands of children
is a load on the file system, and user code finds a nearly fresh interpreter.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from typing import TextIO

from supervisor.core.objective import Program
from supervisor.core.task import Report, Result
from supervisor.executors import traces
from supervisor.executors.channel import (
    TO_CHILD,
    Begin,
    Channel,
    Done,
    FromChild,
    Leave,
    Progress,
    Run,
    Stop,
    ToChild,
)
from supervisor.executors.failures import from_exception
from supervisor.executors.guard import Guard

RunTask = Callable[[Run, Callable[[int, bytes], bool]], Done]
"""Runs a task, given what takes its reports."""

PR_SET_PDEATHSIG = 1  # sys/prctl.h
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None)


def main(control: int, lifeline: int) -> None:
    """Split into the guard and the process that runs tasks; serve until the worker says leave."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    guard = os.getpid()
    child = os.fork()
    if child:
        os.close(control)
        Guard(child, lifeline).watch()
        os._exit(0)
    os.close(lifeline)
    settle(guard)
    Child(Channel(control)).serve()


def settle(guard: int) -> None:
    """Make the process that runs user code die with its guard, alone in its group."""
    LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != guard:
        os._exit(1)
    os.setpgid(0, 0)  # user code that signals its group must not hit the guard
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main rank decides what Ctrl-C means
    faulthandler.enable()


class Child:
    """Runs one task after the other, each from the same starting state."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._inbox: deque[ToChild] = deque()
        self._stopped = -1
        begin = self._next()
        assert isinstance(begin, Begin)  # the worker's first message
        self._run = build(begin)
        self._state = StartingState(begin.job.source_dir)

    def serve(self) -> None:
        """Run tasks until told to leave, or until the worker is gone."""
        traces.listener = self._send
        while not isinstance(message := self._next(), Leave):
            if isinstance(message, Run):
                self._state.restore()
                done = self._attempt(message)
                flush()
                self._send(done)

    def _next(self) -> ToChild:
        while not self._inbox:
            if self._channel.closed:
                return Leave()
            self._channel.wait()
            self._receive()
        return self._inbox.popleft()

    def _receive(self) -> None:
        self._inbox.extend(map(TO_CHILD.decode, self._channel.receive()))

    def _attempt(self, run: Run) -> Done:
        def tell(step: int, metrics: bytes) -> bool:
            self._send(Progress(Report(run.task.id, step, metrics)))
            return self._is_stopped(run.task.id)

        try:
            return self._run(run, tell)
        except BaseException as error:  # Ctrl-C is ignored here: the user's code raised it
            return Done(Result(run.task.id, b"", from_exception(error)), run.made)

    def _is_stopped(self, task_id: int) -> bool:
        self._receive()
        while self._inbox and isinstance(message := self._inbox[0], Stop):
            self._stopped = message.id
            self._inbox.popleft()
        return self._stopped == task_id

    def _send(self, message: FromChild) -> None:
        self._channel.send(message)
        while not self._channel.flush():
            self._channel.wait()


def build(begin: Begin) -> RunTask:
    """Return what runs the tasks of a job; only that is imported."""
    if isinstance(begin.job, Program):
        from supervisor.executors.isolated import Calls

        return Calls(begin.job, begin.seat)
    from supervisor.executors.points import Points

    if begin.job.shell is not None:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # commands leave their orphans here
    return Points(begin.job, begin.seat.rank)


class StartingState:
    """What every task finds the same, whatever the one before it did."""

    def __init__(self, source_dir: str) -> None:
        self._source_dir = source_dir
        self._environment = os.environ.copy()
        self._arguments = list(sys.argv)
        # Copies out of the way of user code that closes or redirects its output.
        self._outputs = [os.dup(1), os.dup(2)]
        self._streams = [open_stream(1), open_stream(2)]

    def restore(self) -> None:
        """Bring back directory, environment, arguments and output streams."""
        os.chdir(self._source_dir)
        if os.environ.copy() != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        sys.argv[:] = self._arguments
        for fd, copy in enumerate(self._outputs, start=1):
            os.dup2(copy, fd)
        for index, stream in enumerate(self._streams):
            if stream.closed:
                self._streams[index] = open_stream(index + 1)
        sys.stdout, sys.stderr = self._streams


def open_stream(fd: int) -> TextIO:
    """Return a text stream that shows each line at once and never fails to encode."""
    return os.fdopen(
        fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def flush() -> None:
    """Push out what Python and C libraries hold back; it belongs to the task that ends."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or replaced
            stream.flush()
    LIBC.fflush(None)
