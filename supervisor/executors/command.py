"""Running one command: its streams, its end, and what it leaves in the background."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from supervisor.executors.failures import TaskError, killed

SHELL = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
REASONS = {126: ": the command cannot be executed", 127: ": the command was not found"}
LOOK_MS = 50
"""How soon the end of a command is noticed whose background processes hold its streams."""

MOST_LEFT = 16
"""Reads that empty a pipe, also if a process that left the command's group still writes."""


class Pipe:
    """A stream of a command: passed on as it comes, and its end kept.

    Args:
        to: Descriptor that it is passed on to, or None.
        most: Number of bytes to keep.

    Attributes:
        size: Number of bytes that came.
        kept: The last of them.
    """

    def __init__(self, to: int | None, most: int) -> None:
        self.size = 0
        self.kept = bytearray()
        self.to = to
        self._most = most
        self.source, self.sink = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.source, False)

    def copy(self) -> bytes | None:
        """Copy what is there; return it, None if there is nothing, b"" at the end."""
        try:
            data = os.read(self.source, 65_536)
        except BlockingIOError:
            return None
        self.size += len(data)
        self.kept += data
        del self.kept[: -self._most]
        view = memoryview(data)
        while view and self.to is not None:
            view = view[os.write(self.to, view) :]
        return data

    def text(self) -> str:
        """Return what was kept; bytes that are not UTF-8 are replaced."""
        return self.kept.decode(errors="replace")

    def __enter__(self) -> Pipe:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.source)
        if self.sink >= 0:
            os.close(self.sink)


def run_command(
    command: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: Pipe | int | None = None,
    stderr: Pipe | int | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command to its end, in the working directory, and return its exit code.

    What it leaves in its process group is killed.

    Args:
        command: The program and its arguments.
        stdin, stdout, stderr: Pipes, descriptors, or None for our own.
        environment: Of the command; None for our own.

    Raises:
        OSError: If the program cannot be started.
    """
    process = subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout.sink if isinstance(stdout, Pipe) else stdout,
        stderr=stderr.sink if isinstance(stderr, Pipe) else stderr,
        env=environment,
        process_group=0,  # "kill 0" in a script must not end us
    )
    pipes = [one for one in (stdout, stderr) if isinstance(one, Pipe)]
    for pipe in pipes:
        os.close(pipe.sink)
        pipe.sink = -1
    _copy_until_end(process.pid, pipes)
    # Not waited for yet, so that the number of its group is still its own.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in pipes:
        for _ in range(MOST_LEFT):
            if not pipe.copy():
                break
    return process.wait()


def _copy_until_end(pid: int, pipes: Sequence[Pipe]) -> None:
    """Return when the process has ended, and leave it a zombie."""
    poller = select.poll()
    left = {pipe.source: pipe for pipe in pipes}
    for source in left:
        poller.register(source, select.POLLIN)
    while left:
        for source, _ in poller.poll(LOOK_MS):
            if left[source].copy() == b"":
                poller.unregister(source)
                del left[source]
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            return
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def check(code: int, what: str = "", details: str = "") -> None:
    """Raise the failure that an exit code means, as ``subprocess`` and shells write it.

    Args:
        code: The exit code.
        what: The command, for the message.
        details: What else to tell.

    Raises:
        TaskError: If the code is not 0.
    """
    if code == 0:
        return
    # A shell says 128 + n of a command that signal n killed.
    number = -code if code < 0 else code - 128
    before = f"{what} " if what else ""
    if number in {int(known) for known in signal.Signals}:
        failure = killed(number)
        verb = "was " if what else ""
        raise TaskError(failure.kind, f"{before}{verb}{failure.message}", details)
    text = f"{before}exited with code {code}{REASONS.get(code, '')}"
    raise TaskError("exited", text, details)
