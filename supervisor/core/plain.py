"""Values of other libraries as Python's own."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """Return what msgspec does not encode as a type that it does.

    Libraries hand out subclasses of float, int and str, and arrays and scalars of NumPy.

    Raises:
        TypeError: If it is something else.
    """
    for base in (float, int, str):
        if isinstance(value, base):
            return base(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} is of type {type(value).__name__}")
