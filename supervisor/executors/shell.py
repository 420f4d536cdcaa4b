"""Objectives that are shell commands: running one, and finding its result."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

from supervisor.core.objective import Evaluation, Objective
from supervisor.executors.context import Context, strict_json
from supervisor.executors.failures import TaskError, killed
from supervisor.executors.guard import SWEEP_S, sweep, wake_on
from supervisor.executors.template import render

SHELL = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
KEPT_BYTES = 1_000_000
LONGEST_VARIABLE = 100_000  # Linux refuses to start programs with 131,072 bytes in one
REASONS = {126: ": the command cannot be executed", 127: ": the command was not found"}


class ShellObjective:
    """Runs the command of each point. Lives in the child process, which adopts orphans."""

    def __init__(self, command: str, objective: Objective) -> None:
        self._command = command
        self._objective = objective
        self._wake = wake_on(signal.SIGCHLD)

    def __call__(self, evaluation: Evaluation, context: Context) -> object:
        """Return the command's result: a mapping or a number."""
        script = render(self._command, evaluation.values, context)
        file = None if self._objective.result == "stdout" else context.dir / self._objective.result
        if file is not None:
            file.unlink(missing_ok=True)  # an earlier attempt's
        code, stdout = self._run(script, {**os.environ, **variables(evaluation, context)})
        check(code)
        found = last_result(stdout) if file is None else read_result(file)
        return with_numbers(found, self._objective.metric)

    def _run(self, script: str, environment: dict[str, str]) -> tuple[int, bytes]:
        """Run a script; return its exit code and the end of its standard output.

        Processes that it leaves in the background are killed.
        """
        process = subprocess.Popen(
            [SHELL, "-c", script],
            stdout=subprocess.PIPE,
            env=environment,
            process_group=0,  # "kill 0" in a script must not end the child
        )
        assert process.stdout is not None
        with process.stdout as stdout:
            copy = Copy(stdout.fileno(), self._wake)
            copy.until(process)
            code = process.wait()
            sweep(SWEEP_S)
            copy.rest()
        return code, bytes(copy.tail)


class Copy:
    """Copies a command's standard output to our own, and keeps its end."""

    def __init__(self, source: int, wake: int) -> None:
        os.set_blocking(source, False)
        self._source = source
        self._wake = wake
        self.tail = bytearray()

    def until(self, process: subprocess.Popen[bytes]) -> None:
        """Copy until the process ends, or has closed its standard output."""
        poller = select.poll()
        poller.register(self._source, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while process.poll() is None:
            for fd, _ in poller.poll():
                if fd == self._wake:
                    os.read(self._wake, 512)
                elif self._some() == b"":
                    return

    def rest(self) -> None:
        """Copy what is left in the pipe."""
        while self._some():
            pass

    def _some(self) -> bytes | None:
        """Copy what is there; return it, None if there is nothing, b"" at the end."""
        try:
            data = os.read(self._source, 65_536)
        except BlockingIOError:
            return None
        self.tail += data
        del self.tail[:-KEPT_BYTES]
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]
        return data


def variables(evaluation: Evaluation, context: Context) -> dict[str, str]:
    """Return what a command finds in its environment.

    ``SUPERVISOR_TASK_DIR`` is there if the template or the result uses the directory;
    ``SUPERVISOR_PARAMS`` (JSON) unless it is too long for a variable.
    """
    found = {
        "SUPERVISOR_POINT": str(context.id),
        "SUPERVISOR_SEED": str(context.seed),
        "SUPERVISOR_ATTEMPT": str(context.attempt),
    }
    params = strict_json(evaluation.values)
    if len(params) <= LONGEST_VARIABLE:
        found["SUPERVISOR_PARAMS"] = params
    if context.used_dir:
        found["SUPERVISOR_TASK_DIR"] = str(context.dir)
    return found


def check(code: int) -> None:
    """Raise the failure that an exit code means, as ``subprocess`` and shells write it.

    Raises:
        TaskError: If the code is not 0.
    """
    if code == 0:
        return
    # A shell says 128 + n of a command that signal n killed.
    number = -code if code < 0 else code - 128
    if number in {int(known) for known in signal.Signals}:
        failure = killed(number)
        raise TaskError(failure.kind, failure.message)
    raise TaskError("exited", f"exited with code {code}{REASONS.get(code, '')}")


def last_result(stdout: bytes) -> object:
    """Return the last line that is a JSON object or a number.

    Raises:
        TaskError: If there is none.
    """
    for line in reversed(stdout.decode(errors="replace").splitlines()):
        found = _parse(line.strip())
        if found is not None:
            return found
    text = "no line of the standard output is a JSON object or a number"
    raise TaskError("invalid", text)


def read_result(file: Path) -> object:
    """Return the JSON object or the number in a file.

    Raises:
        TaskError: If there is no such file, or something else in it.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        problem = f"the result file cannot be read: {error}"
        raise TaskError("invalid", problem) from error
    found = _parse(text)
    if found is None:
        problem = (
            f"the result file {file} holds {text[:100]!r}; expected a JSON object or a number"
        )
        raise TaskError("invalid", problem)
    return found


def _parse(text: str) -> dict[str, Any] | float | None:
    if text[:1] == "{":
        try:
            found = json.loads(text)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
    try:
        return float(text)  # also takes nan and inf, as C and Fortran print them
    except ValueError:
        return None


def with_numbers(found: object, metric: str | None) -> object:
    """Return the result with the metric as a number if it says NaN or Infinity as text."""
    if not isinstance(found, dict) or not isinstance(found.get(metric), str):
        return found
    number = _parse(found[metric])
    return {**found, metric: number} if isinstance(number, float) else found
