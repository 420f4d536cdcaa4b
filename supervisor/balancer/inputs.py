"""The inputs of a worker's tasks that are too large to travel with them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Fetch, Fetched, Send
from supervisor.core.ids import owner
from supervisor.core.operations import Input
from supervisor.core.payload import Payload
from supervisor.core.task import Failure, Result, Task

WITHDRAWN = Failure("cancelled", "withdrawn before it began")

CACHE_BYTES = 256 * 2**20

Value = Payload | int | float | None


class Inputs:
    """Fetches each large input once, and keeps it for later tasks within a bound.

    Args:
        layout: The roles of all ranks.
        most_bytes: Bound of the memory for inputs that no task here waits for; the newest is kept
            even if it alone is larger.
    """

    def __init__(self, layout: Layout, most_bytes: int = CACHE_BYTES) -> None:
        self._layout = layout
        self._most_bytes = most_bytes
        self._cache: OrderedDict[Input, Payload] = OrderedDict()  # the one used longest ago first
        self._cached_bytes = 0
        self._asked: set[Input] = set()
        self._withdrawn: set[int] = set()  # ids of tasks that are not to run
        self._tasks: list[Task] = []  # that wait for inputs, in order of arrival

    def __len__(self) -> int:
        """Return the number of tasks that wait."""
        return len(self._tasks)

    def take(self, task: Task) -> tuple[Task | None, list[Send]]:
        """Return the task if it has all its inputs; if not, keep it, and return what to ask."""
        filled = self._fill(task)
        if None not in filled.values:
            return filled, []
        self._tasks.append(filled)
        missing = [
            one
            for one, value in zip(filled.inputs, filled.values, strict=True)
            if value is None and one not in self._asked
        ]
        self._asked.update(missing)
        servers = self._layout.servers
        return None, [(servers[owner(id, len(servers))], Fetch(id, key)) for id, key in missing]

    def arrive(self, message: Fetched) -> tuple[list[Task], list[Result]]:
        """Take an input; return the tasks that are complete now, and those that end with it."""
        name = (message.id, message.key)
        self._asked.discard(name)
        if message.failure:
            failure = Failure("unwritten", message.failure)
            lost = [task for task in self._tasks if name in task.inputs]
            self._tasks = [task for task in self._tasks if name not in task.inputs]
            return [], [Result(task.id, b"", failure) for task in lost]
        self._tasks = [_with(task, name, message.value) for task in self._tasks]
        complete = [task for task in self._tasks if None not in task.values]
        self._tasks = [task for task in self._tasks if None in task.values]
        cancelled = [Result(t.id, b"", WITHDRAWN) for t in complete if t.id in self._withdrawn]
        complete = [task for task in complete if task.id not in self._withdrawn]
        self._withdrawn.difference_update(one.id for one in cancelled)
        if isinstance(message.value, Payload):
            self._keep(name, message.value)
        return complete, cancelled

    def withdraw(self, ids: set[int]) -> None:
        """End tasks that wait: when their inputs arrive, so that no answer comes too late."""
        self._withdrawn.update(task.id for task in self._tasks if task.id in ids)

    def _fill(self, task: Task) -> Task:
        """Return a task with the inputs that are cached."""
        for name, value in zip(task.inputs, task.values, strict=True):
            if value is None and name in self._cache:
                self._cache.move_to_end(name)
                task = _with(task, name, self._cache[name])
        return task

    def _keep(self, name: Input, value: Payload) -> None:
        self._cache[name] = value
        self._cached_bytes += len(value)
        while self._cached_bytes > self._most_bytes and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cached_bytes -= len(oldest)


def _with(task: Task, name: Input, value: Value) -> Task:
    """Return a task with one input filled in."""
    if name not in task.inputs:
        return task
    values: Sequence[Value] = [
        value if one == name else known
        for one, known in zip(task.inputs, task.values, strict=True)
    ]
    return msgspec.structs.replace(task, values=tuple(values))
