"""Evaluations of points: as tasks on their way out, as events on their way back."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from supervisor.campaign.settings import Settings
from supervisor.core.objective import Evaluation, Metrics, decode_metrics
from supervisor.core.task import Failure, Result, Task
from supervisor.experiment.events import AskedPoint, Failed, Finished, Repeated
from supervisor.experiment.state import PointState


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One evaluation that was put and has no result yet.

    Attributes:
        point: Which point.
        parent: Name of the point whose checkpoint it goes on from, or empty.
        number: From 1.
        repeat: Which of several evaluations of the point, from 0.
        workers: How many do it together.
    """

    point: AskedPoint
    parent: str
    number: int
    repeat: int = 0
    workers: int = 1


class Evaluations:
    """The evaluations in flight.

    Args:
        settings: The campaign's choices.
        points: What is known of points, by number.
        hosts: Host name of each rank.
        workers: How many evaluate points.
    """

    def __init__(
        self,
        settings: Settings,
        points: dict[int, PointState],
        hosts: Sequence[str],
        workers: int,
    ) -> None:
        self._settings = settings
        self._points = points
        self._hosts = hosts
        self._most = workers
        self._attempts: dict[int, Attempt] = {}
        self.workers = 0
        """How many are wanted by the evaluations in flight, or have them."""
        self._next_task = 0

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def width(self) -> float:
        """Number of workers that an evaluation wants, the mean of those in flight."""
        if self._attempts:
            return self.workers / len(self._attempts)
        if self._settings.nodes:
            return self._on(self._settings.nodes)
        return 1 if isinstance(self._settings.size, str) else self._settings.size

    def _on(self, nodes: int) -> int:
        """Return how many workers so many hosts have, about."""
        return max(1, self._most * nodes // len(set(self._hosts)))

    def tasks(self, point: AskedPoint, repeats: Iterable[int], number: int = 1) -> list[Task]:
        """Return tasks that evaluate a point, one for each of its ``repeats``."""
        parent = self._ran_as(point.parent)
        return [self._task(Attempt(point, parent, number, repeat)) for repeat in repeats]

    def _ran_as(self, id: int) -> str:
        """Return the run directory where a point's checkpoint lies; empty if there is none."""
        if id < 0:
            return ""
        point = self._points[id]
        return point.name if point.of < 0 else self._points[point.of].name

    def again(self, attempt: Attempt, avoid: int) -> Task:
        """Return a task that tries once more, if possible not on rank ``avoid``."""
        return self._task(msgspec.structs.replace(attempt, number=attempt.number + 1), avoid)

    def find(self, task_id: int) -> Attempt | None:
        """Return the evaluation of a task, if it has no result yet."""
        return self._attempts.get(task_id)

    def tasks_of(self, points: Sequence[int]) -> list[int]:
        """Return the tasks that evaluate some points."""
        return [task for task, one in self._attempts.items() if one.point.id in points]

    def end(self, task_id: int) -> Attempt:
        """Return the evaluation that a result belongs to, which is now over."""
        attempt = self._attempts.pop(task_id)
        self.workers -= attempt.workers
        return attempt

    def _task(self, attempt: Attempt, avoid: int = -1) -> Task:
        task_id = self._next_task
        self._next_task += 1
        settings, point = self._settings, attempt.point
        evaluation = Evaluation(
            point.id,
            self._folder(point.name, attempt.repeat),
            point.values,
            settings.task_seed(point.id, attempt.repeat),
            attempt.number,
            self._folder(attempt.parent, attempt.repeat),
        )
        gang = settings.gang(point.values)
        if gang is not None:
            size = gang.size or self._on(gang.nodes)
            attempt = msgspec.structs.replace(attempt, workers=size)
        self._attempts[task_id] = attempt
        self.workers += attempt.workers
        return Task(
            task_id,
            msgspec.msgpack.encode(evaluation),
            kind=settings.kind,
            avoid=avoid,
            timeout_s=settings.timeout_s,
            gang=gang,
        )

    def _folder(self, name: str, repeat: int) -> str:
        """Return the run directory of one of several evaluations of a point."""
        return f"{name}/repeat{repeat}" if name and self._settings.repeats > 1 else name

    # --- events ---------------------------------------------------------------------------

    def finished(self, attempt: Attempt, result: Result) -> Finished | Repeated:
        """Return the event of a result."""
        metrics = decode_metrics(result.value)
        common = {
            "point": attempt.point.id,
            "attempt": attempt.number,
            "metrics": metrics,
            **self._circumstances(attempt, result),
        }
        if self._settings.repeats > 1:
            return Repeated(repeat=attempt.repeat, **common)
        loss, losses = self._losses(metrics)
        return Finished(loss=loss, losses=losses, note=result.note, **common)

    def mean(self, repeats: Iterable[Repeated]) -> Finished:
        """Return the event of a point all of whose repeats have results: their mean."""
        known = sorted(repeats, key=lambda one: one.repeat)
        latest = max(known, key=lambda one: one.end_s)
        metrics = {
            name: _mean([one.metrics.get(name) for one in known]) for name in known[0].metrics
        }
        loss, losses = self._losses(metrics)
        return Finished(
            point=latest.point,
            attempt=max(one.attempt for one in known),
            loss=loss,
            losses=losses,
            metrics=metrics,
            rank=latest.rank,
            host=latest.host,
            start_s=min(one.start_s for one in known),
            end_s=latest.end_s,
            ranks=latest.ranks,
            note=f"mean of {len(known)} evaluations",
        )

    def failed(
        self,
        attempt: Attempt,
        result: Result,
        failure: Failure,
        *,
        loss: float | None,
        final: bool,
    ) -> Failed:
        """Return the event of a failure."""
        return Failed(
            point=attempt.point.id,
            attempt=attempt.number,
            kind=failure.kind,
            message=failure.message,
            details=failure.details,
            final=final,
            loss=loss,
            repeat=attempt.repeat,
            **self._circumstances(attempt, result),
        )

    def _losses(self, metrics: Metrics) -> tuple[float | None, tuple[float, ...]]:
        metric = self._settings.metric
        loss = None if metric is None else self._settings.loss(float(metrics[metric]))
        return loss, self._settings.losses(metrics)

    def _circumstances(self, attempt: Attempt, result: Result) -> dict[str, Any]:
        host = self._hosts[result.rank] if 0 <= result.rank < len(self._hosts) else ""
        return {
            "rank": result.rank,
            "host": host,
            "start_s": result.start_s,
            "end_s": result.end_s,
            "ranks": attempt.workers,
        }


def _mean(values: Sequence[Any]) -> Any:
    """Return the mean of numbers; of other values, the first."""
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        return statistics.fmean(values)
    return values[0]
