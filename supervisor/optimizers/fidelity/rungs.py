"""Successive halving: at each rung, the best of those that reached it go on."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.core.objective import Values


class Rung:
    """The results at one level of the resource.

    Failures, NaN and infinite losses count as results, but never go on.

    Args:
        reduction: One of so many goes on.
    """

    def __init__(self, reduction: int) -> None:
        self.count = 0
        self._reduction = reduction
        self._waiting: list[tuple[float, int]] = []  # loss and point, the best ones first
        self._promoted: list[tuple[float, int]] = []

    def record(self, point: int, loss: float | None) -> None:
        """Take a result; equal losses rank by the numbers of their points."""
        self.count += 1
        if loss is not None and loss < math.inf:
            insort(self._waiting, (loss, point))

    def promote(self) -> int | None:
        """Take the best point that did not go on yet, if it is in the top fraction so far."""
        if not self._waiting:
            return None
        rank = bisect_left(self._promoted, self._waiting[0])
        if rank >= self.count // self._reduction:
            return None
        best = self._waiting.pop(0)
        self._promoted.insert(rank, best)
        return best[1]

    def keeps(self, loss: float) -> bool:
        """Tell whether a point with a recorded ``loss`` is in the top fraction so far.

        The best one always is, and so is one that equals the last of them.
        """
        better = bisect_left(self._waiting, (loss, -1))
        return loss < math.inf and better < max(1, self.count // self._reduction)

    def share(self, loss: float) -> float:
        """Return the fraction of the results that are not worse than ``loss``."""
        ranked = (self._waiting, self._promoted)
        return sum(bisect_right(one, (loss, math.inf)) for one in ranked) / self.count


class Ladder:
    """The rungs of one bracket.

    Args:
        levels: Of the resource, rising; the last one is a full training.
        reduction: One of so many goes on.
    """

    def __init__(self, levels: Sequence[float], reduction: int) -> None:
        self.levels = tuple(levels)
        self.reduction = reduction
        self.rungs = [Rung(reduction) for _ in levels]

    def promote(self) -> tuple[int, int] | None:
        """Return a point that goes on and the index of its next rung, from the highest rung."""
        for index in reversed(range(len(self.rungs) - 1)):
            point = self.rungs[index].promote()
            if point is not None:
                return point, index + 1
        return None

    def reached(self, spent: float) -> int:
        """Return the index of the highest rung at or below ``spent``; -1 if there is none."""
        return sum(level <= spent for level in self.levels) - 1


@dataclass
class Climb:
    """A configuration on its ladder.

    Attributes:
        values: Its parameters.
        ladder: Where it began.
        rung: Index of the highest rung where it has a result; -1 before the first one.
        loss: There; None if it failed.
    """

    values: Values
    ladder: Ladder
    rung: int = -1
    loss: float | None = None

    def record(self, point: int, rung: int, loss: float | None) -> None:
        """Take the result of one of its points."""
        self.ladder.rungs[rung].record(point, loss)
        self.rung, self.loss = rung, loss

    @property
    def standing(self) -> float | None:
        """Estimate which fraction of all configurations is not worse; None if it failed.

        A rung holds the best of the one below, so its results share the top fraction of that.
        """
        if self.loss is None or not self.loss < math.inf:
            return None
        above = float(self.ladder.reduction) ** self.rung
        return self.ladder.rungs[self.rung].share(self.loss) / above


def levels(least: float, most: float, reduction: int) -> list[float]:
    """Return ``most`` divided by powers of ``reduction``, rising, none below ``least``.

    Source:
        Li et al., Journal of Machine Learning Research 18(185), 2018, algorithm 1:
        r_i = R eta^(i - s_max), s_max = floor(log_eta(R / r)).
    """
    found = [most]
    while most >= least * reduction ** len(found):
        found.append(most / reduction ** len(found))
    return found[::-1]
