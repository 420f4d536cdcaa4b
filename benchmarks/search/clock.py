"""A search with workers that exist in virtual time only.

Does what a campaign does, without its ranks: whoever is free begins the next point, a result is
told when its evaluation ends, and points are kept ready ahead of the workers if need be.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tasks import Task

from supervisor.campaign.pace import Pace
from supervisor.core.objective import Values
from supervisor.optimizers.protocol import Optimizer, Told

Stopwatch = Callable[[], float]


def stopped() -> float:
    """Give the time of an optimizer that takes none."""
    return 0.0


class Point(NamedTuple):
    """A point that awaits a worker.

    Attributes:
        id: Its number, in the order of asking.
        values: Its parameters.
        noise: Seed of its evaluation.
    """

    id: int
    values: Values
    noise: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluation that ended.

    Attributes:
        id: The number of the point, in the order of asking.
        values: Its parameters.
        loss: What the optimizer was told.
        begin_s: When a worker began it.
        end_s: When it ended.
    """

    id: int
    values: Values
    loss: float
    begin_s: float
    end_s: float


@dataclass(slots=True)
class Trace:
    """What happened in a search.

    Attributes:
        workers: How many there were.
        trials: All evaluations, in the order of their ends.
        asks: How often the optimizer was asked.
        thought_s: How long it took in all, with its tells.
    """

    workers: int
    trials: list[Trial] = field(default_factory=list)
    asks: int = 0
    thought_s: float = 0.0

    def incumbents(self) -> list[Trial]:
        """Return the trial of least observed loss after 1, 2, ... evaluations."""
        best: list[Trial] = []
        for trial in self.trials:
            better = not best or trial.loss < best[-1].loss or math.isnan(best[-1].loss)
            best.append(trial if better else best[-1])
        return best

    def busy(self) -> float:
        """Return the part of the workers' time that was used, until the last point began."""
        until_s = max(trial.begin_s for trial in self.trials)
        if until_s == 0:
            return 1.0
        used_s = sum(min(trial.end_s, until_s) - trial.begin_s for trial in self.trials)
        return used_s / (self.workers * until_s)


class Search:
    """A search under way.

    Args:
        task: What is minimised.
        optimizer: At its first point.
        workers: Evaluations at once.
        evaluations: After so many points no more are asked for.
        seed: Of the noise and of the times of evaluations.
        pace: Says how many points to have in flight; None for one a worker.
        stopwatch: Its differences are how long the optimizer keeps workers waiting.
    """

    def __init__(
        self,
        task: Task,
        optimizer: Optimizer,
        *,
        workers: int,
        evaluations: int,
        seed: int,
        pace: Pace | None = None,
        stopwatch: Stopwatch = stopped,
    ) -> None:
        self._task = task
        self._optimizer = optimizer
        self._evaluations = evaluations
        self._pace = pace
        self._stopwatch = stopwatch
        self._noise = random.Random(seed)
        self._trace = Trace(workers)
        self._asked = 0
        self._now_s = 0.0
        self._free_s = 0.0  # when the optimizer has answered
        self._answer: list[Point] = []
        self._dry = False  # the last answer was empty, and will be until something is told
        self._ready: deque[Point] = deque()
        self._running: list[tuple[float, int, Trial]] = []
        self._untold: list[Told] = []

    def run(self) -> Trace:
        """Return what happened, when all evaluations have ended or there are no more points."""
        while True:
            self._consult()
            self._begin()
            if not (self._running or self._answer or self._untold):
                return self._trace
            times_s = [self._running[0][0]] if self._running else []
            if self._free_s > self._now_s:
                times_s.append(self._free_s)
            self._now_s = min(times_s)
            self._end()

    def _consult(self) -> None:
        """Take the optimizer's answer, tell it what has ended meanwhile, and ask again."""
        if self._now_s < self._free_s:
            return
        self._take_answer()
        outstanding = len(self._running) + len(self._ready)
        missing = min(self._wanted() - outstanding, self._evaluations - self._asked)
        if not self._untold and (missing <= 0 or self._dry):
            return
        began_s = self._stopwatch()
        if self._untold:
            self._optimizer.tell(self._untold)
        self._answer = self._ask(missing) if missing > 0 else []
        took_s = self._stopwatch() - began_s
        self._untold = []
        self._dry = not self._answer
        if self._pace and missing > 0:
            self._pace.answered(took_s)
        self._trace.thought_s += took_s
        self._free_s = self._now_s + took_s
        if took_s == 0:
            self._take_answer()

    def _wanted(self) -> int:
        return self._pace.wanted(independent=False) if self._pace else self._trace.workers

    def _ask(self, number: int) -> list[Point]:
        self._trace.asks += 1
        points = self._optimizer.ask(number)
        first, self._asked = self._asked, self._asked + len(points)
        return [
            Point(first + index, values, self._noise.getrandbits(32))
            for index, values in enumerate(points)
        ]

    def _take_answer(self) -> None:
        self._ready.extend(self._answer)
        self._answer = []

    def _begin(self) -> None:
        """Give points to idle workers."""
        while self._ready and len(self._running) < self._trace.workers:
            point = self._ready.popleft()
            outcome = self._task.evaluate(point.values, point.noise)
            end_s = self._now_s + outcome.time_s
            trial = Trial(point.id, point.values, outcome.loss, self._now_s, end_s)
            heapq.heappush(self._running, (end_s, point.id, trial))

    def _end(self) -> None:
        """Take the results of evaluations that have ended by now."""
        while self._running and self._running[0][0] <= self._now_s:
            trial = heapq.heappop(self._running)[-1]
            self._trace.trials.append(trial)
            if self._pace:
                self._pace.evaluated(trial.end_s - trial.begin_s)
            self._untold.append(Told(trial.id, trial.values, trial.loss))
