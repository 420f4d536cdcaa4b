"""Failures in words: from exceptions, exit codes and signals."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path
from types import TracebackType

from supervisor.core.errors import InputError, SupervisorError
from supervisor.core.task import Failure, FailureKind

LONGEST_MESSAGE = 500
LONGEST_TRACEBACK = 16_384
OURS = (str(Path(__file__).parent), "<frozen importlib")


class TaskError(SupervisorError):
    """Carries a failure from the code that finds it to the code that returns it."""

    def __init__(self, kind: FailureKind, message: str, details: str = "") -> None:
        super().__init__(message)
        self.failure = Failure(kind, message, details)


def from_exception(error: BaseException) -> Failure:
    """Return the failure that an exception of the user's code means."""
    if isinstance(error, TaskError):
        return error.failure
    if isinstance(error, InputError):
        return Failure("invalid", str(error))
    details = _traceback(error)
    if isinstance(error, SystemExit):
        return Failure("exited", _exit_message(error), details)
    return Failure("raised", _one_line(error), details)


def from_status(status: int) -> Failure:
    """Return the failure that the end of the child process means; a wait status."""
    if os.WIFSIGNALED(status):
        return killed(os.WTERMSIG(status))
    code = os.WEXITSTATUS(status)
    if code == 0:
        return Failure("exited", "exited with code 0 before it returned a result")
    return Failure("exited", f"exited with code {code}")


def killed(number: int) -> Failure:
    """Return the failure of a process that a signal ended."""
    try:
        name = f"signal {number} ({signal.Signals(number).name})"
    except ValueError:  # a real-time signal has no name
        name = f"signal {number}"
    hint = ", perhaps out of memory" if number == signal.SIGKILL else ""
    return Failure("signal", f"killed by {name}{hint}")


def _exit_message(error: SystemExit) -> str:
    if error.code is None or isinstance(error.code, int):
        return f"exited with code {error.code or 0}"
    return f"exited with code 1: {error.code}"[:LONGEST_MESSAGE]


def _one_line(error: BaseException) -> str:
    lines = list(traceback.TracebackException.from_exception(error).format_exception_only())
    # A syntax error shows the source first and says last what is wrong.
    text = lines[-1] if isinstance(error, SyntaxError) else lines[0]
    return text.strip().partition("\n")[0][:LONGEST_MESSAGE]


def _traceback(error: BaseException) -> str:
    """Return the traceback from the user's first frame on."""
    frame = error.__traceback__
    while frame is not None and _is_ours(frame):
        frame = frame.tb_next
    text = "".join(traceback.format_exception(type(error), error, frame))
    if len(text) <= LONGEST_TRACEBACK:
        return text
    half = LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n  ...\n{text[-half:]}"


def _is_ours(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(OURS)
