"""What the task of a step does on its worker. Workers import nothing else of steps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

from supervisor.core.calls import Wrapper
from supervisor.core.objective import Container
from supervisor.executors.call import resolve
from supervisor.executors.command import SHELL, Pipe, check, run_command
from supervisor.executors.environment import child_environment
from supervisor.executors.failures import TaskError

LONGEST_SHOWN = 60
KEPT_BYTES = 1_000_000


def call_python(
    function: str,
    arguments: Mapping[str, Any],
    folder: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    **together: Any,
) -> Any:
    """Call a function in the folder of the workflow and return what it returns.

    Args:
        function: ``module:function``.
        arguments: By name.
        folder: The workflow's.
        inputs: Files that must be there before.
        outputs: Files that must be there afterwards.
        together: ``comm``, if several workers make the call; the first one looks for the outputs.

    Raises:
        TaskError: If a file is missing.
    """
    comm = together.get("comm")
    with chdir(folder):
        _check(inputs, "its input {} is missing")
        found = resolve(function, folder)
        called = found.function if isinstance(found, Wrapper) else found
        value = called(**arguments, **together)
        if comm is None or comm.rank == 0:
            _check(outputs, "it ended without its output {}")
    return value


def call_shell(
    script: str,
    folder: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    container: Container | None = None,
) -> Any:
    """Run a script in the folder of the workflow and return its value.

    That is the last line that it printed: what it says as JSON, or else the text; None if it
    printed nothing.

    Args:
        script: For bash, or for the container's sh.
        folder: The workflow's.
        inputs: Files that must be there before.
        outputs: Files that must be there afterwards.
        container: What the script runs in, which may write to the folder.

    Raises:
        TaskError: If it exits with another code than 0, or a file is missing.
    """
    with chdir(folder):
        _check(inputs, "its input {} is missing")
        with Pipe(1, KEPT_BYTES) as stdout, Pipe(2, KEPT_BYTES) as stderr:
            environment = child_environment(os.environ, None)
            command = [SHELL, "-c", script]
            if container is not None:
                from supervisor.executors.container import Contained  # late: few steps have one

                contained = Contained(container, folder, None)
                command, environment = contained.wrap(script, None, environment)
            code = run_command(command, stdout=stdout, stderr=stderr, environment=environment)
            check(code, shown(script), stderr.text().rstrip())
            printed = stdout.text()
        _check(outputs, "it ended without its output {}")
    return last_line(printed)


def shown(script: str) -> str:
    """Return what failures call a script: its beginning, on one line."""
    line = " ".join(script.split())
    return repr(line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 3]}...")


def last_line(printed: str) -> Any:
    """Return the value of the last line of a text."""
    lines = printed.strip().splitlines()
    if not lines:
        return None
    try:
        return json.loads(lines[-1])
    except ValueError:
        return lines[-1]


def _check(paths: Iterable[str], problem: str) -> None:
    for path in paths:
        if not Path(path).exists():
            raise TaskError("invalid", problem.format(repr(path)))
