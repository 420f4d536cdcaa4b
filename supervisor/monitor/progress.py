"""The progress of a campaign: a live line on a terminal, a plain line an interval elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from supervisor.balancer.messages import Load
from supervisor.core.errors import Interrupted
from supervisor.experiment.folder import Experiment
from supervisor.experiment.state import State, values_of
from supervisor.monitor.text import clock, count, number, pairs

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

INTERVAL_S = 10.0
"""Between two plain lines."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a campaign stands at one moment.

    Attributes:
        elapsed_s: Since this run began.
        total: Number of points there will be, or None if only the optimizer knows.
        finished, failed: Points that are closed.
        running: Workers at work.
        queued: Points that wait for a worker.
        busy: Fraction of the workers' time that they worked, 0 to 1.
        best: The best point, or "" while there is none.
        left_s: Estimated seconds to the end; NaN if there is no estimate.
    """

    elapsed_s: float
    total: int | None
    finished: int
    failed: int
    running: int
    queued: int
    busy: float
    best: str
    left_s: float

    def counts(self) -> str:
        """Return the time and the numbers of points."""
        of = "" if self.total is None else f" of {self.total}"
        return (
            f"{clock(self.elapsed_s)}  {self.finished}{of} done, {self.failed} failed, "
            f"{self.running} running, {self.queued} queued"
        )

    def outlook(self) -> str:
        """Return how well it goes."""
        parts = [f"workers {100 * self.busy:.0f} % busy"]
        if self.left_s == self.left_s:
            parts.append(f"about {clock(self.left_s)} left")
        if self.best:
            parts.append(f"best {self.best}")
        return ", ".join(parts)


class Progress:
    """Shows how a campaign goes.

    Args:
        stream: Where to; standard output.
        width: Columns if the stream ends on a terminal, or None.
        quiet: Whether to show nothing but the end.
        time_s: Seconds by a steady clock.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        width: int | None = None,
        quiet: bool = False,
        time_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._width = width
        self._quiet = quiet
        self._time_s = time_s
        self._live: Live | None = None
        self._state = State()
        self._workers = 0
        self._total: int | None = None
        self._began_s = self._next_s = 0.0
        self._closed_before = 0
        self._busy_before_s = 0.0

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
        self._next_s = self._began_s + INTERVAL_S
        self._closed_before = _closed(state)
        self._busy_before_s = state.busy_s
        if self._quiet:
            return
        for title in titles:
            self._print(title)
        if self._width is not None:
            self._live = _live(self._stream, self._width)
            self._live.start()

    def update(self, loads: Iterable[Load]) -> None:
        """Show how the campaign stands, if it is time to.

        Args:
            loads: What each server said last.
        """
        if self._quiet:
            return
        snapshot = self._snapshot(list(loads))
        if self._live is not None:
            self._live.update(_bar(snapshot), refresh=True)
        elif self._time_s() >= self._next_s:
            self._next_s = self._time_s() + INTERVAL_S
            self._print(f"{snapshot.counts()}; {snapshot.outlook()}")

    def end(self, experiment: Experiment, ending: Exception | None) -> None:
        """Show what came out: counts, the best point, where the results lie, how to go on.

        Args:
            experiment: Where everything was written.
            ending: Why the campaign ended before its time, or None.
        """
        if self._live is not None:
            self._live.stop()
        counts = self._state.counts()
        closed = counts["finished"] + counts["failed"]
        elapsed_s = self._time_s() - self._began_s
        busy = (self._state.busy_s - self._busy_before_s) / (self._workers * elapsed_s)
        self._print(
            f"{count(closed, 'point')}: {counts['finished']} finished, {counts['failed']} failed, "
            f"in {clock(elapsed_s)}; workers {100 * busy:.0f} % busy"
        )
        for line in best_lines(self._state, experiment):
            self._print(line)
        self._print(f"results: {experiment.results}")
        if isinstance(ending, Interrupted):
            self._print(f"{ending}; go on with: supervisor run --resume {experiment.path}")
        if counts["failed"] and not self._quiet:
            failed = next(p.name for p in self._state.points.values() if p.status == "failed")
            self._print(f"why a point failed: supervisor why {experiment.path} {failed}")

    def _snapshot(self, loads: Sequence[Load]) -> Snapshot:
        counts = self._state.counts()
        elapsed_s = self._time_s() - self._began_s
        time_s = sum(load.workers * load.elapsed_s for load in loads)
        busy_s = sum(load.busy_s for load in loads)
        return Snapshot(
            elapsed_s=elapsed_s,
            total=self._total,
            finished=counts["finished"],
            failed=counts["failed"],
            running=sum(load.running for load in loads),
            queued=sum(load.queued for load in loads),
            busy=min(1.0, busy_s / time_s) if time_s else 0.0,
            best=_best(self._state),
            left_s=self._left_s(_closed(self._state), elapsed_s),
        )

    def _left_s(self, closed: int, elapsed_s: float) -> float:
        done = closed - self._closed_before
        if self._total is None or not done:
            return float("nan")
        return (self._total - closed) * elapsed_s / done

    def _print(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def best_lines(state: State, experiment: Experiment) -> list[str]:
    """Return the best point, its metrics and its parameters, for people."""
    best = state.best()
    if best is None:
        has_metric = state.opening is not None and state.opening.metric is not None
        return ["best: none; no point gave a number"] if has_metric else []
    point = state.points[best]
    values = point.values or values_of(experiment.journal, best)
    return [f"best: {point.name}  {pairs(point.metrics)}", f"      {pairs(values)}"]


def _best(state: State) -> str:
    best = state.best()
    if best is None or state.opening is None or state.opening.metric is None:
        return ""
    point = state.points[best]
    metric = state.opening.metric
    return f"{metric} {number(point.metrics[metric])} ({point.name})"


def _closed(state: State) -> int:
    counts = state.counts()
    return counts["finished"] + counts["failed"]


def _live(stream: TextIO, width: int) -> Live:
    """Return a display that rewrites its lines; rich is not needed where there is no terminal."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, force_terminal=True, width=width)
    return Live("", console=console, auto_refresh=False, transient=True)


def _bar(snapshot: Snapshot) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    closed = snapshot.finished + snapshot.failed
    total = None if snapshot.total is None else float(snapshot.total)
    indent = " " * len(clock(0.0))
    lines = [snapshot.counts(), f"{indent}  {snapshot.outlook()}"]
    texts = [Text(line, no_wrap=True, overflow="ellipsis") for line in lines]
    return Group(*texts, ProgressBar(total=total, completed=closed, width=60))
