"""What a worker has been given and not answered."""

from __future__ import annotations

from collections import deque

from supervisor.core.errors import ProtocolError
from supervisor.core.task import Task


class Holdings:
    """The tasks and slices that one worker holds.

    Args:
        worker: World rank of the worker.
    """

    __slots__ = ("_slices", "_worker", "width")

    def __init__(self, worker: int) -> None:
        self.width = 0
        self._worker = worker
        self._slices: dict[int, deque[Task]] = {}

    def __contains__(self, task_id: int) -> bool:
        return task_id in self._slices

    def ids(self) -> set[int]:
        """Return the ids of all tasks that are held."""
        return set(self._slices)

    def add(self, task: Task) -> None:
        """Note that a task was given to the worker."""
        self._slices.setdefault(task.id, deque()).append(task)
        self.width += task.width

    def remove(self, task_id: int, first: int, width: int) -> Task:
        """Take out some consecutive units of a task that the worker answers or gives back.

        Raises:
            ProtocolError: If the worker does not hold them.
        """
        slices = self._slices.get(task_id, deque())
        for _ in range(len(slices)):
            task = slices.popleft()
            begin = first - task.first
            end = begin + width
            if begin < 0 or end > task.width:
                slices.append(task)
                continue
            if begin > 0:
                slices.append(task.slice(0, begin))
            if end < task.width:
                slices.append(task.slice(end, task.width))
            if not slices:
                del self._slices[task_id]
            self.width -= width
            return task.slice(begin, end) if task.parts else task
        raise ProtocolError(
            f"rank {self._worker} answers task {task_id}, parts {first} to {first + width - 1}, "
            "which it was not given"
        )
