"""Matching tasks to workers: the queues of one server, and what its workers hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from supervisor.balancer.credit import Credit
from supervisor.balancer.holdings import Holdings
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Load
from supervisor.balancer.queue import TaskQueue
from supervisor.core.task import Result, Task

EVEN = 1.2
"""Two queues count as level while one has at most so many times the work of the other."""


class Dispatch:
    """Which tasks are queued, which worker holds which, and who gets what next.

    Args:
        rank: World rank of the server.
        layout: The roles of all ranks.
        hosts: Number of the host of each worker at home here; workers that are left out share
            one host.
    """

    def __init__(self, rank: int, layout: Layout, hosts: Mapping[int, int]) -> None:
        self.workers = layout.workers_of(rank)
        self.queues = [TaskQueue() for _ in layout.kinds]
        self.held = {worker: Holdings(worker) for worker in self.workers}
        self.waiting: list[dict[int, None]] = [{} for _ in layout.kinds]  # the longest first
        self.loaded: set[int] = set()  # workers with work that they cannot have begun
        self.kind_of = {worker: layout.kind_of(worker) for worker in self.workers}
        teams = [list(self.kind_of.values()).count(kind) for kind in range(len(layout.kinds))]
        self.credits = [Credit(team) for team in teams]
        self._avoidable = [team > 1 for team in teams]
        self.wide: list[Task] = []  # tasks for gangs, which the master keeps
        self._hosts = dict(hosts)
        self._spared: set[int] = set()  # loaded workers that are not to be asked for now
        self._busy_since: dict[int, float] = {}  # of workers that hold tasks: the last news
        self._busy_s = 0.0

    # --- tasks come and go ----------------------------------------------------------------

    def queue(self, tasks: Iterable[Task], now: float) -> None:
        """Queue tasks; those for gangs are set aside in ``wide``."""
        for task in tasks:
            if task.gang is not None:
                self.wide.append(task)
                continue
            if task.avoid >= 0 and self._only(task.avoid, task):
                task = msgspec.structs.replace(task, avoid=-1)
            self.queues[task.kind].push(task, now)

    def remove(self, ids: Iterable[int]) -> list[Task]:
        """Take queued tasks out and return them; those that workers hold stay."""
        return [task for task_id in ids for queue in self.queues for task in queue.remove(task_id)]

    def reprioritise(self, ids: Iterable[int], priority: int) -> None:
        """Change the priority of queued tasks, which are then behind the others that have it."""
        for task_id in ids:
            for queue in self.queues:
                queue.reprioritise(task_id, priority)

    def _only(self, worker: int, task: Task) -> bool:
        """Return whether a task must run at home here, and on this worker if on any."""
        target = task.target
        if target is None or not target.hard:
            return False
        able = (
            one
            for one, kind in self.kind_of.items()
            if kind == task.kind and (one == target.rank or self._hosts.get(one, 0) == target.host)
        )
        return set(able) <= {worker}

    def deal(self, thieves: Sequence[frozenset[int]], now: float) -> list[list[Task]]:
        """Take tasks out for other servers, in equal shares for them and for this one.

        Args:
            thieves: The kinds that each of them wants.
            now: For the patience of the tasks.

        Returns:
            The tasks for each of the thieves.
        """
        loot: list[list[Task]] = [[] for _ in thieves]
        for kind, queue in enumerate(self.queues):
            takers = [thief for thief, kinds in enumerate(thieves) if kind in kinds]
            if queue and takers:
                shares = queue.deal([1 / (len(takers) + 1)] * len(takers), now)
                for thief, share in zip(takers, shares, strict=True):
                    loot[thief].extend(share)
        return loot

    def level(self, kinds: frozenset[int], have: int, now: float) -> list[Task]:
        """Take tasks out for another server, so that both have the same.

        Args:
            kinds: What it wants.
            have: Units of work that it has.
            now: For the patience of the tasks.
        """
        mine = sum(self.queues[kind].width for kind in kinds)
        if mine <= EVEN * have:
            return []
        fraction = (mine - have) / 2 / mine
        return [
            task
            for kind in sorted(kinds)
            if self.queues[kind]
            for task in self.queues[kind].deal([fraction], now)[0]
        ]

    def ids(self) -> set[int]:
        """Return the ids of all tasks that are queued or held."""
        queued = (queue.ids() for queue in self.queues)
        return set().union(*queued, *(held.ids() for held in self.held.values()))

    def holders(self, ids: Iterable[int]) -> dict[int, list[int]]:
        """Return which workers hold which of some tasks."""
        wanted = list(ids)
        found = {
            worker: [task_id for task_id in wanted if task_id in held]
            for worker, held in self.held.items()
        }
        return {worker: held for worker, held in found.items() if held}

    def settle(self, result: Result, worker: int) -> Task:
        """Take a worker's result and return the task, or the slice, that it answers.

        Raises:
            ProtocolError: If the worker does not hold it.
        """
        task = self.held[worker].remove(result.id, result.first, result.width)
        seconds = max(0.0, result.end_s - result.start_s)
        self.credits[task.kind].learn(seconds / result.width)
        self._busy_s += seconds
        return task

    def heard(self, worker: int, *, wanted: bool, now: float) -> None:
        """Note that a worker's results were taken, and whether it wants more."""
        if wanted:
            self.wait(worker)
        self._spared.discard(worker)
        self._busy_since.pop(worker, None)  # what it did since then was in its results
        self._track(worker, now)

    def give_back(self, worker: int, slices: list[tuple[int, int, int]], now: float) -> None:
        """Queue again what a worker had not begun.

        One that had nothing that others may run is spared for a while.
        """
        held = self.held[worker]
        tasks = [held.remove(*one) for one in slices]
        if any(task.target is None or not task.target.hard for task in tasks):
            self._spared.discard(worker)
        self.queue(tasks, now)
        self._track(worker, now)

    # --- workers for gangs ----------------------------------------------------------------

    def idlers(self, kind: int) -> list[int]:
        """Return the workers of a kind that have nothing to do, those of one host together.

        Hosts where most of them are come first.
        """
        idle = [worker for worker in self.waiting[kind] if not self.held[worker].width]
        hosts = {worker: self._hosts.get(worker, 0) for worker in idle}
        on = Counter(hosts.values())
        return sorted(idle, key=lambda one: (-on[hosts[one]], hosts[one], one))

    def occupy(self, worker: int) -> None:
        """Let a worker that waits get no more tasks."""
        del self.waiting[self.kind_of[worker]][worker]

    def wait(self, worker: int) -> None:
        """Let a worker wait for tasks."""
        self.waiting[self.kind_of[worker]][worker] = None

    # --- matching -------------------------------------------------------------------------

    def match(self, now: float) -> tuple[list[tuple[int, list[Task]]], list[Task]]:
        """Give queued tasks to waiting workers.

        Returns:
            Workers with their tasks, and the tasks that have lost their patience.
        """
        assigned: list[tuple[int, list[Task]]] = []
        late: list[Task] = []
        for kind, queue in enumerate(self.queues):
            if not queue.width or not self.waiting[kind]:
                continue
            for worker in list(self.waiting[kind]):
                if not queue.width:
                    break
                tasks, over = queue.pop(
                    self.credits[kind].share(queue.width),
                    rank=worker,
                    host=self._hosts.get(worker, 0),
                    avoidable=self._avoidable[kind],
                    now=now,
                )
                late.extend(over)
                if tasks:
                    self._assign(worker, tasks, now)
                    assigned.append((worker, tasks))
        return assigned, late

    def late(self, now: float) -> list[Task]:
        """Take out the queued tasks that have lost their patience."""
        return [task for queue in self.queues for task in queue.late(now)]

    def wanted(self) -> frozenset[int]:
        """Return the kinds of tasks that workers wait for, after all were served that can be.

        What is still queued then is for other workers.
        """
        return frozenset(kind for kind, waiting in enumerate(self.waiting) if waiting)

    def recalls(self, hungry: frozenset[int]) -> list[tuple[int, int]]:
        """Return workers, and how much to ask back: half of what they cannot have begun.

        Waiting workers and hungry servers were served before, as far as there was something.

        Args:
            hungry: Kinds that other servers want.
        """
        found: list[tuple[int, int]] = []
        for worker in self.loaded - self._spared:
            kind = self.kind_of[worker]
            if kind in hungry or self.waiting[kind].keys() - {worker}:
                self._spared.add(worker)
                found.append((worker, self.held[worker].width // 2))
        return found

    def _assign(self, worker: int, tasks: list[Task], now: float) -> None:
        self.occupy(worker)
        held = self.held[worker]
        for task in tasks:
            held.add(task)
        self._track(worker, now)

    # --- how it stands --------------------------------------------------------------------

    @property
    def queued(self) -> int:
        """Units of work that wait for a worker."""
        return sum(queue.width for queue in self.queues)

    @property
    def running(self) -> int:
        """Workers that hold tasks."""
        return len(self._busy_since)

    def load(self, now: float, *, elapsed_s: float) -> Load:
        """Return what there is to do, and how busy the workers have been."""
        return Load(
            queued=self.queued,
            running=self.running,
            workers=len(self.workers),
            busy_s=self._busy_s + sum(now - since for since in self._busy_since.values()),
            elapsed_s=elapsed_s,
        )

    def idle(self) -> bool:
        """Return whether nothing is queued or held, and all workers wait."""
        waiting = sum(len(workers) for workers in self.waiting)
        return waiting == len(self.workers) and not self.queued and not self.running

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself; for tests and simulations."""
        for held in self.held.values():
            assert bool(held.width) == bool(held.ids()), "a width does not fit what is held"
        for queue in self.queues:
            assert bool(queue.width) == bool(queue.ids()), "a width does not fit what is queued"
        assert self._busy_since.keys() == {w for w, held in self.held.items() if held.width}
        assert self.loaded == {w for w, held in self.held.items() if held.width > 1}

    def _track(self, worker: int, now: float) -> None:
        """Keep what the load and the recalls are computed from."""
        width = self.held[worker].width
        (self.loaded.add if width > 1 else self.loaded.discard)(worker)
        if width:
            self._busy_since.setdefault(worker, now)
        else:
            self._busy_since.pop(worker, None)
