"""Programs for EQ-Py as optimizers: they put points into a queue and get results from another."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from supervisor.core.errors import InputError, OptimizerError
from supervisor.core.objective import Values
from supervisor.core.registry import load
from supervisor.core.space import Space
from supervisor.optimizers.programs.calling import Evaluate, Search, in_thread
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.settings import AtLeastOne


def eqpy(
    space: Space,
    *,
    program: str,
    arguments: str | None = None,
    evaluations: AtLeastOne | None = None,
    seed: int = 0,
) -> Search:
    """Run a program that was written for EQ-Py; it takes the queues as its only argument.

    Args:
        space: For programs that read it from their arguments.
        program: ``module:function`` of the user's own.
        arguments: The text that answers the program's first message; if not given, a JSON object
            with the space, the number of evaluations and the seed.
        evaluations: Part of the arguments.
        seed: Part of the arguments.

    Raises:
        InputError: If there is no such program.

    Source:
        Ozik et al., From desktop to large-scale model exploration with Swift/T, WSC 2016.
    """
    run: Callable[[Queues], object] = load(program, "program")
    if not callable(run):
        raise InputError("program", f"{program!r} is not a function")
    if arguments is None:
        start = {"space": space.describe(), "evaluations": evaluations, "seed": seed}
        arguments = json.dumps(start)
    file = getattr(getattr(run, "__code__", None), "co_filename", None)
    return in_thread(lambda evaluate: run(Queues(evaluate, arguments)), program, file)


class Queues:
    """The two functions of the module ``eqpy`` that a program calls.

    The first text that it puts is answered by its arguments, and each later one that it waits for
    by the losses of its points. What it puts and does not wait for is its own account of the end.

    Args:
        evaluate: Gives the results of points.
        arguments: For the first answer.
    """

    def __init__(self, evaluate: Evaluate, arguments: str) -> None:
        self._evaluate = evaluate
        self._arguments: str | None = arguments
        self._put: deque[str] = deque()

    def OUT_put(self, text: str) -> None:  # noqa: N802 - the name that programs call
        """Take JSON objects, one for each point, with ``;`` between them."""
        self._put.append(text)

    def IN_get(self) -> str:  # noqa: N802 - the name that programs call
        """Return what answers the first text that has no answer yet.

        Raises:
            OptimizerError: If there is none, or if it is not of points.
        """
        if not self._put:
            raise OptimizerError("an EQ-Py program waits for an answer, but has put nothing")
        text = self._put.popleft()
        if self._arguments is not None:
            arguments, self._arguments = self._arguments, None
            return arguments
        return ";".join(_answer(result) for result in self._evaluate(_points(text)))


def _points(text: str) -> list[Values]:
    """Read objects one by one, because a ``;`` may also be in a text of theirs."""
    decoder = json.JSONDecoder()
    points: list[Values] = []
    position = 0
    try:
        while position < len(text):
            point, position = decoder.raw_decode(text, position)
            points.append(_checked(point))
            rest = text[position:].lstrip()
            if rest and not rest.startswith(";"):
                raise ValueError(f"{rest[:20]!r} follows a point; there should be a semicolon")
            position = len(text) - len(rest[1:].lstrip())
    except ValueError as error:
        raise OptimizerError(f"an EQ-Py program put {text[:200]!r}: {error}") from error
    return points


def _checked(point: Any) -> Values:
    if not isinstance(point, dict):
        raise ValueError(f"{point!r} is not a JSON object")
    return point


def _answer(result: Told) -> str:
    """Return the loss, or losses with commas between them; ``nan`` if the evaluation failed."""
    losses = (math.nan,) if result.loss is None else result.losses or (result.loss,)
    return ",".join(map(repr, losses))
