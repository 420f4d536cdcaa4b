"""Calling an objective: its import, its signature, and what became of one call."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from supervisor.core.errors import nearest
from supervisor.core.objective import Evaluation, Objective
from supervisor.core.task import Failure
from supervisor.executors.context import Context
from supervisor.executors.failures import TaskError, from_exception
from supervisor.executors.metrics import encode, require, to_metrics

Evaluate = Callable[[Evaluation, Context], object]
"""Evaluates one point; returns whatever the objective returned."""


class Outcome(NamedTuple):
    """What became of one call: encoded metrics or a failure, and a note."""

    value: bytes
    failure: Failure | None = None
    note: str = ""


class PythonObjective:
    """A ``module:function``, imported at the first evaluation.

    Args:
        objective: What is evaluated; its folder is an absolute path.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._call: Evaluate | None = None

    def __call__(self, evaluation: Evaluation, context: Context) -> object:
        """Return what the function returns for this point."""
        if self._call is None:
            name = self._objective.python or ""
            if self._objective.modules:
                from supervisor.executors.sources import install  # late: commands need none

                install(self._objective.source_dir, self._objective.modules)
            self._call = adapt(resolve(name, self._objective.source_dir), name)
        return self._call(evaluation, context)


def attempt(
    evaluate: Evaluate, evaluation: Evaluation, context: Context, objective: Objective
) -> Outcome:
    """Evaluate one point; exceptions and exits become failures, Ctrl-C passes."""
    try:
        metrics = to_metrics(evaluate(evaluation, context), objective.metric)
        for metric in objective.required:
            metrics = require(metrics, metric)
        value = encode(metrics)
        context.keep(metrics)
    except (Exception, SystemExit) as error:
        return Outcome(b"", from_exception(error))
    return Outcome(value, None, context.note)


def resolve(name: str, source_dir: str) -> Callable[..., object]:
    """Import ``module:function``; modules of ``source_dir`` are found first.

    Raises:
        TaskError: If the module has no such function. What the import itself raises
            passes through.
    """
    if sys.path[:1] != [source_dir]:
        sys.path.insert(0, source_dir)
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        if not hasattr(found, part):
            known = [key for key in vars(found) if not key.startswith("_")]
            problem = f"{module} has no {part!r}.{nearest(part, known)}"
            raise TaskError("invalid", f"objective {name}: {problem}")
        found = getattr(found, part)
    if not callable(found):
        raise TaskError("invalid", f"objective {name}: it is not a function")
    function: Callable[..., object] = found
    return function


def adapt(function: Callable[..., object], name: str) -> Evaluate:
    """Return a call of ``function`` with (params) or (params, task), as its signature asks.

    A second parameter receives the task if it has no default or is called ``task``.

    Raises:
        TaskError: If neither call fits the signature.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions written in C have none
        return lambda evaluation, context: function(dict(evaluation.values))
    if _wants_task_second(signature):
        return lambda evaluation, context: function(dict(evaluation.values), context)
    if _fits(signature, 1, task=None):
        return lambda evaluation, context: function(dict(evaluation.values), task=context)
    if _fits(signature, 1):
        return lambda evaluation, context: function(dict(evaluation.values))
    text = f"objective {name}{signature}: expected (params) or (params, task)"
    raise TaskError("invalid", text)


def _wants_task_second(signature: inspect.Signature) -> bool:
    if not _fits(signature, 2):
        return False
    names = list(signature.parameters)
    return not _fits(signature, 1) or names[1:2] == ["task"]


def _fits(signature: inspect.Signature, count: int, **named: object) -> bool:
    if not named.keys() <= signature.parameters.keys():
        return False  # a function with **kwargs did not ask for them
    try:
        signature.bind(*range(count), **named)
    except TypeError:
        return False
    return True
