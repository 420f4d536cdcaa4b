"""Making metrics of what an objective returns or reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from supervisor.core.objective import Metrics, encode_metrics
from supervisor.executors.failures import TaskError

SCALARS = (bool, int, float, str, type(None))
LONGEST_REPR = 200


def to_metrics(returned: object, metric: str | None) -> Metrics:
    """Return metrics made of a mapping, a number, or (without a metric) None.

    A number is the value of ``metric``, or of "result" if there is no metric. Arrays,
    tensors and tuples become lists; those of no dimension become numbers.

    Raises:
        TaskError: If it is anything else.
    """
    if isinstance(returned, Mapping):
        return {_key(key): _plain(item, f"metric {key!r}") for key, item in returned.items()}
    if returned is None and metric is None:
        return {}
    number = _unwrap(_convert(returned))
    if not is_number(number):
        holding = f" that holds {metric!r}" if metric else ""
        expected = f"a number, or a mapping of metrics{holding}"
        raise TaskError("invalid", f"returned {_show(returned)}; expected {expected}")
    return {metric or "result": number}


def require(metrics: Metrics, metric: str) -> Metrics:
    """Return the metrics with the objective's as a float; NaN and infinities are values.

    Raises:
        TaskError: If it is absent, or not a real number.
    """
    if metric not in metrics:
        names = ", ".join(sorted(metrics)) or "nothing"
        raise TaskError("invalid", f"the result has no metric {metric!r}; it holds {names}")
    value = _unwrap(metrics[metric])
    if not is_number(value):
        text = f"metric {metric!r} is {_show(value)}; expected a real number"
        raise TaskError("invalid", text)
    return {**metrics, metric: _float(value)}


def encode(metrics: Metrics) -> bytes:
    """Return encoded metrics.

    Raises:
        TaskError: If they hold an integer of more than 64 bits, or broken text.
    """
    try:
        return encode_metrics(metrics)
    except (OverflowError, ValueError) as error:
        raise TaskError("invalid", f"the result cannot be stored: {error}") from error


def is_number(value: object) -> bool:
    """Tell whether a value is a real number; truth values are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _unwrap(value: Any) -> Any:
    """Return the one item of a list of one: models like to return arrays of length 1."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TaskError("invalid", f"metric names are texts; got {_show(key)}")
    return str(key)


def _plain(value: object, what: str) -> Any:
    plain = _convert(value)
    if plain is _UNKNOWN:
        expected = "a number, text, truth value, None or a list of them"
        raise TaskError("invalid", f"{what} is {_show(value)}; expected {expected}")
    return plain


_UNKNOWN: Any = object()


def _convert(value: Any) -> Any:
    """Return a value of Python's own types, or ``_UNKNOWN``."""
    if type(value) in SCALARS:
        return value
    if isinstance(value, list | tuple):
        items = [_convert(item) for item in value]
        return _UNKNOWN if any(item is _UNKNOWN for item in items) else items
    if hasattr(value, "numpy") and not hasattr(value, "tolist"):  # tensorflow
        value = value.numpy()
    if hasattr(value, "tolist"):  # numpy, torch, jax, pandas
        listed = value.tolist()
        return _convert(listed) if type(listed) in (*SCALARS, list) else _UNKNOWN
    return _convert_number_or_text(value)


def _convert_number_or_text(value: Any) -> Any:
    for base in (int, str):  # before __float__: enumerations and other subclasses
        if isinstance(value, base):
            return base(value)
    return float(value) if hasattr(type(value), "__float__") else _UNKNOWN


def _show(value: object) -> str:
    if value is None:
        return "None"
    text = repr(value).replace("\n", " ")
    if len(text) > LONGEST_REPR:
        text = f"{text[:LONGEST_REPR]}..."
    return f"{type(value).__name__} {text}"
