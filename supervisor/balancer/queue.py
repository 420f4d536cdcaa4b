"""The queue of tasks that wait for a worker, of one kind of tasks on one server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from supervisor.balancer.lane import Lane
from supervisor.core.task import Task

Key = int | tuple[int, int]

STALE = 1024  # so many entries of tasks that are gone are worth no sweep
LONGEST = 2048  # longer bulks are queued in pieces, for what is left of one is copied at each take


class TaskQueue:
    """All queued tasks of one kind.

    The order for a worker: tasks for its rank, for its host, for anybody, and at last those that
    would rather run elsewhere.
    """

    __slots__ = (
        *("_anybody", "_expiry_s", "_firsts", "_hosts", "_ranks", "_soft", "_stale", "_tasks"),
        "width",
    )

    def __init__(self) -> None:
        self.width = 0  # units of work that are queued
        self._tasks: dict[Key, Task] = {}
        self._firsts: dict[int, set[int]] = {}  # where the slices of each bulk begin
        self._anybody = Lane()
        self._soft = Lane()
        self._ranks: dict[int, Lane] = {}
        self._hosts: dict[int, Lane] = {}
        self._expiry_s: dict[Key, float] = {}  # only of tasks that are not infinitely patient
        self._stale = 0  # the most entries that lanes can have of tasks that are gone

    def __bool__(self) -> bool:
        return self.width > 0

    def ids(self) -> set[int]:
        """Return the ids of all queued tasks."""
        return {_id_of(key) for key in self._tasks}

    @property
    def top(self) -> float:
        """The priority of the first task that any worker may run; minus infinity if none is."""
        return self._anybody.top

    def push(self, task: Task, now: float) -> None:
        """Add a task."""
        if task.width > LONGEST:
            for begin in range(0, task.width, LONGEST):
                self.push(task.slice(begin, begin + LONGEST), now)
            return
        lanes = self._lanes_of(task)
        if len(lanes) > 1:
            # One of the entries outlives the task's stay, and must not count again if the very
            # same task comes back.
            task = msgspec.structs.replace(task)
        self._keep(task)
        if task.patience_s is not None:
            self._expiry_s[task.key] = now + task.patience_s
        for lane in lanes:
            lane.push(task)
        if self._stale > STALE + len(self._tasks):
            self._sweep()

    def pop(
        self, width: int, *, rank: int, host: int, avoidable: bool, now: float
    ) -> tuple[list[Task], list[Task]]:
        """Take tasks for a worker.

        Args:
            width: The most units of work that are wanted.
            rank: The worker's.
            host: The number of the worker's host.
            avoidable: Whether tasks that avoid this rank are passed over.
            now: Decides which tasks have lost their patience.

        Returns:
            The tasks, first the one to run first; and those that nobody may begin any more.
        """
        taken: list[Task] = []
        late: list[Task] = []
        for lane in (self._ranks.get(rank), self._hosts.get(host), self._anybody, self._soft):
            if lane is not None and width > 0:
                width -= self._pop_lane(lane, width, rank if avoidable else -2, now, taken, late)
        return taken, late

    def _pop_lane(
        self,
        lane: Lane,
        width: int,
        avoiding: int,
        now: float,
        taken: list[Task],
        late: list[Task],
    ) -> int:
        passed: list[Task] = []
        found = 0
        while found < width and (task := lane.pop()) is not None:
            if self._tasks.get(task.key) is not task:
                continue
            if task.avoid == avoiding:
                passed.append(task)
            elif self._expiry_s and self._expiry_s.get(task.key, now) < now:
                self._forget(task)
                late.append(task)
            else:
                found += self._take(task, width - found, lane, taken, now)
        for task in reversed(passed):
            lane.push_front(task)
        return found

    def _take(self, task: Task, most: int, lane: Lane, taken: list[Task], now: float) -> int:
        """Take a task, or as much of a bulk as is wanted."""
        expiry_s = self._expiry_s.get(task.key) if self._expiry_s else None
        if task.width > most:
            rest = task.slice(most, task.width)
            self._shrink(task, rest)
            lane.push_front(rest)
            task = task.slice(0, most)
        else:
            self._forget(task)
        taken.append(task if expiry_s is None else _aged(task, expiry_s, now))
        return task.width

    def _shrink(self, task: Task, rest: Task) -> None:
        """Let what is left of a bulk be queued in its place; the caller knows one of the lanes."""
        expiry_s = self._expiry_s.get(task.key)
        self._forget(task)
        self._keep(rest)
        if expiry_s is not None:
            self._expiry_s[rest.key] = expiry_s
        lanes = self._lanes_of(task)
        if len(lanes) > 1:
            for lane in lanes:
                lane.replace(task, rest)

    def deal(self, fractions: Sequence[float], now: float) -> list[list[Task]]:
        """Take out what may run elsewhere, in shares of this queue; one unit at least.

        All shares have the same mix of priorities, so that the order over all servers stays
        good; within a priority the oldest tasks stay.

        Args:
            fractions: The sizes of the shares, each above 0; what is left of 1 stays.
            now: For the patience of the tasks.
        """
        shares: list[list[Task]] = [[] for _ in fractions]
        # What each has coming from the buckets so far; the first one gets the first unit.
        due = [1 - fraction if i == 0 else 0.5 for i, fraction in enumerate(fractions)]
        for lane in (self._anybody, self._soft):
            for bucket in lane.buckets():
                alive = [task for task in bucket if self._tasks.get(task.key) is task]
                # A retry was put where its last worker is not; it stays there.
                retries = any(task.avoid >= 0 for task in alive)
                free = [task for task in alive if task.avoid < 0] if retries else alive
                units = sum(task.width for task in free)
                left = units
                for i, fraction in enumerate(fractions):
                    due[i] += units * fraction
                    wanted = min(left, int(due[i] + 1e-9))
                    due[i] -= wanted
                    left -= wanted
                    free = self._split(free, wanted, shares[i], now)
                bucket.clear()
                bucket.extend(_merged(alive, free) if retries else free)
        return shares

    def _split(self, alive: list[Task], wanted: int, stolen: list[Task], now: float) -> list[Task]:
        """Move ``wanted`` units from the end of ``alive`` to ``stolen``; return what stays."""
        stays = list(alive)
        moved: list[Task] = []
        while wanted > 0:
            task = stays.pop()
            expiry_s = self._expiry_s.get(task.key)
            if task.width > wanted:
                kept = task.slice(0, task.width - wanted)
                self._shrink(task, kept)
                stays.append(kept)
                task = task.slice(task.width - wanted, task.width)
            else:
                self._forget(task)
            wanted -= task.width
            moved.append(task if expiry_s is None else _aged(task, expiry_s, now))
        stolen.extend(reversed(moved))  # in order of arrival
        return stays

    def remove(self, task_id: int) -> list[Task]:
        """Remove a task, or all slices of a bulk; return what was there."""
        return self._drop_all(self._all_of(task_id))

    def late(self, now: float) -> list[Task]:
        """Remove and return the tasks that nobody may begin any more."""
        over = [key for key, expiry_s in self._expiry_s.items() if expiry_s < now]
        return self._drop_all([self._tasks[key] for key in over])

    def reprioritise(self, task_id: int, priority: int) -> None:
        """Change the priority of a task, or of all slices of a bulk; their patience goes on."""
        for task in self._all_of(task_id):
            expiry_s = self._expiry_s.get(task.key)
            self._drop(task)
            self.push(msgspec.structs.replace(task, priority=priority), 0.0)
            if expiry_s is not None:
                self._expiry_s[task.key] = expiry_s

    def _lanes_of(self, task: Task) -> list[Lane]:
        target = task.target
        if target is None:
            return [self._anybody]
        lanes = [] if target.hard else [self._soft]
        if target.rank >= 0:
            lanes.append(self._ranks.setdefault(target.rank, Lane()))
        else:
            lanes.append(self._hosts.setdefault(target.host, Lane()))
        return lanes

    def _all_of(self, task_id: int) -> list[Task]:
        """Return a task, or all slices of a bulk in their order, as far as they are queued."""
        single = self._tasks.get(task_id)
        if single is not None:
            return [single]
        firsts = sorted(self._firsts.get(task_id, ()))
        return [self._tasks[task_id, first] for first in firsts]

    def _drop_all(self, tasks: list[Task]) -> list[Task]:
        for task in tasks:
            self._drop(task)
        if self._stale > STALE + len(self._tasks):
            self._sweep()
        return tasks

    def _drop(self, task: Task) -> None:
        """Forget a task, and that its entries are still in its lanes."""
        self._forget(task)
        self._stale += 1

    def _keep(self, task: Task) -> None:
        self._tasks[task.key] = task
        self.width += task.width
        if task.parts:
            self._firsts.setdefault(task.id, set()).add(task.first)

    def _forget(self, task: Task) -> None:
        del self._tasks[task.key]
        self.width -= task.width
        if task.parts:
            firsts = self._firsts[task.id]
            firsts.remove(task.first)
            if not firsts:
                del self._firsts[task.id]
        if self._expiry_s:
            self._expiry_s.pop(task.key, None)
        if task.target is not None:
            self._stale += 1

    def _sweep(self) -> None:
        """Drop the entries of tasks that are gone; due when they are more than the others."""
        self._stale = 0
        for lane in (self._anybody, self._soft, *self._ranks.values(), *self._hosts.values()):
            lane.sweep(lambda task: self._tasks.get(task.key) is task)


def _merged(tasks: list[Task], free: list[Task]) -> Iterator[Task]:
    """Yield retries in their places among those that are left of the other tasks, in order."""
    left = iter(free)
    for task in tasks:
        if task.avoid >= 0:
            yield task
        else:
            yield from islice(left, 1)


def _aged(task: Task, expiry_s: float, now: float) -> Task:
    """Return a task that leaves, with what is left of its patience."""
    return msgspec.structs.replace(task, patience_s=max(0.0, expiry_s - now))


def _id_of(key: Key) -> int:
    return key if isinstance(key, int) else key[0]
