"""The state of an experiment: a fold of its journal."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.core.objective import Metrics, Values
from supervisor.experiment.events import (
    Asked,
    AskedPoint,
    Closed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Opened,
    Recommended,
    Repeated,
    Reported,
    Reused,
    Session,
    Waited,
)
from supervisor.experiment.journal import read_journal

Status = Literal["open", "finished", "failed"]


class PointState(msgspec.Struct, gc=False):
    """What is known of one point.

    Attributes:
        name: Of the run directory.
        values: The parameters; None once the point is closed, unless values are kept.
        status: Open until there is a result or the policy gave up.
        loss: Of a result; or imputed after a failure.
        metrics: Of a result.
        step: Of the last report of the last attempt, or None.
        attempts: The highest number of an attempt that ended.
        failures: Attempts that failed, without the cancelled ones.
        rank: World rank of the worker of the last attempt that ended, or -1.
        host: Likewise.
        start_s: Likewise; None before any attempt ended.
        end_s: Likewise.
        kind: Of the last failure; empty if the last attempt did not fail.
        message: The last failure's, or the note of the result.
        details: The last failure's, if values are kept.
        parent: Number of the point whose checkpoint it goes on from, or -1.
        losses: Of a result, one for each of several objectives.
        of: Number of the point whose result it has, if it was not evaluated itself, or -1.
    """

    name: str
    values: Values | None
    status: Status = "open"
    loss: float | None = None
    metrics: Metrics = {}
    step: int | None = None
    attempts: int = 0
    failures: int = 0
    rank: int = -1
    host: str = ""
    start_s: float | None = None
    end_s: float | None = None
    kind: str = ""
    message: str = ""
    details: str = ""
    parent: int = -1
    losses: tuple[float, ...] = ()
    of: int = -1


class State:
    """What the events so far amount to.

    Args:
        keep_values: Whether closed points keep their parameters and the details of failures;
            a campaign of a million points does without.

    Attributes:
        opening: The first event, or None before it.
        sessions: In order.
        points: By id, in the order in which they were asked.
        open: Ids of the points that were asked and are not closed, in that order.
        waited_s: Time that workers waited for the optimizer, summed over them.
        busy_s: Time of all attempts that ended, summed.
        duplicates: Results of points that were closed already; they change nothing else.
        interrupted: Why the last session was interrupted, or None.
        closed: Why the experiment ended, or None.
        worst_loss: The highest finite loss of a finished point, or None.
        recommended: What the optimizer said in the end, or None.
        repeated: Of open points that are evaluated several times, what is known, by repeat.
    """

    def __init__(self, *, keep_values: bool = False) -> None:
        self.keep_values = keep_values
        self.opening: Opened | None = None
        self.sessions: list[Session] = []
        self.points: dict[int, PointState] = {}
        # A dictionary, because it keeps the order, and a set does not.
        self.open: dict[int, None] = {}
        self.waited_s = 0.0
        self.busy_s = 0.0
        self.duplicates = 0
        self.interrupted: str | None = None
        self.closed: str | None = None
        self.worst_loss: float | None = None
        self.recommended: Recommended | None = None
        self.repeated: dict[int, dict[int, Repeated]] = {}
        self._best: tuple[float, int] | None = None
        self._failed = 0

    @property
    def asked(self) -> int:
        """Return the number of points that were asked."""
        return len(self.points)

    def asked_point(self, id: int) -> AskedPoint:
        """Return an open point as it was asked."""
        point = self.points[id]
        assert point.values is not None
        return AskedPoint(id=id, name=point.name, values=point.values, parent=point.parent)

    def best(self) -> int | None:
        """Return the id of the finished point with the lowest loss, or None.

        NaN is never best; of equal losses, the one with the lowest id is.
        """
        return None if self._best is None else self._best[1]

    def front(self) -> list[int]:
        """Return the finished points that no other one beats in all of several objectives."""
        known = {
            id: point.losses
            for id, point in self.points.items()
            if point.losses and not any(map(math.isnan, point.losses))
        }
        front: dict[tuple[float, ...], int] = {}
        for id in sorted(known, key=lambda one: (known[one], one)):  # none is beaten by a later
            losses = known[id]
            if not any(all(map(operator.le, other, losses)) for other in front):
                front[losses] = id
        return list(front.values())

    def counts(self) -> dict[Status, int]:
        """Return how many points have each status."""
        running, failed = len(self.open), self._failed
        finished = len(self.points) - running - failed
        return {"open": running, "finished": finished, "failed": failed}

    def apply(self, event: Event) -> None:
        """Take one more event into account; events come in the order of the journal.

        Raises:
            SupervisorError: The event is about a point that was never asked, or asks a point
                again, or opens the experiment again.
        """
        match event:
            case Asked(points=points):
                self.recommended = None
                for asked in points:
                    self._ask(asked)
            case Reported(point=id, step=step):
                if (point := self._open_point(event, id)) is not None:
                    point.step = step
            case Finished():
                self._finish(event)
            case Repeated():
                self._repeat(event)
            case Reused():
                self._reuse(event)
            case Failed():
                self._fail(event)
            case Waited(seconds=seconds):
                self.waited_s += seconds
            case Recommended(point=id):
                self._open_point(event, id)  # it was asked
                self.recommended = event
            case _:
                self._mark(event)

    def _mark(self, event: Event) -> None:
        """Take an event into account that is about the experiment as a whole."""
        match event:
            case Opened():
                if self.opening is not None:
                    raise SupervisorError(
                        f"the journal opens experiment {event.name!r} twice: two journals were "
                        "joined; separate them"
                    )
                self.opening = event
            case Session():
                self.sessions.append(event)
                self.interrupted = self.closed = None
            case Interrupted(reason=reason):
                self.interrupted = reason
            case Closed(reason=reason):
                self.closed = reason

    def _ask(self, asked: AskedPoint) -> None:
        """Open a point."""
        if asked.id in self.points:
            raise SupervisorError(f"the journal asks point {asked.id} twice: it is not one run's")
        self.points[asked.id] = PointState(asked.name, asked.values, parent=asked.parent)
        self.open[asked.id] = None

    def _open_point(self, event: Event, id: int) -> PointState | None:
        """Return the point that an event is about, or None if it is closed."""
        point = self.points.get(id)
        if point is None:
            kind = type(event).__name__.lower()
            raise SupervisorError(
                f"the journal has an event {kind!r} of point {id}, which was never asked: "
                "it is incomplete; restore it from a copy"
            )
        return point if id in self.open else None

    def _finish(self, event: Finished) -> None:
        """Close a point with its result."""
        point = self._open_point(event, event.point)
        if point is None:
            self.duplicates += 1
            return
        if event.point not in self.repeated:  # else the time of each repeat was noted
            self._add_busy(event)
        self._end_attempt(point, event)
        point.kind, point.message, point.details = "", event.note, ""
        self._take_result(point, event)

    def _take_result(self, point: PointState, event: Finished | Reused) -> None:
        """Close a point with a result."""
        point.loss, point.metrics, point.losses = event.loss, event.metrics, event.losses
        self._close(event.point, point, "finished")
        if event.loss is not None and not math.isnan(event.loss):
            candidate = (event.loss, event.point)
            self._best = candidate if self._best is None else min(self._best, candidate)
        if event.loss is not None and math.isfinite(event.loss):
            self.worst_loss = max(
                event.loss, event.loss if self.worst_loss is None else self.worst_loss
            )

    def _repeat(self, event: Repeated) -> None:
        """Note one of several results."""
        point = self._open_point(event, event.point)
        if point is None:
            self.duplicates += 1
            return
        self._add_busy(event)
        self._end_attempt(point, event)
        self.repeated.setdefault(event.point, {})[event.repeat] = event

    def _reuse(self, event: Reused) -> None:
        """Close a point with the result of another one."""
        point = self._open_point(event, event.point)
        if point is not None:
            point.of = event.of
            point.message = f"has the values of {self.points[event.of].name}"
            self._take_result(point, event)

    def _fail(self, event: Failed) -> None:
        """Note a failed attempt; close the point if the policy gave up."""
        point = self._open_point(event, event.point)
        if point is None:
            self.duplicates += 1
            return
        self._add_busy(event)
        self._end_attempt(point, event)
        point.failures += event.kind != "cancelled"
        point.kind, point.message = event.kind, event.message
        point.details = event.details if self.keep_values else ""
        if event.final:
            point.loss = event.loss
            self._failed += 1
            self._close(event.point, point, "failed")

    def _add_busy(self, event: Finished | Repeated | Failed) -> None:
        self.busy_s += event.ranks * max(0.0, event.end_s - event.start_s)

    def _end_attempt(self, point: PointState, event: Finished | Repeated | Failed) -> None:
        """Note where and when an attempt ran."""
        point.attempts = max(point.attempts, event.attempt)
        point.rank = event.rank
        # A million points share the names of their hosts.
        point.host = sys.intern(event.host)
        point.start_s, point.end_s = event.start_s, event.end_s

    def _close(self, id: int, point: PointState, status: Status) -> None:
        """Close a point for good."""
        point.status = status
        if not self.keep_values:
            point.values = None
        del self.open[id]
        self.repeated.pop(id, None)


def replay(events: Iterable[Event], *, keep_values: bool = False) -> State:
    """Fold a journal into a state; the order of events is the order of the file."""
    state = State(keep_values=keep_values)
    for event in events:
        state.apply(event)
    return state


def values_of(journal: Path, id: int) -> Values:
    """Return the parameters of one point, which a state need not keep; empty if it is unknown."""
    for event in read_journal(journal):
        if isinstance(event, Asked):
            for point in event.points:
                if point.id == id:
                    return point.values
    return {}
