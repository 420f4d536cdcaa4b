"""Definitions of parameters, as they stand in the ``space`` of a workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.expression import Expression, ExpressionError
from supervisor.core.parameter import (
    Bool,
    Choice,
    Constant,
    Discrete,
    Float,
    Int,
    Ordered,
    Parameter,
)

Where = Callable[..., str]
"""Turns the keys that lead to a value into its location, e.g. ``workflow.yaml:7 space.hidden``."""


def parse_parameter(definition: object, where: Where) -> Parameter:
    """Return the parameter that ``definition`` describes; a scalar or a list is a constant.

    Args:
        definition: Plain data, e.g. ``{"int": [16, 256], "log": True}``.
        where: Locates keys of the definition.

    Raises:
        InputError: If it is not right.
    """
    if not isinstance(definition, Mapping):
        _check_plain(definition, where())
        return Constant(definition)
    kind = _kind(definition, where)
    known = {kind, *_READERS[kind].options}
    for key in definition:
        if key not in known:
            raise UnknownName(where(key), str(key), known, "key")
    options = _options(definition, where)
    try:
        return _READERS[kind].read(definition[kind], where(kind), options)
    except ValueError as error:
        raise InputError(where(kind), str(error)) from error


def parse_expression(text: object, place: str) -> Expression:
    """Return the expression of a ``when`` or ``forbid``, or raise an InputError at ``place``."""
    if not isinstance(text, str):
        raise InputError(place, f'{text!r} is not text; write a condition, e.g. "x > 3"')
    try:
        return Expression.parse(text)
    except ExpressionError as error:
        raise InputError(place, str(error)) from error


def _kind(definition: Mapping[Any, Any], where: Where) -> str:
    """Return the one key of ``definition`` that is a type."""
    kinds = [key for key in definition if key in _READERS]
    if len(kinds) > 1:
        raise InputError(where(kinds[1]), f"two types at once: {' and '.join(kinds)}; keep one")
    if kinds:
        return str(kinds[0])
    for key in definition:
        if key not in _OPTIONS:
            raise UnknownName(where(key), str(key), _READERS, "parameter type")
    raise InputError(where(), f"the parameter has no type; give one of {', '.join(_READERS)}")


def _options(definition: Mapping[Any, Any], where: Where) -> dict[str, Any]:
    """Return what stands beside the type, checked and converted."""
    options: dict[str, Any] = {}
    if "log" in definition:
        options["log"] = definition["log"]
        if not isinstance(options["log"], bool):
            raise InputError(where("log"), f"{options['log']!r} is neither true nor false")
    if "steps" in definition:
        options["steps"] = steps = definition["steps"]
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise InputError(where("steps"), f"{steps!r} is not a whole number above 0")
    if "when" in definition:
        options["when"] = parse_expression(definition["when"], where("when"))
    return options


# --- types ---------------------------------------------------------------------------------


def _float(value: object, place: str, options: dict[str, Any]) -> Float:
    lower, upper = (_real(bound, place) for bound in _bounds(value, place))
    return Float(lower, upper, **options)


def _int(value: object, place: str, options: dict[str, Any]) -> Int:
    lower, upper = (_whole(bound, place) for bound in _bounds(value, place))
    return Int(lower, upper, **options)


def _discrete(kind: type[Discrete]) -> _Read:
    def read(value: object, place: str, options: dict[str, Any]) -> Parameter:
        if not isinstance(value, list | tuple):
            raise InputError(place, f"{value!r} is not a list of values")
        _check_plain(value, place)
        return kind(tuple(value), **options)

    return read


def _constant(value: object, place: str, options: dict[str, Any]) -> Constant:
    _check_plain(value, place)
    return Constant(value, **options)


def _bounds(value: object, place: str) -> tuple[object, object]:
    if not isinstance(value, list | tuple):
        raise InputError(place, f"{value!r} is not a pair of bounds; write [lower, upper]")
    if len(value) != 2:
        raise InputError(place, f"{len(value)} bounds; write [lower, upper]")
    return value[0], value[1]


def _real(bound: object, place: str) -> float:
    if isinstance(bound, str):
        hint = "; without the quotes, and an exponent as in 1.0e-4" if _looks_real(bound) else ""
        raise InputError(place, f"the bound {bound!r} is text, not a number{hint}")
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise InputError(place, f"the bound {bound!r} is not a number")
    try:
        return float(bound)
    except OverflowError as error:
        raise InputError(place, f"the bound {bound} is too large") from error


def _whole(bound: object, place: str) -> int:
    real = _real(bound, place)
    if isinstance(bound, int):
        _check_size(bound, place)
        return bound
    if not real.is_integer():
        raise InputError(place, f"the bound {bound} is not a whole number; or use float")
    return int(real)


def _looks_real(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_plain(value: object, place: str) -> None:
    """Refuse what cannot travel as data, e.g. the dates of YAML."""
    if isinstance(value, list | tuple):
        for item in value:
            _check_plain(item, place)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_plain(item, place)
            if not isinstance(key, str):
                raise InputError(place, f"the key {key!r} is not text; put it in quotes")
    elif isinstance(value, int):
        _check_size(value, place)
    elif value is not None and not isinstance(value, float | str):
        raise InputError(place, f"{value} is a {type(value).__name__}; put it in quotes")


def _check_size(value: int, place: str) -> None:
    """Refuse integers that no journal and no message can hold."""
    if not -(2**63) <= value < 2**63:
        raise InputError(place, f"{value} has more than 64 bits")


_Read = Callable[[object, str, dict[str, Any]], Parameter]


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a type is read, and which keys may stand beside it."""

    read: _Read
    options: tuple[str, ...]


_OPTIONS = ("log", "steps", "when")

_READERS = {
    "float": _Reader(_float, _OPTIONS),
    "int": _Reader(_int, _OPTIONS),
    "choice": _Reader(_discrete(Choice), ("when",)),
    "ordered": _Reader(_discrete(Ordered), ("when",)),
    "bool": _Reader(_discrete(Bool), ("when",)),
    "constant": _Reader(_constant, ("when",)),
}
