"""What a search has evaluated: no point twice, and no more points than it may."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable

from supervisor.core.objective import Values
from supervisor.optimizers.protocol import Told

_STALE = 100  # generations in a row; a search that repeats itself so often has converged

Run = Generator[list[Values], list[Told], bool]
"""Yields points, receives their results, and returns whether the search goes on."""


class Evaluations:
    """Losses by point; where an evaluation failed or gave no number, the worst there can be.

    Args:
        limit: Points to evaluate at most, or None.
        generations: Calls of ``run`` after which the search is over, or None.

    Attributes:
        objectives: Number of losses of a point, as far as is known.
    """

    def __init__(self, limit: int | None = None, generations: int | None = None) -> None:
        self.objectives = 1
        self._left = math.inf if limit is None else limit
        self._generations = math.inf if generations is None else generations
        self._stale = 0
        self._losses: dict[str, tuple[float, ...] | None] = {}

    @property
    def spent(self) -> bool:
        """Whether no more points may be evaluated."""
        return self._left <= 0

    def run(self, points: Iterable[Values]) -> Run:
        """Have those points evaluated that are not known yet, each once.

        The search is over when not all of them can be, and when there was nothing new for long.
        """
        granted = [point for point in points if self.grant(point)]
        self._stale = 0 if granted else self._stale + 1
        self._generations -= 1
        if granted:
            for point, result in zip(granted, (yield granted), strict=True):
                self.note(point, result)
        return not self.spent and self._generations > 0 and self._stale < _STALE

    def grant(self, point: Values) -> bool:
        """Tell whether a point is to be evaluated: it is new, and may be."""
        if self.spent or key(point) in self._losses:
            return False
        self._losses[key(point)] = None
        self._left -= 1
        return True

    def note(self, point: Values, result: Told) -> None:
        """Remember what became of a point."""
        losses = _finite(result)
        self._losses[key(point)] = losses
        self.objectives = max(self.objectives, len(losses or ()))

    def losses(self, point: Values) -> tuple[float, ...]:
        """Return the losses of a point, one for each objective; all infinite if it failed."""
        return self._losses[key(point)] or (math.inf,) * self.objectives


def key(point: Values) -> str:
    """Return a text that is the same for equal points only."""
    return repr(point)


def _finite(result: Told) -> tuple[float, ...] | None:
    """Return the losses, or None unless all of them are numbers that can be compared."""
    if result.loss is None:
        return None
    losses = result.losses or (result.loss,)
    return losses if all(math.isfinite(loss) for loss in losses) else None
