"""The queue of tasks that wait for a worker."""

from __future__ import annotations

import heapq
from itertools import count

from supervisor.core.task import Task


class TaskQueue:
    """Tasks by priority, equal priorities by arrival."""

    __slots__ = ("_arrivals", "_heap", "_tasks")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []
        self._tasks: dict[int, Task] = {}
        self._arrivals = count()

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task_id: int) -> bool:
        return task_id in self._tasks

    def push(self, task: Task) -> None:
        """Add a task."""
        self._tasks[task.id] = task
        heapq.heappush(self._heap, (-task.priority, next(self._arrivals), task.id))

    def pop(self, number: int, *, avoiding: int) -> list[Task]:
        """Remove and return up to ``number`` tasks, first the one to run first.

        Args:
            number: The most that is wanted.
            avoiding: Rank of the worker; tasks that avoid it stay in the queue, in their
                place. -1 takes any task.
        """
        taken: list[Task] = []
        passed: list[tuple[int, int, int]] = []
        while self._heap and len(taken) < number:
            entry = heapq.heappop(self._heap)
            task = self._tasks.get(entry[2])
            if task is None:  # withdrawn; its entry was left in the heap
                continue
            if task.avoid == avoiding != -1:
                passed.append(entry)
                continue
            del self._tasks[entry[2]]
            taken.append(task)
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return taken

    def remove(self, task_id: int) -> Task | None:
        """Remove a task wherever it stands; None if it is not queued."""
        return self._tasks.pop(task_id, None)
