"""The queue of tasks that wait for a worker, of one kind of tasks on one server."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from supervisor.core.task import Task

Key = int | tuple[int, int]


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

    def buckets(self) -> Iterator[deque[Task]]:
        """Yield the tasks of each priority, the highest first."""
        for priority in reversed(self._priorities):
            yield self._buckets[priority]


class TaskQueue:
    """All queued tasks of one kind.

    The order for a worker: tasks for its rank, for its host, for anybody, and at last those that
    would rather run elsewhere.
    """

    __slots__ = ("_anybody", "_expiry_s", "_hosts", "_ranks", "_soft", "_tasks", "width")

    def __init__(self) -> None:
        self.width = 0  # units of work that are queued
        self._tasks: dict[Key, Task] = {}
        self._anybody = Lane()
        self._soft = Lane()
        self._ranks: dict[int, Lane] = {}
        self._hosts: dict[int, Lane] = {}
        self._expiry_s: dict[Key, float] = {}  # only of tasks that are not infinitely patient

    def __bool__(self) -> bool:
        return self.width > 0

    def ids(self) -> set[int]:
        """Return the ids of all queued tasks."""
        return {_id_of(key) for key in self._tasks}

    def push(self, task: Task, now: float) -> None:
        """Add a task."""
        self._tasks[task.key] = task
        self.width += task.width
        if task.patience_s is not None:
            self._expiry_s[task.key] = now + task.patience_s
        for lane in self._lanes_of(task):
            lane.push(task)

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
                found += self._take(task, width - found, lane, taken)
        for task in reversed(passed):
            lane.push_front(task)
        return found

    def _take(self, task: Task, most: int, lane: Lane, taken: list[Task]) -> int:
        """Take a task, or as much of a bulk as is wanted."""
        self._forget(task)
        if task.width > most:
            rest = task.slice(most, task.width)
            task = task.slice(0, most)
            self._tasks[rest.key] = rest
            self.width += rest.width
            lane.push_front(rest)
        taken.append(task)
        return task.width

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
                staying = [task for task in alive if task.avoid >= 0]
                free = [task for task in alive if task.avoid < 0] if staying else alive
                units = sum(task.width for task in free)
                left = units
                for i, fraction in enumerate(fractions):
                    due[i] += units * fraction
                    wanted = min(left, int(due[i] + 1e-9))
                    due[i] -= wanted
                    left -= wanted
                    free = self._split(free, wanted, shares[i], now)
                bucket.clear()
                bucket.extend(staying)
                bucket.extend(free)
        return shares

    def _split(self, alive: list[Task], wanted: int, stolen: list[Task], now: float) -> list[Task]:
        """Move ``wanted`` units from the end of ``alive`` to ``stolen``; return what stays."""
        stays = list(alive)
        while wanted > 0:
            task = stays.pop()
            expiry_s = self._expiry_s.get(task.key)
            self._forget(task)
            if task.width > wanted:
                kept = task.slice(0, task.width - wanted)
                task = task.slice(task.width - wanted, task.width)
                self._tasks[kept.key] = kept
                self.width += kept.width
                stays.append(kept)
            wanted -= task.width
            if expiry_s is not None:
                task = msgspec.structs.replace(task, patience_s=max(0.0, expiry_s - now))
            stolen.append(task)
        return stays

    def remove(self, task_id: int) -> list[Task]:
        """Remove a task, or all slices of a bulk; return what was there."""
        single = self._tasks.get(task_id)
        if single is not None:
            self._forget(single)
            return [single]
        found = [t for k, t in self._tasks.items() if not isinstance(k, int) and k[0] == task_id]
        for task in found:
            self._forget(task)
        return found

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

    def _forget(self, task: Task) -> None:
        del self._tasks[task.key]
        self.width -= task.width
        if self._expiry_s:
            self._expiry_s.pop(task.key, None)


def _id_of(key: Key) -> int:
    return key if isinstance(key, int) else key[0]
