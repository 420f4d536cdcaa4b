"""Numbers, times and points as people read them."""

from __future__ import annotations

from typing import Any

from supervisor.core.objective import Values


def number(value: Any) -> str:
    """Return a value with at most 5 significant digits if it is a float."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def pairs(values: Values) -> str:
    """Return parameters or metrics on one line."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def count(number: int, noun: str) -> str:
    """Return a number of things, with the noun's regular plural unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
