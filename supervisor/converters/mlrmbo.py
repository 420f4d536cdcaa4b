"""Parameter sets of ParamHelpers, which mlrMBO searches, read without R."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor.converters.conversion import Conversion, constant, discrete
from supervisor.converters.r_conditions import condition
from supervisor.converters.r_parser import Call, Function, Literal, Name, Node
from supervisor.converters.r_source import SET, Source
from supervisor.converters.r_values import Evaluator, Scalar, match_arguments, tidy
from supervisor.core.errors import InputError, nearest

_REST = ("requires", "tunable", "special.vals")
_BOUNDS = ("lower", "upper")

_FORMALS: Mapping[str, tuple[str, ...]] = {
    "makeNumericParam": ("id", *_BOUNDS, "allow.inf", "default", "trafo", *_REST),
    "makeIntegerParam": ("id", *_BOUNDS, "default", "trafo", *_REST),
    "makeLogicalParam": ("id", "default", *_REST),
    "makeDiscreteParam": ("id", "values", "trafo", "default", *_REST),
    "makeNumericVectorParam": (
        *("id", "len", *_BOUNDS, "cnames", "allow.inf", "default", "trafo"),
        *_REST,
    ),
    "makeIntegerVectorParam": ("id", "len", *_BOUNDS, "cnames", "default", "trafo", *_REST),
    "makeLogicalVectorParam": ("id", "len", "cnames", "default", *_REST),
    "makeDiscreteVectorParam": ("id", "len", "values", "default", *_REST),
}

_IGNORED = ("default", "tunable", "special.vals", "cnames", "allow.inf")
_WIDEST_TRAFO = 10_000  # whole numbers that are transformed one by one
_LONGEST_VECTOR = 1_000
_PROBES = 9


def read(path: Path, text: str) -> Conversion:
    """Return the space of a parameter set, and a Bayesian search of CANDLE's usual size.

    Numbers that are all whole become integers, as in what mlrMBO hands to a model. A ``trafo``
    of integers gives the list of its values; one of real numbers has to be linear or exponential.

    Raises:
        InputError: At the line of the first thing that is wrong, or that is too much for this
            small part of R.

    Source:
        The manual of ParamHelpers; CANDLE Supervisor, workflows/mlrMBO.
    """
    source = Source(path, text, list(_FORMALS))
    conversion = Conversion(path, "mlrMBO parameter set")
    reader = _Reader(source, conversion)
    try:
        reader.add_all(source.parameter_set())
    except RecursionError as error:
        raise InputError(str(path), "is nested too deeply") from error
    conversion.optimizer = {"kind": "bayes", "evaluations": 36, "seed": 1}
    conversion.notes["optimizer.evaluations"] = (
        "DESIGN_SIZE + MAX_ITERATIONS x PROPOSE_POINTS, 9 + 3 x 9"
    )
    return conversion


class _Reader:
    """Adds the parameters of one set to a conversion."""

    def __init__(self, source: Source, conversion: Conversion) -> None:
        self._path = source.path
        self._conversion = conversion
        self._lookup = source.lookup
        self._evaluator = Evaluator(source.path, source.lookup)
        self._transformed: set[str] = set()
        self._conditions: list[tuple[str, Node]] = []

    def add_all(self, parameter_set: Call) -> None:
        """Add all parameters of a call of ``makeParamSet``."""
        for name, value in parameter_set.arguments:
            if name == "params" and isinstance(value, Call) and value.function == "list":
                for _, inner in value.arguments:
                    self._add(self._meant(inner))
            elif name == "forbidden":
                self._conversion.forbid.append(self._condition(value))
            elif name is None:
                self._add(self._meant(value))
            else:
                raise self._error(value, f"{SET} has no argument {name!r} that is read here")
        self._check_conditions()

    def _meant(self, node: Node) -> Node:
        """Return what a variable stands for."""
        return self._lookup(node.name) or node if isinstance(node, Name) else node

    def _add(self, node: Node) -> None:
        if not isinstance(node, Call) or node.function not in _FORMALS:
            what = f"{node.function}()" if isinstance(node, Call) else "this"
            hint = nearest(node.function, _FORMALS) if isinstance(node, Call) else ""
            raise self._error(node, f"{what} is not a parameter that is read here.{hint}")
        try:
            given = match_arguments(node.function, _FORMALS[node.function], [*node.arguments])
        except ValueError as error:
            raise self._error(node, str(error)) from error
        given = {key: value for key, value in given.items() if not _is_null(value)}
        name = self._one(node, given, "id")
        for key in _IGNORED:
            if key in given:
                self._conversion.warn(given[key].line, f"{name}: {key!r} is left out")
        definition = self._definition(node, given)
        if "trafo" in given:
            self._transformed.add(str(name))
        if "requires" in given:
            definition = definition if isinstance(definition, dict) else {"constant": definition}
            definition["when"] = self._condition(given["requires"])
        for each in self._names(node, given, name):
            self._conversion.add(each, definition, node.line)

    def _names(self, node: Call, given: Mapping[str, Node], name: Any) -> list[Any]:
        """Return the name; of a vector, those of its elements, as ParamHelpers forms them."""
        if "len" not in _FORMALS[node.function]:
            return [name]
        [length] = tidy([self._one(node, given, "len")])
        if not isinstance(length, int) or not 1 <= length <= _LONGEST_VECTOR:
            raise self._error(node, f"{name}: len is {length}; give 1 to {_LONGEST_VECTOR}")
        names = [f"{name}{index}" for index in range(1, length + 1)]
        self._conversion.warn(
            node.line, f"{name}: a vector; its elements are parameters now: {', '.join(names)}"
        )
        return names

    def _definition(self, node: Call, given: Mapping[str, Node]) -> Any:
        if "Logical" in node.function:
            return {"bool": [True, False]}
        if "Discrete" in node.function:
            return self._discrete(node, given)
        lower, upper = (self._bound(node, given, key) for key in _BOUNDS)
        trafo = self._trafo(given)
        if "Integer" in node.function:
            return self._integer(node, lower, upper, trafo)
        if trafo is not None:
            return self._stretched(trafo, lower, upper)
        return self._range(node, "float", lower, upper)

    def _range(self, node: Call, kind: str, lower: Scalar, upper: Scalar) -> Any:
        if lower == upper:
            self._conversion.warn(node.line, f"both bounds are {lower}; it is a constant now")
            return lower
        return {kind: [lower, upper]}

    def _discrete(self, node: Call, given: Mapping[str, Node]) -> Any:
        if "values" not in given:
            raise self._error(node, f"{node.function} needs 'values'")
        values = self._evaluator.vector(given["values"])
        trafo = self._trafo(given)
        if trafo is not None:
            values = self._evaluator.apply(trafo, values)
        if not values:
            raise self._error(given["values"], "there is no value to choose from")
        return discrete(tidy(values))

    def _integer(self, node: Call, lower: Scalar, upper: Scalar, trafo: Function | None) -> Any:
        if not (isinstance(lower, int) and isinstance(upper, int)):
            raise self._error(node, f"the bounds {lower} and {upper} are not whole numbers")
        if trafo is None:
            return self._range(node, "int", lower, upper)
        if upper - lower >= _WIDEST_TRAFO:
            raise self._error(trafo, f"more than {_WIDEST_TRAFO} numbers to transform")
        made = tidy(self._evaluator.apply(trafo, list(range(lower, upper + 1))))
        values = list(dict.fromkeys(made))
        if len(values) < len(made):
            self._conversion.warn(
                trafo.line,
                f"trafo makes {len(values)} values of {len(made)} numbers; each has "
                "the same chance now",
            )
        return constant(values[0]) if len(values) == 1 else {"ordered": values}

    def _stretched(self, trafo: Function, lower: Scalar, upper: Scalar) -> Any:
        """Return a range over what ``trafo`` makes of a range, by the values at a few points."""
        assert not isinstance(lower, str) and not isinstance(upper, str)
        points: list[Scalar] = [
            lower + (upper - lower) * index / (_PROBES - 1) for index in range(_PROBES)
        ]
        made = [float(value) for value in self._evaluator.apply(trafo, points)]
        ends = sorted([made[0], made[-1]])
        if ends[0] == ends[1]:
            raise self._error(trafo, "trafo gives the same value at both bounds")
        if _even(made):
            return {"float": ends}
        if ends[0] > 0 and _even([math.log(value) for value in made if value > 0]):
            return {"float": ends, "log": True}
        raise self._error(
            trafo,
            "trafo is neither linear nor exponential; remove it, and let the objective transform",
        )

    def _trafo(self, given: Mapping[str, Node]) -> Function | None:
        if "trafo" not in given:
            return None
        found = self._meant(given["trafo"])
        if not isinstance(found, Function):
            raise self._error(found, "trafo is not of the form function(x) ...")
        return found

    def _bound(self, node: Call, given: Mapping[str, Node], key: str) -> Scalar:
        value = self._one(node, given, key)
        if isinstance(value, bool | str) or not math.isfinite(value):
            raise self._error(given[key], f"the bound {key} = {value} is not a finite number")
        return tidy([value])[0]

    def _one(self, node: Call, given: Mapping[str, Node], key: str) -> Scalar:
        if key not in given:
            raise self._error(node, f"{node.function} needs {key!r}")
        values = self._evaluator.vector(given[key])
        if len(values) != 1:
            raise self._error(given[key], f"{len(values)} values for {key!r}; give one")
        return values[0]

    def _condition(self, node: Node) -> str:
        text = condition(self._path, node)
        self._conditions.append((text, node))
        return text

    def _check_conditions(self) -> None:
        """Refuse conditions on values before a trafo: points have those after it."""
        for text, node in self._conditions:
            words = set(re.findall(r"[\w.]+", text))
            for name in sorted(words & self._transformed):
                problem = f"the condition {text!r} is about {name!r} before its trafo"
                raise self._error(node, f"{problem}; leave it out, and write it in the workflow")

    def _error(self, node: Node, problem: str) -> InputError:
        return self._evaluator.error(node, problem)


def _even(values: list[float]) -> bool:
    """Tell whether values rise or fall by equal steps, but for rounding."""
    if len(values) < _PROBES:
        return False
    step = (values[-1] - values[0]) / (len(values) - 1)
    return all(
        math.isclose(value, values[0] + index * step, rel_tol=1e-9, abs_tol=1e-9 * abs(step))
        for index, value in enumerate(values)
    )


def _is_null(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is None
