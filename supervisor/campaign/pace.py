"""How many points are in flight: enough that no worker waits, no more than need be."""

from __future__ import annotations

import math

ROUND_TRIP_S = 0.05
"""Points are put ahead of the workers for so much work, so that no worker waits for rank 0."""

MOST_AHEAD = 4096
"""But never more points than this, however short they are."""

MOST_UNINFORMED = 16
"""Evaluations of one worker that are chosen before the results of those before them are known.

Where thinking takes longer than so many evaluations, good points count for more than busy workers.
"""

WORTH_AVOIDING = 0.02
"""A wait of a smaller fraction of an evaluation costs less than choosing a point too early."""

WORTH_NOTING_S = 0.05
"""Shorter waits for the optimizer are not journaled one by one."""


class Pace:
    """Watches how long evaluations and the optimizer take.

    Args:
        workers: That evaluate the points.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._evaluation_s: float | None = None  # running mean
        self._ask_s = 0.0  # of late, at worst

    def evaluated(self, seconds: float) -> None:
        """Note the length of an evaluation."""
        if self._evaluation_s is None:
            self._evaluation_s = seconds
        else:
            self._evaluation_s += 0.05 * (seconds - self._evaluation_s)

    def answered(self, seconds: float) -> None:
        """Note how long the optimizer thought about an ask."""
        self._ask_s = max(seconds, 0.8 * self._ask_s)

    def wanted(self, *, independent: bool) -> int:
        """Return how many evaluations to have in flight: one a worker, and some ahead.

        While the optimizer thinks, workers use up what is ahead; and what they use up is asked
        for only when it has finished with the ask before: so twice that.

        Args:
            independent: Points do not depend on results, so none can be chosen too early.
        """
        if independent:
            each = self._each(self._evaluation_s or ROUND_TRIP_S)
            return self.workers + max(1, self.workers // 4, self._ahead(each))
        if self._evaluation_s is None:
            return self.workers
        each = min(MOST_UNINFORMED, self._each(self._evaluation_s))
        return self.workers + (0 if each < WORTH_AVOIDING else self._ahead(each))

    def _each(self, evaluation_s: float) -> float:
        """Return how many evaluations a worker ends while others are on their way."""
        return (ROUND_TRIP_S + 2 * self._ask_s) / max(evaluation_s, 1e-6)

    def _ahead(self, each: float) -> int:
        return min(MOST_AHEAD, math.ceil(self.workers * each))


class Wait:
    """Adds up the time that workers have nothing to do.

    Args:
        now: Seconds by the clock of later calls.
    """

    def __init__(self, now: float) -> None:
        self._seconds = 0.0
        self._noted_s = now

    def add(self, idle: int, now: float) -> float:
        """Note how many workers have been idle since the last call; return the sum so far."""
        self._seconds += max(0, idle) * (now - self._noted_s)
        self._noted_s = now
        return self._seconds

    def take(self) -> float:
        """Return and forget the sum: seconds, of all workers."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds
