"""The progress of a campaign, and what came out at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supervisor.balancer.messages import Load
from supervisor.core.duration import clock
from supervisor.core.errors import Interrupted
from supervisor.experiment.folder import Experiment
from supervisor.experiment.state import State, values_of
from supervisor.monitor.display import Display, Snapshot
from supervisor.monitor.text import count, number, pairs

MOST_SHOWN = 10
"""Points of a front on the console."""


class Progress:
    """Shows how a campaign goes.

    Args:
        display: Where.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._time_s = display.time_s
        self._state = State()
        self._workers = 0
        self._total: int | None = None
        self._began_s = 0.0
        self._closed_before = 0
        self._busy_before_s = 0.0
        self._waited_before_s = 0.0
        self._loads: list[Load] = []

    def begin(
        self, titles: Sequence[str], state: State, *, workers: int, total: int | None
    ) -> None:
        """Show what begins.

        Args:
            titles: Lines that say so.
            state: Of the experiment, now and later.
            workers: Number of workers.
            total: Number of points there will be, or None.
        """
        self._state = state
        self._workers = workers
        self._total = total
        self._began_s = self._time_s()
        self._closed_before = _closed(state)
        self._busy_before_s = state.busy_s
        self._waited_before_s = state.waited_s
        self._display.begin(titles)

    def update(self, loads: Iterable[Load]) -> None:
        """Show how the campaign stands, if it is time to.

        Args:
            loads: What each server said last.
        """
        self._loads = list(loads)
        if not self._display.quiet:
            self._display.show(self._snapshot(self._loads))

    def end(self, experiment: Experiment, ending: Exception | None) -> None:
        """Show what came out: counts, the best point, where the results lie, how to go on.

        Args:
            experiment: Where everything was written.
            ending: Why the campaign ended before its time, or None.
        """
        self._display.end()
        counts = self._state.counts()
        closed = counts["finished"] + counts["failed"]
        elapsed_s = self._time_s() - self._began_s
        time_s = self._workers * elapsed_s
        busy = (self._state.busy_s - self._busy_before_s) / time_s
        waited = (self._state.waited_s - self._waited_before_s) / time_s
        waiting = f", {100 * waited:.0f} % waiting for the optimizer" if waited >= 0.005 else ""
        held = sum(load.held_s for load in self._loads) / time_s
        waiting += f", {100 * held:.0f} % held for wide tasks" if held >= 0.005 else ""
        self._display.print(
            f"{count(closed, 'point')}: {counts['finished']} finished, {counts['failed']} failed, "
            f"in {clock(elapsed_s)}; workers {100 * busy:.0f} % busy{waiting}"
        )
        for line in best_lines(self._state, experiment):
            self._display.print(line)
        self._display.print(f"results: {experiment.results}")
        if isinstance(ending, Interrupted):
            self._display.print(f"{ending}; go on with: supervisor run --resume {experiment.path}")
        if counts["failed"] and not self._display.quiet:
            failed = next(p.name for p in self._state.points.values() if p.status == "failed")
            self._display.print(f"why a point failed: supervisor why {experiment.path} {failed}")

    def _snapshot(self, loads: Sequence[Load]) -> Snapshot:
        counts = self._state.counts()
        elapsed_s = self._time_s() - self._began_s
        return Snapshot(
            elapsed_s=elapsed_s,
            total=self._total,
            finished=counts["finished"],
            failed=counts["failed"],
            running=sum(load.running for load in loads),
            queued=sum(load.queued for load in loads),
            busy=busy_of(loads),
            best=_best(self._state),
            left_s=self._left_s(_closed(self._state), elapsed_s),
        )

    def _left_s(self, closed: int, elapsed_s: float) -> float:
        done = closed - self._closed_before
        if self._total is None or not done:
            return float("nan")
        return (self._total - closed) * elapsed_s / done


def busy_of(loads: Sequence[Load]) -> float:
    """Return the fraction of the workers' time that they worked."""
    time_s = sum(load.workers * load.elapsed_s for load in loads)
    return min(1.0, sum(load.busy_s for load in loads) / time_s) if time_s else 0.0


def best_lines(state: State, experiment: Experiment) -> list[str]:
    """Return the best point, its metrics and its parameters, for people."""
    best = state.best()
    if best is None:
        has_metric = state.opening is not None and state.opening.metric is not None
        return ["best: none; no point gave a number"] if has_metric else []
    front = state.front()
    if len(front) > 1:
        return _front_lines(state, front)
    point = state.points[best]
    values = point.values or values_of(experiment.journal, best)
    lines = [f"best: {point.name}  {pairs(point.metrics)}", f"      {pairs(values)}"]
    return [*lines, *_recommended_lines(state, experiment, best)]


def _recommended_lines(state: State, experiment: Experiment, best: int) -> list[str]:
    """Return the point that the optimizer recommends, if it is another one than the best."""
    found, opening = state.recommended, state.opening
    if found is None or found.point == best or opening is None or opening.metric is None:
        return []
    point = state.points[found.point]
    values = point.values or values_of(experiment.journal, found.point)
    expected = number(-found.loss if opening.maximize else found.loss)
    return [
        f"by the model: {point.name}  {opening.metric} {expected} expected",
        f"      {pairs(values)}",
    ]


def _front_lines(state: State, front: Sequence[int]) -> list[str]:
    """Return the points that no other one beats in all objectives, or the first of them."""
    lines = [f"front: {count(len(front), 'point')} that no other beats in all objectives"]
    for id in front[:MOST_SHOWN]:
        point = state.points[id]
        lines.append(f"      {point.name}  {pairs(point.metrics)}")
    if len(front) > MOST_SHOWN:
        lines.append(f"      and {len(front) - MOST_SHOWN} more")
    return lines


def _best(state: State) -> str:
    best = state.best()
    if best is None or state.opening is None or state.opening.metric is None:
        return ""
    if state.points[best].losses:
        return f"{count(len(state.front()), 'point')} on the front"
    point = state.points[best]
    metric = state.opening.metric
    return f"{metric} {number(point.metrics[metric])} ({point.name})"


def _closed(state: State) -> int:
    counts = state.counts()
    return counts["finished"] + counts["failed"]
