"""Values of R's expressions: vectors of plain values, and the arithmetic that spaces need."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from supervisor.converters.r_parser import Call, Function, Literal, Name, Node
from supervisor.core.errors import InputError, nearest

Value = TypeVar("Value")

Scalar = float | int | str | bool
Vector = list[Scalar]
Numeric = float | int

LONGEST = 100_000
"""Values of one vector, at most."""

WIDEST_EXACT = 2**53
"""From here on a double no longer tells all whole numbers apart."""


class Evaluator:
    """Evaluates expressions of one file.

    Args:
        path: The file, for messages.
        lookup: Returns the expression that a variable stands for, or None.
        bound: Values of variables that are known.
    """

    def __init__(
        self,
        path: Path,
        lookup: Callable[[str], Node | None],
        bound: Mapping[str, Vector] | None = None,
    ) -> None:
        self._path = path
        self._lookup = lookup
        self._bound = dict(bound or {})

    def vector(self, node: Node) -> Vector:
        """Return the values of an expression; ``NULL`` has none.

        Raises:
            InputError: At the line of what this small part of R does not have.
        """
        match node:
            case Literal(value=value):
                return [] if value is None else [value]
            case Name():
                return self._variable(node)
            case Call():
                return self._call(node)
        raise self.error(node, "a function stands where a value is expected")

    def apply(self, function: Function, values: Vector) -> Vector:
        """Return what a function of one argument makes of each of ``values``."""
        if len(function.parameters) != 1:
            raise self.error(function, "the function has to have exactly one argument")
        [argument] = function.parameters
        made: Vector = []
        for value in values:
            inner = Evaluator(self._path, self._lookup, {**self._bound, argument: [value]})
            result = inner.vector(function.body)
            if len(result) != 1:
                raise self.error(function, f"the function gives {len(result)} values of one")
            made += result
        return made

    def error(self, node: Node, problem: str) -> InputError:
        """Return an error at the line of ``node``."""
        return InputError(f"{self._path}:{node.line}", problem)

    def _variable(self, node: Name) -> Vector:
        if node.name in self._bound:
            return self._bound[node.name]
        meaning = self._lookup(node.name)
        if meaning is None:
            problem = f"the variable {node.name!r} has no value in this file; write the value"
            raise self.error(node, problem)
        return Evaluator(self._path, self._earlier(node), self._bound).vector(meaning)

    def _earlier(self, node: Name) -> Callable[[str], Node | None]:
        """Return a lookup that does not find ``node`` again: no variable is defined by itself."""
        return lambda name: None if name == node.name else self._lookup(name)

    def _call(self, node: Call) -> Vector:
        if node.function not in _FUNCTIONS:
            hint = nearest(node.function, _NAMED)
            raise self.error(node, f"{node.function}() cannot be read here.{hint}")
        arguments = [self.vector(value) for _, value in node.arguments]
        names = [name for name, _ in node.arguments]
        try:
            made = _FUNCTIONS[node.function](arguments, names)
        except (ArithmeticError, ValueError, TypeError, KeyError) as error:
            raise self.error(node, f"{node.function}: {error}") from error
        if len(made) > LONGEST:
            raise self.error(node, f"more than {LONGEST} values")
        return made


def tidy(values: Vector) -> Vector:
    """Return numbers as whole ones if all of them are: R writes both 2 and 2.0 as ``2``."""
    if any(isinstance(value, bool | str) for value in values):
        return values
    numbers = [_numeric(value) for value in values]
    if all(math.isfinite(one) and one == int(one) for one in numbers) and all(
        abs(one) < WIDEST_EXACT for one in numbers
    ):
        return [int(one) for one in numbers]
    return [float(one) for one in numbers]


# --- functions -----------------------------------------------------------------------------

_Function = Callable[[list[Vector], list[str | None]], Vector]


def _combine(arguments: list[Vector], names: list[str | None]) -> Vector:
    """``c``: all values as one type, texts before numbers before truth values."""
    values = [value for argument in arguments for value in argument]
    if any(isinstance(value, str) for value in values):
        return [value if isinstance(value, str) else _as_text(value) for value in values]
    if all(isinstance(value, bool) for value in values):
        return values
    return [_numeric(value) for value in values]


def _as_text(value: Numeric) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    [whole] = tidy([value])
    return str(whole) if isinstance(whole, int) else f"{value:.15g}"


def _list(arguments: list[Vector], names: list[str | None]) -> Vector:
    """``list``: values of any types; a vector inside it cannot be a value of a parameter."""
    for argument in arguments:
        if len(argument) != 1:
            raise ValueError(f"{len(argument)} values in one place; write one, or a text")
    return [argument[0] for argument in arguments]


def _range(arguments: list[Vector], names: list[str | None]) -> Vector:
    """``from:to``, upwards or downwards."""
    start, end = (_numeric(_only(one)) for one in arguments)
    step = 1 if start <= end else -1
    return _steps(start, step, abs(end - start) + 1)


def _sequence(arguments: list[Vector], names: list[str | None]) -> Vector:
    """``seq(from, to, by)`` or ``seq(from, to, length.out = n)``."""
    given = match_arguments(
        "seq", ("from", "to", "by", "length.out"), list(zip(names, arguments, strict=True))
    )
    known = {name: _numeric(_only(value)) for name, value in given.items()}
    start, end = known["from"], known["to"]
    if "length.out" in known:
        count = known["length.out"]
        step = (end - start) / (count - 1) if count > 1 else 0
        return _steps(start, step, count)
    step = known.get("by", 1 if start <= end else -1)
    # the tolerance is R's own: seq(0, 1, 0.1) ends with 1
    return _steps(start, step, (end - start) / step + 1e-10 + 1)


def _steps(start: Numeric, step: Numeric, count: Numeric) -> Vector:
    if not 0 <= count <= LONGEST:
        raise ValueError(f"there would be {count:g} values")
    return [start + index * step for index in range(int(count))]


def _elementwise(function: Callable[..., Numeric], *formals: str) -> _Function:
    """Return a function of vectors; the shorter ones are repeated."""

    def applied(arguments: list[Vector], names: list[str | None]) -> Vector:
        if any(names):
            given = list(zip(names, arguments, strict=True))
            matched = match_arguments("it", formals, given)
            arguments = [matched[name] for name in formals if name in matched]
        if not arguments or not all(arguments):
            return []
        length = max(map(len, arguments))
        rows = ([one[i % len(one)] for one in arguments] for i in range(length))
        return [_real(function(*(_numeric(value) for value in row))) for row in rows]

    return applied


def _real(value: Numeric | complex) -> Numeric:
    if isinstance(value, complex):
        raise ValueError("the result is not a real number")
    return value


def _numeric(value: Scalar) -> Numeric:
    if isinstance(value, str):
        raise TypeError(f"{value!r} is not a number")
    return int(value) if isinstance(value, bool) else value


def _only(values: Vector) -> Scalar:
    if len(values) != 1:
        raise ValueError(f"{len(values)} values where there should be one")
    return values[0]


def _minus(left: Numeric, right: Numeric | None = None) -> Numeric:
    return -left if right is None else left - right


def _plus(left: Numeric, right: Numeric = 0) -> Numeric:
    return left + right


def _power(base: Numeric, exponent: Numeric) -> Numeric:
    return math.pow(base, exponent)  # R's numbers are doubles, and 2^1e9 has to end


def _log(value: Numeric, base: Numeric = math.e) -> Numeric:
    return math.log(value) if base == math.e else math.log(value, base)


def _round(value: Numeric, digits: Numeric = 0) -> Numeric:
    return round(value, int(digits))


def _identity(arguments: list[Vector], names: list[str | None]) -> Vector:
    [values] = arguments
    return values


_FUNCTIONS: dict[str, _Function] = {
    "c": _combine,
    "list": _list,
    "seq": _sequence,
    "return": _identity,
    "identity": _identity,
    "as.numeric": _elementwise(lambda value: value, "x"),
    "as.integer": _elementwise(math.trunc, "x"),
    "round": _elementwise(_round, "x", "digits"),
    "floor": _elementwise(math.floor, "x"),
    "ceiling": _elementwise(math.ceil, "x"),
    "exp": _elementwise(math.exp, "x"),
    "log": _elementwise(_log, "x", "base"),
    "log2": _elementwise(math.log2, "x"),
    "log10": _elementwise(math.log10, "x"),
    "sqrt": _elementwise(math.sqrt, "x"),
    "abs": _elementwise(abs, "x"),
    ":": _range,
    "+": _elementwise(_plus),
    "-": _elementwise(_minus),
    "*": _elementwise(operator.mul),
    "/": _elementwise(operator.truediv),
    "^": _elementwise(_power),
    "%%": _elementwise(operator.mod),
    "%/%": _elementwise(operator.floordiv),
}

_NAMED = [name for name in _FUNCTIONS if name[0].isalpha()]


def match_arguments(
    function: str, formals: Iterable[str], given: list[tuple[str | None, Value]]
) -> dict[str, Value]:
    """Return arguments by their full names, as R matches them: whole, by prefix, by position.

    Args:
        function: For messages.
        formals: Names of the parameters, in order.
        given: Names, or None, and values.

    Raises:
        ValueError: If an argument fits nowhere, or comes twice.
    """
    formals = list(formals)
    matched: dict[str, Value] = {}
    for name, value in given:
        if name is None:
            continue
        fits = [name] if name in formals else [one for one in formals if one.startswith(name)]
        if len(fits) != 1:
            raise ValueError(f"{function} has no argument {name!r}.{nearest(name, formals)}")
        if fits[0] in matched:
            raise ValueError(f"{function} is given {fits[0]!r} twice")
        matched[fits[0]] = value
    free = iter([name for name in formals if name not in matched])
    for name, value in given:
        if name is None:
            formal = next(free, None)
            if formal is None:
                raise ValueError(f"{function} has {len(formals)} arguments at most")
            matched[formal] = value
    return matched
