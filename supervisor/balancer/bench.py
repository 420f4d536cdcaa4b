"""What stands in for models in the simulator, and what a simulated run shows."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from supervisor.balancer.messages import Message
from supervisor.core.errors import SupervisorError
from supervisor.core.task import Failure, Report, Result, Task


class Spans:
    """When tasks began and ended."""

    __slots__ = ("begins_s", "ends_s")

    def __init__(self) -> None:
        self.begins_s = array("d")
        self.ends_s = array("d")

    def add(self, begin_s: float, end_s: float) -> None:
        """Note that a task has run."""
        self.begins_s.append(begin_s)
        self.ends_s.append(end_s)

    def busy_s(self, since_s: float, until_s: float) -> float:
        """Return how long tasks ran between two moments, summed."""
        spans = zip(self.begins_s, self.ends_s, strict=True)
        return sum(max(0.0, min(end, until_s) - max(begin, since_s)) for begin, end in spans)


class VirtualExecutor:
    """Lets virtual time pass instead of running anything.

    Args:
        rank: World rank, for the results.
        clock: The virtual time.
        length_s: Gives the length of a task.
        log: Receives ``(task id, rank)`` for each task that begins.
        spans: Receives when each task ran.
    """

    def __init__(
        self,
        rank: int,
        clock: Callable[[], float],
        length_s: Callable[[int], float],
        log: list[tuple[int, int]],
        spans: Spans | None = None,
    ) -> None:
        self.rank = rank
        self.end_s = 0.0
        self._clock = clock
        self._length_s = length_s
        self._log = log
        self._spans = Spans() if spans is None else spans
        self._task: Task | None = None
        self._begin_s = 0.0
        self._cancelled = False

    def start(self, task: Task) -> None:
        """Begin a task."""
        if self._task is not None:
            raise SupervisorError(f"rank {self.rank}: task {task.id} begins during another")
        self._task = task
        self._cancelled = False
        self._begin_s = self._clock()
        self.end_s = self._begin_s + self._length_s(task.id)
        self._log.append((task.id, self.rank))

    def poll(self) -> Result | None:
        """Return the result when its virtual time has come."""
        if self._task is None:
            return None
        now = self._clock()
        if now < self.end_s and not self._cancelled:
            return None
        task, self._task = self._task, None
        failure = Failure("cancelled", "cancelled") if self._cancelled else None
        self._spans.add(self._begin_s, min(now, self.end_s))
        return Result(task.id, b"", failure, self.rank, self._begin_s, now)

    def reports(self) -> list[Report]:
        """Return nothing."""
        return []

    def stop_early(self, task_id: int) -> None:
        """Do nothing: virtual tasks do not report."""

    def cancel(self) -> None:
        """End the task at the next poll."""
        self._cancelled = True

    def filenos(self) -> list[int]:
        """Return nothing: there are no descriptors in virtual time."""
        return []

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Outcome:
    """What a simulation did.

    Attributes:
        begun: ``(task id, rank)`` of each task that began, in order.
        results: What the client received.
        seconds: Virtual time at the end.
        counts: Messages that were delivered, by type.
        spans: When each task, or part of a bulk, ran.
        handling_s: How long each rank was busy with messages.
        raids: Answers to thieves that had tasks in them.
        moved: Units of work in these.
    """

    begun: list[tuple[int, int]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0
    counts: Counter[type[Message]] = field(default_factory=Counter)
    spans: Spans = field(default_factory=Spans)
    handling_s: list[float] = field(default_factory=list)
    raids: int = 0
    moved: int = 0

    @property
    def messages(self) -> int:
        """Number of messages that were delivered."""
        return self.counts.total()

    @property
    def worked_s(self) -> float:
        """Virtual time when the last task ended; the client may take results long after it."""
        return max(self.spans.ends_s, default=0.0)

    def utilisation(self, workers: int) -> float:
        """Return which share of the whole run workers ran tasks."""
        return self._utilisation(workers, 0.0, self.seconds)

    def steady(self, workers: int) -> float:
        """Return the same of the middle half of the time until the last task ended."""
        return self._utilisation(workers, 0.25 * self.worked_s, 0.75 * self.worked_s)

    def ideal_s(self, workers: int) -> float:
        """Return when the same tasks end if one queue feeds all workers and nothing costs time."""
        free = [0.0] * workers
        for begin, end in sorted(zip(self.spans.begins_s, self.spans.ends_s, strict=True)):
            heapq.heapreplace(free, free[0] + end - begin)
        return max(free)

    def loads(self, ranks: Iterable[int]) -> list[float]:
        """Return which share of the run some ranks were busy with messages."""
        return [self.handling_s[rank] / self.seconds if self.seconds else 0.0 for rank in ranks]

    def _utilisation(self, workers: int, since_s: float, until_s: float) -> float:
        if until_s <= since_s:
            return 0.0
        return self.spans.busy_s(since_s, until_s) / (workers * (until_s - since_s))
