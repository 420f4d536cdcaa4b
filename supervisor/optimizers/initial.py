"""An optimizer that begins with points of the user's."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from supervisor.core.objective import Metrics, Values
from supervisor.optimizers.flight import Flight
from supervisor.optimizers.protocol import (
    Continuation,
    EarlyStopper,
    Learner,
    Optimizer,
    Recaller,
    Recommender,
    Suggestion,
    Told,
)


class Initial:
    """Asks given points first, then another optimizer.

    If the other one can learn, it is asked when all given points have their results, and learns
    these, and those that were known before. If it cannot, it is asked as soon as all given points
    were asked, and what they gave is forgotten.

    It has ``report``, ``recall``, ``learn`` and ``recommend`` if the other one has.

    Args:
        optimizer: The other one, at its first point.
        points: To be asked, in this order.
        known: Results that are there already; their ids mean nothing.
    """

    def __init__(
        self, optimizer: Optimizer, points: Sequence[Values], known: Sequence[Told] = ()
    ) -> None:
        self._inner = optimizer
        self._points = list(points)
        self._learned = list(known)
        self._given: Flight[None] = Flight()
        self._results: dict[int, Told] = {}
        self._waits = isinstance(optimizer, Learner)
        if isinstance(optimizer, EarlyStopper):
            self.report = self._report
        if isinstance(optimizer, Recaller):
            self.recall = self._recall
        if isinstance(optimizer, Learner):
            self.learn = self._learn
        if isinstance(optimizer, Recommender):
            self.recommend = optimizer.recommend
        self._go_on()

    def ask(self, n: int) -> Sequence[Suggestion]:
        """Return up to ``n`` points; none while results of given points are awaited."""
        points: list[Suggestion] = [*self._take(n)]
        if len(points) < n and not self._waits:
            points += [self._outer(one) for one in self._inner.ask(n - len(points))]
        return points

    def tell(self, results: list[Told]) -> None:
        """Take results, in any order."""
        count = len(self._points)
        given = [result for result in results if result.id < count]
        others = [self._inside(result) for result in results if result.id >= count]
        self._given.land(given)
        self._results.update((result.id, result) for result in given)
        self._go_on()
        if others:
            self._inner.tell(others)

    def _go_on(self) -> None:
        """Let the other optimizer learn, when the last given point has its result."""
        if isinstance(self._inner, Learner) and self._waits:
            if len(self._results) < len(self._points):
                return
            self._waits = False
            told = [self._results[number] for number in sorted(self._results)]
            if learned := [*self._learned, *told]:
                self._inner.learn(learned)

    def _take(self, n: int) -> list[Values]:
        """Return the next given points."""
        first = self._given.asked
        points = self._points[first : first + max(n, 0)]
        for _ in points:
            self._given.start(None)
        return [dict(point) for point in points]

    def _outer(self, suggestion: Suggestion) -> Suggestion:
        """Return what the other optimizer suggests with the numbers of the campaign."""
        if isinstance(suggestion, Continuation):
            return Continuation(suggestion.values, suggestion.parent + len(self._points))
        return suggestion

    def _inside(self, result: Told) -> Told:
        """Return a result with the number by which the other optimizer knows its point."""
        return msgspec.structs.replace(result, id=result.id - len(self._points))

    # --- what only some optimizers have -----------------------------------------------------

    def _report(self, id: int, step: int, metrics: Metrics) -> bool:
        """Pass on what a trial of the other optimizer reports; a given point runs to its end."""
        assert isinstance(self._inner, EarlyStopper)
        inside = id - len(self._points)
        return inside >= 0 and self._inner.report(inside, step, metrics)

    def _recall(self, points: list[Values]) -> None:
        """Take an ask of an earlier session."""
        assert isinstance(self._inner, Recaller)
        others = points[len(self._take(len(points))) :]
        if others:
            self._inner.recall(others)

    def _learn(self, results: list[Told]) -> None:
        """Take results of other campaigns."""
        assert isinstance(self._inner, Learner)
        if self._waits:
            self._learned += results
        else:
            self._inner.learn(results)
