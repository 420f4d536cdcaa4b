"""Lengths of time as people and schedulers write them."""

from __future__ import annotations

import math

from supervisor.core.errors import InputError


def seconds_of(text: str, where: str) -> float:
    """Return the seconds of ``hh:mm:ss``, ``mm:ss`` or ``ss``; the seconds may have decimals.

    Raises:
        InputError: If the text is none of them, or is no time at all.
    """
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or min(parts) < 0 or not 0 < max(parts) < math.inf:
        raise InputError(where, f"{text!r} is not of the form hh:mm:ss")
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    return seconds


def clock(seconds: float) -> str:
    """Return a length of time as ``hh:mm:ss``."""
    if not math.isfinite(seconds):
        return "--:--:--"
    whole = max(0, round(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
