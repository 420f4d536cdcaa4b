"""Optimizers in any language: programs that speak JSON, one object a line."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import subprocess
import weakref
from collections import deque
from typing import Any

import msgspec

from supervisor.core.errors import InputError, OptimizerError
from supervisor.core.objective import Values
from supervisor.core.plain import plain
from supervisor.core.space import Space
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.settings import AtLeastOne

LONGEST_SHOWN = 200
LEAVE_S = 1.0


class Command:
    """A program that takes turns with us.

    It is told how to start, and answers with points; it is told their results, and answers with
    further points, or that it is done::

        <- {"start": {"space": {...}, "seed": 1, "evaluations": 40}}
        -> {"ask": [{"x": 1.5}, {"x": 2.0}]}
        <- {"tell": [{"id": 0, "values": {...}, "loss": 0.3, "metrics": {...}, "error": null}]}
        -> {"done": {}}

    It is told the results of all points that it asked last, in their order. A program that adds
    ``"wait": "any"`` to what it asks is told each result as it comes, and answers each time,
    maybe with no points. NaN and the infinities, which JSON does not have, are the texts "NaN",
    "Infinity" and "-Infinity". The program starts in the folder of the workflow; what it prints
    beside its answers belongs on standard error.

    Args:
        space: Where to search.
        command: The program and its arguments.
        evaluations: Told to the program; the campaign asks for no more.
        seed: Told to the program.
        options: Told to the program.
        folder: Where it starts.

    Raises:
        InputError: If the program cannot be started.
    """

    def __init__(
        self,
        space: Space,
        *,
        command: str,
        evaluations: AtLeastOne | None = None,
        seed: int = 0,
        options: dict[str, Any] | None = None,
        folder: str = ".",
    ) -> None:
        self._command = command
        self._points: deque[Values] = deque()  # asked by the program, and not yet by us
        self._asked = 0
        self._open: set[int] = set()
        self._results: dict[int, Told] = {}
        self._any = False
        self._done = False
        self._lines = 0
        try:
            self._process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                errors="surrogateescape",
            )
        except (OSError, ValueError, IndexError) as error:
            problem = getattr(error, "strerror", None) or error
            raise InputError("command", f"{command!r} cannot be started: {problem}") from error
        weakref.finalize(self, _end, self._process)
        start = {"space": space.describe(), "seed": seed, "evaluations": evaluations}
        self._say({"start": {**start, "options": options or {}}})
        self._listen()

    def ask(self, n: int) -> list[Values]:
        """Return up to ``n`` of the points that the program has asked for."""
        points = [self._points.popleft() for _ in range(min(n, len(self._points)))]
        self._open.update(range(self._asked, self._asked + len(points)))
        self._asked += len(points)
        return points

    def tell(self, results: list[Told]) -> None:
        """Collect results; when they are those that the program waits for, it goes on."""
        for result in results:
            self._open.remove(result.id)
            self._results[result.id] = result
            if self._any or not (self._open or self._points):
                self._go_on()

    def _go_on(self) -> None:
        """Tell the program what it waits for, and hear what it asks next."""
        if self._done:
            return
        told = [self._results[id] for id in sorted(self._results)]
        self._results.clear()
        self._say({"tell": [_described(one) for one in told]})
        self._listen()

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_strict(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error

    def _listen(self) -> None:
        """Take the program's next answer."""
        assert self._process.stdout is not None
        while not (line := self._process.stdout.readline()).strip():
            if not line:
                raise self._gone()
        self._lines += 1
        try:
            message = json.loads(line)
        except ValueError as error:
            raise self._unexpected(line, f"is not JSON: {error}") from error
        match message:
            case {"ask": [*points]} if all(isinstance(one, dict) for one in points):
                self._any = message.get("wait", "all") == "any"
                self._points.extend(points)
                if not (points or self._any):
                    raise self._unexpected(line, "asks for no points; say that it is done")
            case {"done": _}:
                self._done = True
            case {"error": text}:
                raise OptimizerError(f"optimizer {self._command!r} says: {text}")
            case _:
                raise self._unexpected(line, 'is neither {"ask": [{...}, ...]} nor {"done": {}}')

    def _unexpected(self, line: str, problem: str) -> OptimizerError:
        shown = line.strip()
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
        return OptimizerError(
            f"optimizer {self._command!r}: line {self._lines} of its output {problem}: {shown}"
        )

    def _gone(self) -> OptimizerError:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return OptimizerError(
            f'optimizer {self._command!r} {how} without {{"done": {{}}}}; '
            "what it printed on standard error is above"
        )


def _end(process: subprocess.Popen[str]) -> None:
    """Let a program end that nobody listens to any more."""
    assert process.stdin is not None and process.stdout is not None
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(LEAVE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _described(told: Told) -> dict[str, Any]:
    described = msgspec.to_builtins(told)
    if not told.losses:
        del described["losses"]
    return described  # type: ignore[no-any-return]  # a struct becomes a dict


def _strict(value: Any) -> str:
    return json.dumps(_spelt(value), allow_nan=False, default=plain)


def _spelt(value: Any) -> Any:
    """Return a value with texts for the numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _spelt(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelt(item) for item in value]
    return value
