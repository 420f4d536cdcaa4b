"""Calls by which Python libraries declare a hyperparameter."""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable
from typing import Any

from supervisor.converters.conversion import Conversion, constant, discrete
from supervisor.converters.python_values import Arguments, called, is_number
from supervisor.core.errors import InputError

_LOG = ("log-uniform", "log_uniform", "loguniform", "log")
_UNIFORM = ("uniform", "identity")
_MOST_STEPS = 100_000
_LARGEST = math.log(sys.float_info.max)


class Additions:
    """Adds parameters, given as Python libraries give them, to a conversion."""

    def __init__(self, conversion: Conversion) -> None:
        self._conversion = conversion

    def add(self, name: Any, value: Any, line: int) -> None:
        """Add a parameter given as a tuple of bounds, a list of values, or a constant."""
        if isinstance(value, list):
            self._conversion.add(name, discrete(_plain(value)), line)
        elif isinstance(value, tuple):
            self._add_tuple(name, value, line)
        else:
            self._conversion.add(name, constant(value), line)

    def _add_tuple(self, name: Any, value: tuple[Any, ...], line: int) -> None:
        *bounds, last = value or (None,)
        prior = last if last in (*_LOG, *_UNIFORM) and len(bounds) == 2 else None
        bounds = bounds if prior else [*value]
        if len(bounds) == 2 and all(is_number(bound) for bound in bounds):
            whole = all(isinstance(bound, int) for bound in bounds)
            self.add_range("int" if whole else "float", name, bounds, line, log=prior in _LOG)
        else:
            self._conversion.add(name, discrete(_plain(bounds)), line)

    def add_range(
        self, kind: str, name: Any, bounds: list[Any], line: int, *, log: bool = False
    ) -> None:
        """Add a range of numbers."""
        lower, upper = bounds
        self._conversion.add_range(kind, name, (lower, upper), line, log=log)

    def add_steps(self, name: Any, bounds: list[Any], step: Any, line: int) -> None:
        """Add the values ``lower, lower + step, ...`` up to the upper bound."""
        lower, upper = bounds
        count = (upper - lower) / step + 1e-9 if is_number(step) and step > 0 else -1.0
        if not 0 <= count < _MOST_STEPS:
            problem = f"{name}: from {lower} to {upper} by {step} is no list of values"
            raise InputError(self._conversion.place(line), problem)
        values = [lower + index * step for index in range(int(count) + 1)]
        tidy = [v if isinstance(v, int) else float(f"{v:.12g}") for v in values]
        self._conversion.add(name, discrete(tidy), line)


def _dimension(kind: str) -> _Adder:
    """``Real`` and ``Integer`` of scikit-optimize."""

    def add(additions: Additions, call: Arguments) -> None:
        log = call.get(2, "prior") in _LOG
        bounds = call.bounds(0, "low", "high")
        additions.add_range(kind, call.need(None, "name"), bounds, call.line, log=log)

    return add


def _categorical(additions: Additions, call: Arguments) -> None:
    additions.add(call.need(None, "name"), call.values(0, "categories"), call.line)


def _hyperparameter(additions: Additions, call: Arguments) -> None:
    additions.add(call.need(1, "name"), call.need(0, "value"), call.line)


def _dim(additions: Additions, call: Arguments) -> None:
    additions.add(call.need(0, "p_name"), call.need(1, "p_space"), call.line)


def _hp_uniform(additions: Additions, call: Arguments) -> None:
    name = call.need(0, "label")
    additions.add_range("float", name, _floats(call.bounds(1, "low", "high")), call.line)


def _hp_loguniform(additions: Additions, call: Arguments) -> None:
    """The bounds are logarithms."""
    bounds = [
        float(f"{math.exp(min(one, _LARGEST)):.12g}") for one in call.bounds(1, "low", "high")
    ]
    additions.add_range("float", call.need(0, "label"), bounds, call.line, log=True)


def _hp_quniform(additions: Additions, call: Arguments) -> None:
    bounds = call.bounds(1, "low", "high", "q")
    additions.add_steps(call.need(0, "label"), bounds[:2], bounds[2], call.line)


def _hp_uniformint(additions: Additions, call: Arguments) -> None:
    additions.add_range("int", call.need(0, "label"), call.bounds(1, "low", "high"), call.line)


def _hp_randint(additions: Additions, call: Arguments) -> None:
    """The upper bound is not included; alone, it starts at 0."""
    alone = call.get(2, "high") is None
    low, high = [0, *call.bounds(1, "upper")] if alone else call.bounds(1, "low", "high")
    additions.add_range("int", call.need(0, "label"), [low, high - 1], call.line)


def _hp_choice(additions: Additions, call: Arguments) -> None:
    additions.add(call.need(0, "label"), call.values(1, "options"), call.line)


def _suggest_float(additions: Additions, call: Arguments) -> None:
    _suggest("float", additions, call)


def _suggest_int(additions: Additions, call: Arguments) -> None:
    _suggest("int", additions, call)


def _suggest(kind: str, additions: Additions, call: Arguments) -> None:
    name, bounds = call.need(0, "name"), call.bounds(1, "low", "high")
    step = call.get(None, "step")
    if step is not None and (kind == "float" or step != 1):
        additions.add_steps(name, bounds, step, call.line)
    else:
        bounds = _floats(bounds) if kind == "float" else bounds
        additions.add_range(kind, name, bounds, call.line, log=bool(call.get(None, "log")))


def _suggest_categorical(additions: Additions, call: Arguments) -> None:
    additions.add(call.need(0, "name"), call.values(1, "choices"), call.line)


_Adder = Callable[[Additions, Arguments], None]

_HYPEROPT: dict[str, _Adder] = {
    "uniform": _hp_uniform,
    "loguniform": _hp_loguniform,
    "quniform": _hp_quniform,
    "uniformint": _hp_uniformint,
    "randint": _hp_randint,
    "choice": _hp_choice,
}

_CALLS: dict[str, _Adder] = {
    "Real": _dimension("float"),
    "Integer": _dimension("int"),
    "Categorical": _categorical,
    "add_hyperparameter": _hyperparameter,
    "add_dim": _dim,
    "suggest_float": _suggest_float,
    "suggest_int": _suggest_int,
    "suggest_categorical": _suggest_categorical,
}


def adder(node: ast.expr) -> _Adder | None:
    """Return what reads a call that declares a parameter; None for everything else."""
    if not isinstance(node, ast.Call):
        return None
    match node.func:
        case ast.Attribute(value=ast.Name(id="hp"), attr=name):
            return _HYPEROPT.get(name, _unread)
        case ast.Attribute(attr=name) if name.startswith("suggest_"):
            return _CALLS.get(name, _unread)
    return _CALLS.get(called(node.func))


def _unread(additions: Additions, call: Arguments) -> None:
    """Refuse what would be lost, e.g. a normal distribution, which has no bounds."""
    problem = f"{call.name} is not read here; write this parameter by hand"
    raise InputError(call.place, problem)


def _plain(values: list[Any]) -> list[Any]:
    """Return lists for tuples."""
    return [_plain([*value]) if isinstance(value, list | tuple) else value for value in values]


def _floats(bounds: list[Any]) -> list[float]:
    return [float(bound) for bound in bounds]
