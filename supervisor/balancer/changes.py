"""What the client has changed of tasks that may still come to a server, from wherever they are."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from supervisor.core.task import Task


class Changes:
    """Withdrawn tasks, and new priorities.

    Attributes:
        over: Whether no task is to begin any more.
    """

    def __init__(self) -> None:
        self.over = False
        self._withdrawn: set[int] = set()
        self._priorities: dict[int, int] = {}

    def withdraw(self, ids: Iterable[int]) -> None:
        """Note that some tasks are not to begin."""
        self._withdrawn.update(ids)

    def reprioritise(self, ids: Iterable[int], priority: int) -> None:
        """Note that some tasks have another priority."""
        self._priorities.update(dict.fromkeys(ids, priority))

    def forget(self, ids: Iterable[int]) -> None:
        """Forget tasks that have ended everywhere."""
        for id in ids:
            self._withdrawn.discard(id)
            self._priorities.pop(id, None)

    def ended(self, task: Task) -> bool:
        """Return whether a task is not to begin."""
        return self.over or task.id in self._withdrawn

    def withdrawn_of(self, ids: Iterable[int]) -> set[int]:
        """Return those of some tasks that were withdrawn."""
        return self._withdrawn.intersection(ids)

    def sort(self, tasks: Iterable[Task]) -> tuple[list[Task], list[Task]]:
        """Return tasks that come from elsewhere, as they are now; and those that have ended."""
        going, ended = [], []
        for task in tasks:
            if self.ended(task):
                ended.append(task)
            elif task.id in self._priorities:
                priority = self._priorities[task.id]
                going.append(msgspec.structs.replace(task, priority=priority))
            else:
                going.append(task)
        return going, ended
