"""Objectives that are shell commands: running one, and finding its result."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from supervisor.core.objective import Evaluation, Objective
from supervisor.executors.command import SHELL, Pipe, check, run_command
from supervisor.executors.context import Context, strict_json
from supervisor.executors.failures import TaskError
from supervisor.executors.guard import SWEEP_S, sweep
from supervisor.executors.template import render

if TYPE_CHECKING:
    from supervisor.executors.container import Contained

KEPT_BYTES = 1_000_000
LONGEST_VARIABLE = 100_000  # Linux refuses to start programs with 131,072 bytes in one


class Launcher(Protocol):
    """How the processes of a command are started."""

    def command(self, context: Context) -> list[str]:
        """Return what stands before the shell that runs the command."""

    def code_of(self, code: int, output: bytes) -> int:
        """Return the exit code that this one means, as a shell would say it."""


class ShellObjective:
    """Runs the command of each point. Lives in the child process, which adopts orphans.

    Args:
        command: Its template.
        objective: What it belongs to.
        launcher: Starts the processes of the command, if there are several.
    """

    def __init__(
        self, command: str, objective: Objective, launcher: Launcher | None = None
    ) -> None:
        self._command = command
        self._objective = objective
        self._launcher = launcher
        self._contained: Contained | None = None
        if objective.container is not None:
            from supervisor.executors import container  # late: few commands have one

            self._contained = container.Contained(
                objective.container,
                objective.source_dir,
                Path(objective.experiment_dir, "runs"),
                launched=objective.run == "launch",
            )

    def __call__(self, evaluation: Evaluation, context: Context) -> object:
        """Return the command's result: a mapping or a number."""
        script = render(self._command, evaluation.values, context)
        file = None if self._objective.result == "stdout" else context.dir / self._objective.result
        if file is not None and context.rank == 0:
            file.unlink(missing_ok=True)  # an earlier attempt's
        start = [] if self._launcher is None else self._launcher.command(context)
        command = [SHELL, "-c", script]
        environment = {**os.environ, **variables(evaluation, context)}
        if self._contained is not None:
            folder = context.dir if context.used_dir else None
            command, environment = self._contained.wrap(script, folder, environment)
        code, stdout = self._run([*start, *command], environment)
        check(code if self._launcher is None else self._launcher.code_of(code, stdout))
        if context.rank:
            return {}
        found = last_result(stdout) if file is None else read_result(file)
        return with_numbers(found, self._objective.metric)

    def _run(self, command: list[str], environment: dict[str, str]) -> tuple[int, bytes]:
        """Run a command; return its exit code and the end of its standard output.

        Processes that it leaves in the background are killed.
        """
        with Pipe(to=1, most=KEPT_BYTES) as stdout:
            code = run_command(command, stdout=stdout, environment=environment)
            sweep(SWEEP_S)  # also those that left its process group
            return code, bytes(stdout.kept)


def variables(evaluation: Evaluation, context: Context) -> dict[str, str]:
    """Return what a command finds in its environment.

    ``SUPERVISOR_TASK_DIR`` is there if the template or the result uses the directory;
    ``SUPERVISOR_PARAMS`` (JSON) unless it is too long for a variable.
    """
    found = {
        "SUPERVISOR_POINT": str(context.id),
        "SUPERVISOR_SEED": str(context.seed),
        "SUPERVISOR_ATTEMPT": str(context.attempt),
        "SUPERVISOR_RANK": str(context.rank),
        "SUPERVISOR_SIZE": str(context.size),
    }
    if context.rendezvous:
        found["SUPERVISOR_RENDEZVOUS"] = context.rendezvous
    params = strict_json(evaluation.values)
    if len(params) <= LONGEST_VARIABLE:
        found["SUPERVISOR_PARAMS"] = params
    if context.used_dir:
        found["SUPERVISOR_TASK_DIR"] = str(context.dir)
    return found


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
