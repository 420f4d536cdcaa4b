"""The worker: asks its server for tasks, has its executor run them, sends back the results."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import singledispatchmethod

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Assign,
    Cancel,
    Message,
    Progress,
    Ready,
    Recall,
    Returned,
    Send,
    Stop,
    StopEarly,
    Stopped,
)
from supervisor.core.errors import ProtocolError
from supervisor.core.executor import Executor
from supervisor.core.task import Failure, Result, Task

SLICE_S = 0.002
"""Short tasks run in slices of this length; messages are looked at in between."""


class Worker:
    """One worker's tasks, in the order in which they were assigned.

    Args:
        rank: World rank of this worker.
        layout: The roles of all ranks.
        executor: Runs the tasks, one at a time.
        clock: Seconds by any steady clock; bounds the slices.
    """

    def __init__(
        self,
        rank: int,
        layout: Layout,
        executor: Executor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rank = rank
        self.server = layout.home(rank)
        self.executor = executor
        self.clock = clock
        self.done = False
        self._tasks: deque[Task] = deque()
        self._current: Task | None = None
        self._results: list[Result] = []
        self._asked = False
        self._low_water = 0  # ask again when only so many tasks are left, to hide the latency
        self._sent_s = 0.0

    # --- messages -------------------------------------------------------------------------

    @singledispatchmethod
    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message and return what to send because of it.

        Raises:
            ProtocolError: If a worker does not expect this message.
        """
        raise ProtocolError(
            f"worker {self.rank} got {type(message).__name__} from rank {source}, "
            "which is not for a worker"
        )

    @handle.register
    def _(self, message: Assign, source: int, now: float) -> list[Send]:
        self._asked = False
        self._tasks.extend(message.tasks)
        self._low_water = len(message.tasks) // 2
        return []

    @handle.register
    def _(self, message: Recall, source: int, now: float) -> list[Send]:
        wanted = set(message.ids)
        given = [task.id for task in self._tasks if task.id in wanted]
        self._drop(given)
        return [(self.server, Returned(given))]

    @handle.register
    def _(self, message: Cancel, source: int, now: float) -> list[Send]:
        wanted = set(message.ids)
        if self._current is not None and self._current.id in wanted:
            self.executor.cancel()
        unbegun = [task.id for task in self._tasks if task.id in wanted]
        self._drop(unbegun)
        failure = Failure("cancelled", "withdrawn before it began")
        self._results.extend(Result(task_id, b"", failure) for task_id in unbegun)
        return []

    @handle.register
    def _(self, message: StopEarly, source: int, now: float) -> list[Send]:
        if self._current is not None and self._current.id == message.id:
            self.executor.stop_early(message.id)
        return []

    @handle.register
    def _(self, message: Stop, source: int, now: float) -> list[Send]:
        self.executor.close()
        self.done = True
        return [(self.server, Stopped())]

    # --- work -----------------------------------------------------------------------------

    def poll(self, now: float) -> list[Send]:
        """Run tasks for a slice of time; return results, reports and the wish for more."""
        if self.done:
            return []
        sends: list[Send] = []
        end = now + SLICE_S
        while self._step(sends) and self.clock() < end:
            pass
        wanted = not self._asked and len(self._tasks) <= self._low_water
        if self._current is not None and not self._low_water:
            wanted = False  # long tasks are asked for one by one, when the worker is free
        idle = self._current is None and not self._tasks
        due = bool(self._results) and (idle or now - self._sent_s > SLICE_S)
        if wanted or due:
            sends.append((self.server, Ready(self._results, wanted)))
            self._results = []
            self._sent_s = now
            self._asked = self._asked or wanted
        return sends

    @property
    def eager(self) -> bool:
        """Whether a task can be started at once."""
        return self._current is None and bool(self._tasks)

    def filenos(self) -> Sequence[int]:
        """Return the executor's descriptors."""
        return () if self.done else self.executor.filenos()

    def _step(self, sends: list[Send]) -> bool:
        """Start or poll one task; return whether a result came of it."""
        if self._current is None:
            if not self._tasks:
                self.executor.poll()  # what an idle model prints must not fill its pipe
                return False
            self._current = self._tasks.popleft()
            self.executor.start(self._current)
        result = self.executor.poll()
        reports = self.executor.reports()
        if reports:
            sends.append((self.server, Progress(reports)))
        if result is None:
            return False
        self._results.append(result)
        self._current = None
        return True

    def _drop(self, ids: Sequence[int]) -> None:
        gone = set(ids)
        self._tasks = deque(task for task in self._tasks if task.id not in gone)
