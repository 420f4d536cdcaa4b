"""The guard: the small process between a worker and the child that runs user code.

It runs no user code and holds no lock that user code could hold, so it acts whatever the
child does: it adopts orphans, kills what a dead child leaves, and kills the whole tree when
the worker dies. It hears from the worker over the lifeline: ``TERMINATE`` asks it to end the
tree, the end of file means that the worker is gone. It answers with the child's wait status
once the tree is gone.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

TERMINATE = b"T"
GRACE_S = 2.0
SWEEP_S = 5.0
PAUSE_S = 0.005
STATUS_BYTES = 4


class Guard:
    """Watches one child process from inside its parent."""

    def __init__(self, child: int, lifeline: int) -> None:
        self._child = child
        self._lifeline = lifeline
        self._ended = False
        # Stays if the child resists SIGKILL, stuck in the kernel: it counts as killed.
        self._status = int(signal.SIGKILL)
        self._wake = wake_on(signal.SIGCHLD, signal.SIGTERM)

    def watch(self) -> None:
        """Return when the child and all its descendants are gone."""
        if self._wait() == TERMINATE:
            self._terminate()
        self._note(sweep(SWEEP_S))
        with contextlib.suppress(OSError):  # the worker may be gone
            os.write(self._lifeline, self._status.to_bytes(STATUS_BYTES, "little"))

    def _wait(self) -> bytes:
        """Wait for the child's end, an order (returned), or the worker's end."""
        poller = select.poll()
        poller.register(self._lifeline, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while not self._child_ended():
            for fd, _ in poller.poll():
                if fd == self._lifeline:
                    return self._order()
                if signal.SIGTERM in os.read(self._wake, 512):
                    return TERMINATE
        return b""

    def _order(self) -> bytes:
        try:
            return os.read(self._lifeline, 1)
        except ConnectionResetError:
            return b""

    def _child_ended(self) -> bool:
        self._note(reap()[0])
        return self._ended

    def _note(self, statuses: dict[int, int]) -> None:
        if self._child in statuses:
            self._ended = True
            self._status = statuses[self._child]

    def _terminate(self) -> None:
        """Ask the tree to end, and give it time."""
        for process in descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        end = time.monotonic() + GRACE_S
        while time.monotonic() < end:
            statuses, left = reap()
            self._note(statuses)
            if not left:
                return
            time.sleep(PAUSE_S)


def sweep(patience_s: float) -> dict[int, int]:
    """Kill all descendants of this process; return the wait statuses of those it reaped.

    Complete only in a process that adopts orphans; gives up after ``patience_s``.
    """
    end = time.monotonic() + patience_s
    statuses, left = reap()
    while left and time.monotonic() < end:
        for process in descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(PAUSE_S)
        more, left = reap()
        statuses |= more
    return statuses


def reap() -> tuple[dict[int, int], bool]:
    """Return the wait statuses of children that ended, and whether there are others."""
    statuses: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return statuses, False
        if pid == 0:
            return statuses, True
        statuses[pid] = status


def descendants(root: int | None = None) -> list[int]:
    """Return the process ids of all descendants of a process, by default of this one."""
    import psutil  # late: only the end of a tree needs it

    try:
        return [process.pid for process in psutil.Process(root).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def wake_on(*signals: signal.Signals) -> int:
    """Return a descriptor that becomes readable, with the number, when a signal comes."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(write_end)
    for number in signals:
        signal.signal(number, lambda *_: None)  # the default would not wake anyone, or kill
    return read_end
