"""Dataflow on one server: the data that it owns, and the tasks that wait here for data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Send, Told
from supervisor.balancer.release import Small, Stuck, Waiting
from supervisor.balancer.store import Shard
from supervisor.balancer.talk import Apply, Noticed
from supervisor.core.ids import owner
from supervisor.core.operations import (
    Answer,
    DataError,
    Enumerate,
    Fail,
    Hold,
    Input,
    Key,
    Listing,
    Lookup,
    Notice,
    OpenDatum,
    Operation,
    Reference,
    References,
    Retrieve,
    Store,
    Subscribe,
)
from supervisor.core.payload import Payload, pack
from supervisor.core.task import Result, Task

CLIENT = -1
"""The client as a source of operations: its rank may be a server's too."""

STUCK_SHOWN = 20


@dataclass
class Effects:
    """What follows from operations and notices.

    Attributes:
        ready: Tasks that have all their inputs.
        failed: Tasks that never will, and why.
        faults: Operations that were refused though nobody waits for their answers.
        sends: What to send to other servers and to the client.
    """

    ready: list[Task] = field(default_factory=list)
    failed: list[tuple[Task, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)


class Flow:
    """Data and waiting tasks of one server.

    Args:
        rank: World rank of the server.
        layout: The roles of all ranks.
    """

    def __init__(self, rank: int, layout: Layout) -> None:
        self._rank = rank
        self._layout = layout
        self._shard = Shard(makers=layout.size + 1, servers=len(layout.servers))
        self._waiting = Waiting()
        self._blocked: dict[int, Task] = {}

    def __len__(self) -> int:
        """Return the number of tasks that wait."""
        return len(self._blocked)

    def admit(
        self,
        first: Iterable[Operation],
        tasks: Iterable[Task],
        then: Iterable[Operation],
        effects: Effects,
    ) -> None:
        """Do operations, take tasks, and do further operations."""
        for operation in first:
            self.apply(operation, effects)
        for task in tasks:
            self.hold(task, effects)
        for operation in then:
            self.apply(operation, effects)

    def hold(self, task: Task, effects: Effects) -> None:
        """Keep a task until its inputs are there; it is ready at once if it has none."""
        if not task.inputs:
            effects.ready.append(task)
            return
        self._blocked[task.id] = task
        for subscription in self._waiting.add(task.id, task.inputs):
            self.apply(subscription, effects)

    def withdraw(self, ids: Iterable[int]) -> list[Task]:
        """Take out and return waiting tasks that are to be ended."""
        return [self._blocked.pop(one) for one in ids if self._waiting.remove(one)]

    def ids(self) -> set[int]:
        """Return the ids of all waiting tasks."""
        return set(self._blocked)

    def give_up(self) -> list[Task]:
        """Take out and return all waiting tasks."""
        return self.withdraw(list(self._blocked))

    def answer(self, operation: Operation, source: int, effects: Effects) -> Answer:
        """Do an operation on a datum of this server and return its answer."""
        outcome = self._shard.apply(operation, source)
        self._spread(outcome.notices, outcome.forwards, effects)
        return outcome.answer

    def apply(self, operation: Operation, effects: Effects) -> None:
        """Do an operation whose answer nobody waits for, wherever its datum lives."""
        home = self._layout.servers[owner(operation.id, len(self._layout.servers))]
        if home != self._rank:
            effects.sends.append((home, Apply(operation)))
        else:
            self.take(operation, self._rank, effects)

    def take(self, operation: Operation, source: int, effects: Effects) -> None:
        """Do such an operation on a datum of this server."""
        outcome = self._shard.apply(operation, source)
        if isinstance(outcome.answer, DataError) and not outcome.notices:
            effects.faults.append(outcome.answer.message)
        self._spread(outcome.notices, outcome.forwards, effects)

    def finish(self, task: Task, result: Result, effects: Effects) -> None:
        """Store a task's value as its output, or why there is none; let go of its inputs."""
        if task.output and result.failure is None and not result.forwarded:
            self.apply(Store(task.output, result.value), effects)
        elif task.output and result.failure is not None:
            failure = result.failure
            reason = f"{failure.message}\n{failure.details}".rstrip()
            own = failure.kind != "unwritten"
            self.apply(Fail(task.output, reason, own, heard=not task.quiet), effects)
        for container in task.writes:
            self.apply(Hold(container, task.id), effects)
        if None in task.values:
            for one, value in dict(zip(task.inputs, task.values, strict=True)).items():
                if value is None:
                    self.apply(References(one[0], readers=-1), effects)

    def notice(self, notice: Notice, effects: Effects) -> None:
        """Take the news that an input is there, or never will be."""
        if notice.failure:
            for task_id in self._waiting.fail(notice.id, notice.key):
                effects.failed.append((self._blocked.pop(task_id), notice.failure))
            return
        if isinstance(notice.value, Reference):
            self._follow(notice.id, notice.key, (notice.value.id, None), effects)
            return
        for task_id, values in self._waiting.close(notice.id, notice.key, notice.value):
            task = self._blocked.pop(task_id)
            known = tuple(_plain(values.get(one)) for one in task.inputs)
            effects.ready.append(msgspec.structs.replace(task, values=known))

    def _follow(self, id: int, key: Key | None, other: Input, effects: Effects) -> None:
        """Let tasks wait for the datum that the member they waited for refers to."""
        for task_id in self._waiting.follow(id, key, other):
            task = self._blocked[task_id]
            inputs = tuple(other if one == (id, key) else one for one in task.inputs)
            self._blocked[task_id] = msgspec.structs.replace(task, inputs=inputs)
            self.apply(Subscribe(*other), effects)

    def fetch(self, id: int, key: Key | None) -> tuple[Payload | int | float | None, str]:
        """Return the value of a datum or member of this server; or why there is none."""
        reading: Operation = Retrieve(id) if key is None else Lookup(id, key)
        if key is None and self._shard.holds_members(id):
            reading = Enumerate(id)
        answer = self._shard.apply(reading, self._rank).answer
        if isinstance(answer, DataError):
            return None, answer.message
        if isinstance(answer, Listing):
            return pack(answer), ""
        if not isinstance(answer, Payload | int | float | Reference):
            return None, f"datum {id} has no value that a task can take"
        return _plain(answer), ""

    def stuck(self) -> list[Stuck]:
        """Return the tasks that have waited longest."""
        return self._waiting.report(STUCK_SHOWN)

    def open(self) -> list[OpenDatum]:
        """Return the data of this server that are not closed."""
        return self._shard.open()

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself; for tests and simulations."""
        self._shard.check()
        self._waiting.check()
        assert len(self._waiting) == len(self._blocked)

    def _spread(self, notices: list[Notice], forwards: list[Operation], effects: Effects) -> None:
        for notice in notices:
            if notice.subscriber == CLIENT:
                effects.sends.append((self._layout.client, Told(notice)))
            elif notice.subscriber == self._rank:
                self.notice(notice, effects)
            else:
                effects.sends.append((notice.subscriber, Noticed(notice)))
        for operation in forwards:
            self.apply(operation, effects)


def _plain(value: Payload | Small | None) -> Payload | int | float | None:
    """Return a value in the form in which tasks carry it: a reference as the id it refers to."""
    return value.id if isinstance(value, Reference) else value
