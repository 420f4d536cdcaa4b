"""The progress of a pipeline, and what came out at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supervisor.balancer.messages import Load
from supervisor.core.duration import clock
from supervisor.core.errors import Interrupted
from supervisor.experiment.folder import Experiment
from supervisor.experiment.step_events import StepFailed
from supervisor.experiment.steps import StepsState, named
from supervisor.monitor.display import Display, Snapshot
from supervisor.monitor.progress import busy_of
from supervisor.monitor.text import count

FAILURES_SHOWN = 10


class StepsProgress:
    """Shows how a pipeline goes.

    Args:
        display: Where.
        trace: Whether to show each line of the trace.
    """

    def __init__(self, display: Display, *, trace: bool) -> None:
        self._display = display
        self._trace = trace
        self._state = StepsState()
        self._workers = 0
        self._began_s = display.time_s()
        self._closed_before = 0
        self._busy_before_s = 0.0

    def begin(self, titles: Sequence[str], state: StepsState, *, workers: int) -> None:
        """Show what begins.

        Args:
            titles: Lines that say so.
            state: Of the experiment, now and later.
            workers: Number of workers.
        """
        self._state = state
        self._workers = workers
        self._began_s = self._display.time_s()
        self._closed_before = sum(state.counts().values())
        self._busy_before_s = state.busy_s
        self._display.begin(titles)

    def tell(self, text: str) -> None:
        """Show a line of the trace, with the seconds since the beginning."""
        if self._trace:
            self._display.print(f"{self._display.time_s() - self._began_s:9.3f}  {text}")

    def update(self, loads: Iterable[Load]) -> None:
        """Show how the pipeline stands, if it is time to.

        Args:
            loads: What each server said last.
        """
        if not self._display.quiet:
            self._display.show(self._snapshot(list(loads)))

    def end(self, experiment: Experiment, ending: Exception | None) -> None:
        """Show what came out: counts, where the results lie, how to go on.

        Args:
            experiment: Where everything was written.
            ending: Why the pipeline ended before its time, or None.
        """
        self._display.end()
        elapsed_s = self._display.time_s() - self._began_s
        busy = (self._state.busy_s - self._busy_before_s) / (self._workers * elapsed_s)
        self._display.print(
            f"{summary(self._state)}, in {clock(elapsed_s)}; workers {100 * busy:.0f} % busy"
        )
        self._display.print(f"results: {experiment.results}")
        if isinstance(ending, Interrupted):
            self._display.print(f"{ending}; go on with: supervisor run --resume {experiment.path}")
        failed = failures(self._state)
        if failed and not self._display.quiet:
            name = named(failed[0])
            self._display.print(f"why a step failed: supervisor why {experiment.path} {name}")

    def _snapshot(self, loads: Sequence[Load]) -> Snapshot:
        counts = self._state.counts()
        elapsed_s = self._display.time_s() - self._began_s
        done = counts["finished"] + counts["skipped"]
        return Snapshot(
            elapsed_s=elapsed_s,
            total=self._state.expected,
            finished=done,
            failed=counts["failed"],
            running=sum(load.running for load in loads),
            queued=sum(load.queued for load in loads),
            busy=busy_of(loads),
            best="",
            left_s=self._left_s(done + counts["failed"], elapsed_s),
        )

    def _left_s(self, closed: int, elapsed_s: float) -> float:
        done = closed - self._closed_before
        if self._state.expected is None or not done:
            return float("nan")
        return (self._state.expected - closed) * elapsed_s / done


def summary(state: StepsState) -> str:
    """Return how many steps there are and how many of their instances have which status."""
    counts = state.counts()
    return (
        f"{count(len(state.steps), 'step')}: {counts['finished']} finished, "
        f"{counts['failed']} failed, {counts['skipped']} skipped"
    )


def failures(state: StepsState) -> list[StepFailed]:
    """Return how instances failed: first those that were the cause."""
    found = [
        event
        for step in state.steps.values()
        for event in step.ended.values()
        if isinstance(event, StepFailed)
    ]
    return sorted(found, key=lambda event: event.kind == "unwritten")


def failure_lines(state: StepsState) -> list[str]:
    """Return what failed and why, for people: the causes, and how many steps needed them."""
    found = failures(state)
    causes = [event for event in found if event.kind != "unwritten"]
    lines = []
    for event in causes[:FAILURES_SHOWN]:
        each = ", ".join(f"{name}={value}" for name, value in event.each.items())
        title = f"{named(event)} ({each})" if each else named(event)
        lines.append(f"{event.place} {title}: {event.message}")
    if len(causes) > FAILURES_SHOWN:
        lines.append(f"and {len(causes) - FAILURES_SHOWN} more; see: supervisor table")
    if followers := [event.step for event in found if event.kind == "unwritten"]:
        names = ", ".join(followers[:FAILURES_SHOWN])
        more = len(followers) - FAILURES_SHOWN
        lines.append(f"not run, for want of these: {names}{f' and {more} more' * (more > 0)}")
    return lines
