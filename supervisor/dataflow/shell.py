"""Shell apps: functions that return a command, which is run in their place."""

from __future__ import annotations

import inspect
import os
import shlex
import subprocess
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NoReturn, overload

from supervisor.core.errors import InputError
from supervisor.core.scope import Settings
from supervisor.dataflow.app import App, changed
from supervisor.dataflow.body import Body
from supervisor.dataflow.files import File, check_outputs
from supervisor.executors.command import Pipe, check, run_command
from supervisor.executors.failures import TaskError

STREAMS = ("stdin", "stdout", "stderr")
BASH = "/bin/bash"
STRICT = "set -euo pipefail\n"
TEXT_BYTES = 64_000_000
ERROR_BYTES = 4096
LONGEST_SHOWN = 200

Result = Literal["code", "stdout"]


@dataclass(frozen=True)
class Command:
    """Runs the command that a function returns.

    Attributes:
        function: The user's.
        accept: Exit codes that are no failure.
        result: What the value is.
    """

    function: Callable[..., Any]
    accept: frozenset[int]
    result: Result

    @cached_property
    def __name__(self) -> str:
        return self.function.__name__

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters."""
        return inspect.signature(self.function)

    def __call__(self, *arguments: Any, **named: Any) -> int | str | File:
        """Run the command; return its exit code, the file of its output, or its output.

        Raises:
            TaskError: If it cannot be started, or its exit code is not accepted.
            InputError: If the function returns no command, or the file to be read is missing.
        """
        bound = self.signature.bind(*arguments, **named)
        bound.apply_defaults()
        command, shown = self._command(self.function(*bound.args, **bound.kwargs))
        stdin, stdout, stderr = (bound.arguments.get(name) for name in STREAMS)
        with ExitStack() as stack:
            keep = TEXT_BYTES if self.result == "stdout" else 0
            out = stack.enter_context(Pipe(None, keep)) if keep else self._sink(stdout, stack)
            together = stderr is not None and stderr is stdout
            errors = stack.enter_context(Pipe(2 if stderr is None else None, ERROR_BYTES))
            if stderr is not None and not together:
                errors.to = self._sink(stderr, stack)
            try:
                code = run_command(
                    command,
                    stdin=self._source(stdin, stack),
                    stdout=out,
                    stderr=subprocess.STDOUT if together else errors,
                )
            except OSError as error:
                self._refuse(command[0], error)
            if code not in self.accept:
                self._fail(code, shown, errors.text())
            return self._value(code, stdout, out)

    def _command(self, returned: Any) -> tuple[list[str], str]:
        """Return the program and its arguments, and what messages call them."""
        if isinstance(returned, str):
            return [BASH, "-c", STRICT + returned], short(returned)
        if not isinstance(returned, Sequence) or isinstance(returned, bytes) or not returned:
            problem = f"returned {returned!r}; give a list of arguments, or one text for bash"
            raise InputError(self.__name__, problem)
        words = []
        for number, word in enumerate(returned):
            if isinstance(word, bool) or not isinstance(word, str | os.PathLike | int | float):
                problem = f"argument {number} of the command is {word!r}; give a text or a number"
                raise InputError(self.__name__, problem)
            words.append(os.fspath(word) if isinstance(word, os.PathLike) else str(word))
        return words, short(shlex.join(words))

    def _source(self, file: Any, stack: ExitStack) -> int:
        if file is None:
            return subprocess.DEVNULL
        source = File(file)
        if problem := source.problem():
            raise InputError(self.__name__, problem)
        return stack.enter_context(source.path.open("rb")).fileno()

    def _sink(self, file: Any, stack: ExitStack) -> int | None:
        """Return where a stream goes; None for our own."""
        if file is None:
            return None
        number: int = stack.enter_context(file.path.open("wb")).fileno()
        return number

    def _refuse(self, program: str, error: OSError) -> NoReturn:
        """Raise the failure of a command that could not be started."""
        if isinstance(error, FileNotFoundError):
            text = f"{self.__name__}: the command {program!r} was not found"
            raise TaskError("exited", text) from error
        text = f"{self.__name__}: the command {program!r} cannot be executed: {error.strerror}"
        raise TaskError("exited", text) from error

    def _fail(self, code: int, shown: str, errors: str) -> None:
        """Raise the failure of a command whose exit code is not accepted."""
        details = f"The end of its standard error:\n{errors}" if errors.strip() else ""
        check(code, f"{self.__name__}: {shown}", details)
        text = f"{self.__name__}: {shown} exited with code 0, which it does not accept"
        raise TaskError("exited", text, details)

    def _value(self, code: int, stdout: Any, out: Pipe | int | None) -> int | str | File:
        if not isinstance(out, Pipe):
            return code if stdout is None else stdout
        if out.size > TEXT_BYTES:
            text = f"{self.__name__} wrote more than {TEXT_BYTES / 1e6:g} MB of standard output"
            raise TaskError("output", f"{text}; give it a parameter stdout, which names a file")
        return out.text()


def short(command: str) -> str:
    """Return a command as messages show it."""
    line = " ".join(command.split())
    return f"'{line}'" if len(line) <= LONGEST_SHOWN else f"'{line[:LONGEST_SHOWN]}...'"


@overload
def shell(function: Callable[..., Any], /) -> App[..., Any]: ...


@overload
def shell(
    *,
    accept: Collection[int] = (0,),
    result: Result = "code",
    outputs: Sequence[str] = (),
    memo: bool | str = False,
    dir: Literal["private"] | None = None,
    **settings: Any,
) -> Callable[[Callable[..., Any]], App[..., Any]]: ...


def shell(
    function: Callable[..., Any] | None = None,
    /,
    *,
    accept: Collection[int] = (0,),
    result: Result = "code",
    outputs: Sequence[str] = (),
    memo: bool | str = False,
    dir: Literal["private"] | None = None,
    **settings: Any,
) -> Any:
    """Make an app of a function that returns a command: a list of arguments, or text for bash.

    Its parameters ``stdin``, ``stdout`` and ``stderr``, as far as it has them, name the files of
    these streams. The value of a call is the exit code; or the file, if ``stdout`` names one.

    Args:
        function: Returns the command.
        accept: Exit codes that are no failure.
        result: Whether the value is the text of the standard output instead.
        outputs: Other parameters that are files which the command makes.
        memo: Whether results are kept over runs, or the folder to keep them in.
        dir: Whether each command has a fresh directory, which is removed when it has succeeded;
            else it runs in the folder of the script.
        settings: As of ``app``; a command always runs isolated.
    """
    chosen = changed(Settings(run="process"), settings, "@shell")

    def make(function: Callable[..., Any]) -> App[..., Any]:
        check_command(function, accept, result)
        check_outputs(function, outputs, f"@shell of {function.__name__}")
        known = inspect.signature(function).parameters
        streams = [one for one in STREAMS[1:] if one in known and one not in outputs]
        inner = Command(function, frozenset(accept), result)
        body = Body(function, (*outputs, *streams), memo, dir, inner, "@shell")
        return App(function, chosen, body)

    return make if function is None else make(function)


def check_command(function: Callable[..., Any], accept: Any, result: Any) -> None:
    """Check what is asked of a command.

    Raises:
        InputError: If it contradicts itself.
    """
    where = f"@shell of {function.__name__}"
    if not isinstance(accept, Collection) or not all(isinstance(code, int) for code in accept):
        raise InputError(where, f"accept={accept!r} is no list of exit codes")
    if result not in ("code", "stdout"):
        raise InputError(where, f"result={result!r} is wrong here: give 'code' or 'stdout'")
    if result == "stdout" and "stdout" in inspect.signature(function).parameters:
        problem = "result='stdout' makes a value of the output, and its parameter stdout a file"
        raise InputError(where, f"{problem}; choose one")
