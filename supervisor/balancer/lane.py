"""Tasks in the order in which they are to run."""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator

from supervisor.core.task import Task


class Lane:
    """Tasks by priority, equal priorities by arrival.

    Entries are not removed when a task is withdrawn or leaves through another lane: whoever
    takes them out asks whether they still count. One entry is one pointer, so that a million
    queued tasks stay small.
    """

    __slots__ = ("_buckets", "_priorities")

    def __init__(self) -> None:
        self._buckets: dict[int, deque[Task]] = {}
        self._priorities: list[int] = []  # ascending

    def push(self, task: Task) -> None:
        """Add a task behind those of its priority."""
        bucket = self._buckets.get(task.priority)
        if bucket is None:
            bucket = self._buckets[task.priority] = deque()
            insort(self._priorities, task.priority)
        bucket.append(task)

    def push_front(self, task: Task) -> None:
        """Put back a task that was just taken."""
        if task.priority not in self._buckets:
            self.push(task)
        else:
            self._buckets[task.priority].appendleft(task)

    def pop(self) -> Task | None:
        """Take the task to run first."""
        while self._priorities:
            priority = self._priorities[-1]
            bucket = self._buckets[priority]
            if bucket:
                return bucket.popleft()
            del self._buckets[priority]
            self._priorities.pop()
        return None

    @property
    def top(self) -> float:
        """The priority of the task to run first; minus infinity if there is none."""
        while self._priorities and not self._buckets[self._priorities[-1]]:
            del self._buckets[self._priorities.pop()]
        return self._priorities[-1] if self._priorities else -math.inf

    def replace(self, task: Task, other: Task) -> None:
        """Let another task have the place of one."""
        bucket = self._buckets.get(task.priority, deque())
        for place, one in enumerate(bucket):
            if one is task:
                bucket[place] = other
                return

    def sweep(self, counts: Callable[[Task], bool]) -> None:
        """Drop the entries that do not count any more."""
        for priority, bucket in self._buckets.items():
            self._buckets[priority] = deque(filter(counts, bucket))

    def buckets(self) -> Iterator[deque[Task]]:
        """Yield the tasks of each priority, the highest first."""
        for priority in reversed(self._priorities):
            yield self._buckets[priority]
