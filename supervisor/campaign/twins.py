"""Points that are equal after rounding are evaluated once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from supervisor.experiment.events import Asked, AskedPoint, Event, Failed

DIGITS = 12
"""Floats that agree in so many significant digits are equal."""


class Twins:
    """The first of all equal points; a point that goes on from a checkpoint equals no other.

    Args:
        events: Of the journal, if the campaign is resumed.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._first: dict[bytes, int] = {}
        points: dict[int, AskedPoint] = {}
        for event in events:
            match event:
                case Asked():
                    for point in event.points:
                        points[point.id] = point
                        self.first(point)
                case Failed(final=True):
                    self.forget(points[event.point])

    def first(self, point: AskedPoint) -> int:
        """Return the number of the first point that equals ``point``; maybe its own."""
        if point.parent >= 0:
            return point.id
        return self._first.setdefault(_digest(point.values), point.id)

    def forget(self, point: AskedPoint) -> None:
        """Let the next one that equals ``point`` be evaluated: this one has failed."""
        digest = _digest(point.values)
        if self._first.get(digest) == point.id:
            del self._first[digest]


def _digest(values: dict[str, Any]) -> bytes:
    text = json.dumps(_rounded(values), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
