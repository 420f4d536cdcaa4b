"""Numbers, times and points as people read them."""

from __future__ import annotations

import math
from typing import Any

from supervisor.core.objective import Values


def clock(seconds: float) -> str:
    """Return a length of time as ``hh:mm:ss``."""
    if not math.isfinite(seconds):
        return "--:--:--"
    whole = max(0, round(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def number(value: Any) -> str:
    """Return a value with at most 5 significant digits if it is a float."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def pairs(values: Values) -> str:
    """Return parameters or metrics on one line."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def count(number: int, noun: str) -> str:
    """Return a number of things, with the noun's regular plural unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
