"""The worker's hold on one child process: channels, output, and how to end it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from supervisor.core.task import Failure
from supervisor.executors.channel import CHUNK, Begin, Channel, Leave
from supervisor.executors.environment import child_environment
from supervisor.executors.failures import from_status
from supervisor.executors.guard import PAUSE_S, STATUS_BYTES, SWEEP_S, TERMINATE, descendants

# The child finds modules exactly where the worker does, and user code sees no arguments.
BOOT = """import sys
control, lifeline, *sys.path = sys.argv[1:]
sys.argv = ["supervisor"]
from supervisor.executors.child import main
main(int(control), int(lifeline))
"""
LEAVE_S = 2.0


class Sandbox:
    """A child process that runs tasks, with its guard; see ``guard.py``.

    Args:
        begin: What its tasks are about.
        cores: That numerical libraries in it may use, unless the user says otherwise.

    Raises:
        OSError: If the process cannot be started.
    """

    def __init__(self, begin: Begin, cores: int) -> None:
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            control, far_control = _pair(ours, theirs)
            lifeline, far_lifeline = _pair(ours, theirs)
            self.output, far_output = os.pipe()
            ours.callback(os.close, self.output)
            theirs.callback(os.close, far_output)
            self._process = _start(
                begin.job.source_dir, cores, (far_control, far_lifeline), far_output
            )
            self._descriptors = ours.pop_all()
        os.set_blocking(self.output, False)
        os.set_blocking(lifeline, False)
        self._lifeline = lifeline
        self.control = Channel(control)
        self.control.send(begin)

    def filenos(self) -> list[int]:
        """Return the descriptors that become readable when something happened."""
        return [self.control.fd, self.output, self._lifeline]

    def read_output(self, most: int) -> bytes:
        """Return output that has arrived, about ``most`` bytes at most."""
        parts: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while most > 0 and (data := os.read(self.output, CHUNK)):
                parts.append(data)
                most -= len(data)
        return b"".join(parts)

    def ended(self) -> bool:
        """Tell whether the child and all its descendants are gone."""
        return self._process.poll() is not None

    def end(self) -> Failure:
        """Return what the end of the child means for the task it was running."""
        try:
            status = os.read(self._lifeline, STATUS_BYTES)
        except OSError:
            status = b""
        if status:
            return from_status(int.from_bytes(status, "little"))
        # The guard did not answer: it was killed, or the interpreter did not start.
        code = self._process.returncode
        if code is None or code < 0:
            return from_status(signal.SIGKILL if code is None else -code)
        return Failure("exited", f"its process exited with code {code} before it began")

    def terminate(self) -> None:
        """Ask the guard to end the whole tree, with grace."""
        with contextlib.suppress(OSError):  # the guard has gone already
            os.write(self._lifeline, TERMINATE)

    def abandon(self) -> None:
        """Kill what can be seen of the tree, without the guard's help and without waiting."""
        for process in [*descendants(self._process.pid), self._process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._descriptors.close()

    def close(self, patience_s: float = LEAVE_S) -> None:
        """End the child and its descendants and wait until they are gone.

        Args:
            patience_s: How long the child may take to leave by itself, which lets MPI and
                exit handlers finish.
        """
        if patience_s > 0:
            self.control.send(Leave())
            # Or a child that prints while it leaves would be held up.
            self._wait(patience_s, meanwhile=lambda: self.read_output(CHUNK))
        # The guard kills everything when it finds the lifeline closed.
        self._descriptors.close()
        if not self._wait(SWEEP_S + LEAVE_S):
            self.abandon()
            self._wait(LEAVE_S)

    def _wait(self, patience_s: float, meanwhile: Callable[[], object] = bool) -> bool:
        end = time.monotonic() + patience_s
        while not self.ended() and time.monotonic() < end:
            meanwhile()
            time.sleep(PAUSE_S)
        return self.ended()


def _pair(ours: contextlib.ExitStack, theirs: contextlib.ExitStack) -> tuple[int, int]:
    near, far = socket.socketpair()
    ours.callback(near.close)
    theirs.callback(far.close)
    return near.fileno(), far.fileno()


def _start(
    folder: str, cores: int, descriptors: tuple[int, int], output: int
) -> subprocess.Popen[bytes]:
    paths = [str(Path(entry).absolute()) for entry in sys.path]
    # -P: the working directory must not hide modules of the standard library.
    command = [sys.executable, "-P", "-c", BOOT, *map(str, descriptors), *paths]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=descriptors,
        cwd=folder,
        env=child_environment(os.environ, cores),
        start_new_session=True,
    )
