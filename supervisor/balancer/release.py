"""Tasks that wait for data: who waits for what, who may run, and what is said if nobody may."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import TypeAlias

import msgspec

from supervisor.core.errors import ProtocolError
from supervisor.core.operations import Input, Key, OpenDatum, Reference, Subscribe, describe

Small: TypeAlias = bytes | Reference | int | float
"""What may travel with a task."""

_LINES = 20  # of a report; more would hide the first ones
_INPUTS_SHOWN = 3  # of one task


class Stuck(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A task that waits, and for what."""

    task: int
    missing: list[Input]


class Waiting:
    """The waiting tasks of one server.

    What is known of an input is kept only while a task waits for it, so memory is flat; an input
    that a later task names is subscribed to again.
    """

    def __init__(self) -> None:
        self._tasks: dict[int, _Task] = {}  # in order of arrival
        self._waiters: dict[Input, dict[int, None]] = {}  # tasks in order of arrival

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task_id: int) -> bool:
        return task_id in self._tasks

    def add(self, task_id: int, inputs: Iterable[Input]) -> list[Subscribe]:
        """Let a task wait; return the subscriptions that this needs.

        Args:
            task_id: Of a task that does not wait yet.
            inputs: What it waits for, at least one datum or member.
        """
        distinct = tuple(dict.fromkeys(inputs))
        if task_id in self._tasks or not distinct:
            raise ProtocolError(f"task {task_id} waits already, or waits for nothing")
        self._tasks[task_id] = _Task(distinct)
        for one in distinct:
            self._waiters.setdefault(one, {})[task_id] = None
        return [Subscribe(*one) for one in distinct]

    def close(
        self, id: int, key: Key | None, value: Small | None
    ) -> list[tuple[int, dict[Input, Small]]]:
        """Note that an input is there; return the tasks that may run, with their small inputs.

        Args:
            value: None if it has to be retrieved.

        Returns:
            In order of arrival. Empty for an input that no task waits for, as after ``remove``.
        """
        released = []
        for task_id in self._waiters.pop((id, key), ()):
            task = self._tasks[task_id]
            task.missing -= 1
            if value is not None:
                task.values[id, key] = value
            if not task.missing:
                del self._tasks[task_id]
                released.append((task_id, task.values))
        return released

    def follow(self, id: int, key: Key | None, other: Input) -> list[int]:
        """Let the tasks that wait for an input wait for another in its place; return which.

        All of them, or their server, are to subscribe to the other one.
        """
        moved = list(self._waiters.pop((id, key), ()))
        for task_id in moved:
            task = self._tasks[task_id]
            waiters = self._waiters.setdefault(other, {})
            task.missing -= task_id in waiters
            waiters[task_id] = None
            task.inputs = (*(one for one in task.inputs if one not in ((id, key), other)), other)
        return moved

    def fail(self, id: int, key: Key | None) -> list[int]:
        """Note that an input will never be there; return the tasks that can never run."""
        failed = list(self._waiters.get((id, key), ()))
        for task_id in failed:
            self.remove(task_id)
        return failed

    def remove(self, task_id: int) -> bool:
        """Forget a task; return whether it waited."""
        task = self._tasks.pop(task_id, None)
        if task is None:
            return False
        for one in task.inputs:
            waiters = self._waiters.get(one, {})
            waiters.pop(task_id, None)
            if not waiters:
                self._waiters.pop(one, None)
        return True

    def report(self, most: int | None = None) -> list[Stuck]:
        """Return the tasks that waited longest, and what each still waits for."""
        return [Stuck(id, self._missing(id)) for id in islice(self._tasks, most)]

    def _missing(self, task_id: int) -> list[Input]:
        inputs = self._tasks[task_id].inputs
        return [one for one in inputs if task_id in self._waiters.get(one, ())]

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself; for tests and simulations."""
        for task_id, task in self._tasks.items():
            assert 0 < task.missing == len(self._missing(task_id)), f"task {task_id}"
        assert all(self._waiters.values()), "an input is kept that no task waits for"
        waiting = {task_id for waiters in self._waiters.values() for task_id in waiters}
        assert waiting == self._tasks.keys(), "a waiting task is not known"


class _Task:
    """A waiting task: all its inputs, how many of them are missing, the small ones that came."""

    __slots__ = ("inputs", "missing", "values")

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self.inputs = inputs
        self.missing = len(inputs)
        self.values: dict[Input, Small] = {}


def deadlock_report(
    stuck: Sequence[Stuck],
    data: Iterable[OpenDatum],
    *,
    tasks: int | None = None,
    servers: Collection[int] = (),
) -> str:
    """Return what to tell the user when data are waited for that nobody will write.

    Args:
        stuck: Waiting tasks of all servers, or the first of them.
        data: Data of all servers that are not closed.
        tasks: Number of waiting tasks, if not all are in ``stuck``.
        servers: Ranks that subscribe only on behalf of tasks.

    Returns:
        At most 20 lines, the first with the numbers; empty if nobody waits.
    """
    known = {datum.id: datum for datum in data}
    total = len(stuck) if tasks is None else tasks
    waits = [(r, (d.id, key)) for d in known.values() for r, key in d.waiting if r not in servers]
    lines = [f"{_task(one.task, known)} waits for {_inputs(one.missing, known)}" for one in stuck]
    lines += [f"rank {rank} waits for {_input(one, known)}" for rank, one in waits]
    number, room = total + len(waits), _LINES - 1
    if number > len(lines) or number > room:
        lines = lines[: room - 1]
        lines.append(f"and {number - len(lines)} more")
    if not number:
        return ""
    ranks = len({rank for rank, _ in waits})
    return "\n".join([f"{_subject(total, ranks)} for data that nobody will write:", *lines])


def _subject(tasks: int, ranks: int) -> str:
    """Return the subject and the verb of the report's first line."""
    nouns = [(tasks, "task"), (ranks, "rank")]
    parts = [f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in nouns if n]
    return f"{' and '.join(parts)} {'waits' if tasks + ranks == 1 else 'wait'}"


def _task(id: int, known: dict[int, OpenDatum]) -> str:
    """Return the name of a call, which is that of its output; of other tasks the number."""
    datum = known.get(id)
    return datum.name if datum and datum.name else f"task {id}"


def _inputs(missing: list[Input], known: dict[int, OpenDatum]) -> str:
    shown = [_input(one, known) for one in missing[:_INPUTS_SHOWN]]
    more = len(missing) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _input(one: Input, known: dict[int, OpenDatum]) -> str:
    id, key = one
    datum = known.get(id)
    label = describe(id, datum.name if datum else "", key)
    return f"{label}, which was never created" if datum and not datum.created else label
