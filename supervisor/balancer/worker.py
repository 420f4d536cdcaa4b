"""The worker: asks its server for tasks, has its executor run them, sends back the results."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from supervisor.balancer.handlers import Handlers
from supervisor.balancer.inputs import WITHDRAWN, Inputs
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Assign,
    Cancel,
    Fetched,
    Join,
    Message,
    Parted,
    Progress,
    Ready,
    Recall,
    Returned,
    Send,
    Stop,
    StopEarly,
    Stopped,
)
from supervisor.core.executor import Executor
from supervisor.core.payload import Payload
from supervisor.core.task import Result, Task

SLICE_S = 0.002
"""Short tasks run in slices of this length; messages are looked at in between."""


class Worker:
    """One worker's tasks, in the order in which they were assigned.

    Args:
        rank: World rank of this worker.
        layout: The roles of all ranks.
        executor: Runs the tasks, one at a time; of a bulk, one part at a time.
        clock: Seconds by any steady clock; bounds the slices.
    """

    _on = Handlers[list[Send]]("worker")

    def __init__(
        self,
        rank: int,
        layout: Layout,
        executor: Executor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rank = rank
        self.server = layout.home(rank)
        self._master = layout.master
        self.executor = executor
        self.clock = clock
        self.done = False
        self._inputs = Inputs(layout)
        self._tasks: deque[Task] = deque()
        self._begun = 0  # parts of the first of them that were taken already
        self._slice_ends = False  # whether the part that was taken last is a slice's last
        self._width = 0  # units of work in _tasks that were not
        self._current: Task | None = None  # a single task, or one part of a bulk
        self._results: list[Result] = []
        self._values: list[Payload] = []  # of consecutive parts of one bulk, not in a result yet
        self._span: tuple[Result, int, float] | None = None  # first result, first part, end
        self._asked = False
        self._joined = -1  # the gang's task that this worker has; there is no other one then
        self._low_water = 0  # ask again when so little is left, to hide the latency
        self._sent_s = 0.0

    # --- messages -------------------------------------------------------------------------

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message and return what to send because of it.

        Raises:
            ProtocolError: If a worker does not expect this message.
        """
        handler = self._on.find(type(message), source)
        return handler(self, message, source, now)

    @_on(Assign)
    def _take_assign(self, message: Assign, source: int, now: float) -> list[Send]:
        self._asked = False
        assigned = self._width
        sends: list[Send] = []
        for task in message.tasks:
            ready: Task | None = task
            if task.inputs:
                ready, asking = self._inputs.take(task)
                sends.extend(asking)
            if ready is not None:
                self._queue(ready)
        self._low_water = (self._width - assigned) // 2
        return sends

    @_on(Join)
    def _take_join(self, message: Join, source: int, now: float) -> list[Send]:
        """Take a gang's task; the own server still takes this worker for one that asked."""
        self._joined = message.task.id
        ready, asking = (
            self._inputs.take(message.task) if message.task.inputs else (message.task, [])
        )
        if ready is not None:
            self._queue(ready)
        return asking

    @_on(Fetched)
    def _take_fetched(self, message: Fetched, source: int, now: float) -> list[Send]:
        complete, lost = self._inputs.arrive(message)
        for task in complete:
            self._queue(task)
        self._results.extend(lost)
        return []

    @_on(Recall)
    def _take_recall(self, message: Recall, source: int, now: float) -> list[Send]:
        self._trim()
        slices: list[tuple[int, int, int]] = []
        wanted = message.width
        while wanted > 0 and self._tasks:
            task = self._tasks.pop()
            if task.width > wanted:
                kept = task.width - wanted
                self._tasks.append(task.slice(0, kept))
                task = task.slice(kept, task.width)
            slices.append((task.id, task.first, task.width))
            wanted -= task.width
            self._width -= task.width
        return [(self.server, Returned(slices))]

    @_on(Cancel)
    def _take_cancel(self, message: Cancel, source: int, now: float) -> list[Send]:
        self._trim()
        wanted = set(message.ids)
        if self._current is not None and self._current.id in wanted:
            self.executor.cancel()
        wanted.discard(self._joined)  # the others of the gang may have begun and wait for this one
        kept: deque[Task] = deque()
        for task in self._tasks:
            if task.id not in wanted:
                kept.append(task)
                continue
            self._width -= task.width
            result = Result(task.id, b"", WITHDRAWN, first=task.first, width=task.width)
            self._results.append(result)
        self._tasks = kept
        self._inputs.withdraw(wanted)
        return []

    @_on(StopEarly)
    def _take_stop_early(self, message: StopEarly, source: int, now: float) -> list[Send]:
        if self._current is not None and self._current.id == message.id:
            self.executor.stop_early(message.id)
        return []

    @_on(Stop)
    def _take_stop(self, message: Stop, source: int, now: float) -> list[Send]:
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
        if self._joined >= 0 and self._results:
            (result,), self._results = self._results, []
            sends.append((self._master, Parted(result)))
            self._joined = -1
        wanted = not self._asked and self._width <= self._low_water
        if self._current is not None and not self._low_water:
            wanted = False  # long tasks are asked for one by one, when the worker is free
        if self._inputs:
            wanted = False  # there is work, once its inputs have come
        idle = self._current is None and not self._tasks
        results = bool(self._results or self._values)
        if wanted or (results and (idle or now - self._sent_s > SLICE_S)):
            self._close_span()
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

    def _queue(self, task: Task) -> None:
        self._tasks.append(task)
        self._width += task.width

    def _step(self, sends: list[Send]) -> bool:
        """Start or poll one task; return whether a result came of it."""
        if self._current is None:
            if not self._tasks:
                self.executor.poll()  # what an idle model prints must not fill its pipe
                return False
            self._current = self._next()
            self.executor.start(self._current)
        result = self.executor.poll()
        reports = self.executor.reports()
        if reports:
            sends.append((self.server, Progress(reports)))
        if result is None:
            return False
        self._take(result, self._current)
        self._current = None
        return True

    def _next(self) -> Task:
        """Take a single task, or the next part of a bulk."""
        self._width -= 1
        task = self._tasks[0]
        if not task.parts:
            return self._tasks.popleft()
        part = task.slice(self._begun, self._begun + 1)
        self._begun += 1
        self._slice_ends = self._begun == task.width
        if self._slice_ends:
            self._tasks.popleft()
            self._begun = 0
        return part

    def _trim(self) -> None:
        """Cut the parts that were taken from the first task, so that all of it is unbegun.

        The rest may go and come back as a slice of its own, so no span may reach into it.
        """
        if self._begun:
            self._close_span()
            self._slice_ends = True
            self._tasks[0] = self._tasks[0].slice(self._begun, self._tasks[0].width)
            self._begun = 0

    def _take(self, result: Result, task: Task) -> None:
        """Keep a result; the values of consecutive parts become one result."""
        if not task.parts or result.failure is not None or result.operations:
            self._close_span()
            if task.parts:
                parts = () if result.failure else (result.value,)
                result = msgspec.structs.replace(result, first=task.first, parts=parts)
            self._results.append(result)
            return
        if self._span is not None:
            head, first, _ = self._span
            if (head.id, first + len(self._values)) != (task.id, task.first):
                self._close_span()
        head, first, _ = self._span or (result, task.first, 0.0)
        self._span = (head, first, result.end_s)
        self._values.append(result.value)
        if self._slice_ends:  # the server knows the slice that it gave, and no longer ones
            self._close_span()

    def _close_span(self) -> None:
        """Make one result of the values that were collected."""
        if self._span is None:
            return
        head, first, end_s = self._span
        values = tuple(self._values)
        self._results.append(
            Result(
                head.id,
                b"",
                rank=head.rank,
                start_s=head.start_s,
                end_s=end_s,
                first=first,
                parts=values,
                width=len(values),
            )
        )
        self._span, self._values = None, []
