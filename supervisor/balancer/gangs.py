"""Gangs: workers that are gathered from all servers to run one task together.

The master keeps the tasks that want several workers. For the first of them it claims workers from
all servers, which lend those that fall idle; what is lent rests until there are enough, and goes
home when no such task is left. A gang goes before tasks for one worker of its priority: its
workers would never all be idle by chance.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Join, Send
from supervisor.balancer.talk import Claim, GiveBack, Lend
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Gang, Result, Task

LOOK_AHEAD = 16
"""So many tasks behind the first one are looked at for one that can begin before it."""


@dataclass(slots=True)
class _Waiting:
    """A task that waits for its gang.

    Attributes:
        expiry_s: When it has lost its patience.
        overtaken: How many tasks behind it have begun before it.
    """

    task: Task
    expiry_s: float
    overtaken: int = 0


@dataclass(slots=True)
class _Running:
    """A task that a gang runs, and the results of the members so far."""

    task: Task
    team: tuple[int, ...]
    begin_s: float
    results: dict[int, Result] = field(default_factory=dict)


@dataclass(slots=True)
class _Claimed:
    """What was claimed last.

    Attributes:
        task: Id of the task for which it was.
        only: The workers of whole hosts, or none.
        silent: Servers that have not answered.
    """

    task: int = -1
    only: frozenset[int] = frozenset()
    silent: set[int] = field(default_factory=set)


class Gangs:
    """The master's part: which tasks want gangs, and which workers are lent for them.

    Args:
        layout: The roles of all ranks.
        hosts: Number of the host of each worker; workers that are left out share one host.
        names: Of the hosts.
    """

    def __init__(
        self, layout: Layout, hosts: Mapping[int, int], names: Sequence[str] = ()
    ) -> None:
        self._layout = layout
        self._names = names
        self._hosts = {worker: hosts.get(worker, 0) for worker in layout.workers}
        self._kind_of = {worker: layout.kind_of(worker) for worker in layout.workers}
        self._order: list[list[tuple[int, int, int]]] = [[] for _ in layout.kinds]
        self._waiting: dict[int, _Waiting] = {}
        self._running: dict[int, _Running] = {}
        self._lent: list[dict[int, float]] = [{} for _ in layout.kinds]  # and since when
        self._claimed = [_Claimed() for _ in layout.kinds]
        self._arrivals = 0
        self._formed = 0
        self.busy_s = 0.0
        self.held_s = 0.0
        """How long workers rested until their gangs were complete, summed."""

    # --- tasks come and go ----------------------------------------------------------------

    def queue(self, tasks: Iterable[Task], now: float) -> list[tuple[Task, str]]:
        """Queue tasks; return those that no gang can ever run, and why."""
        refused = []
        for task in tasks:
            assert task.gang is not None
            if problem := self.problem(task.kind, task.gang):
                refused.append((task, problem))
                continue
            patience_s = math.inf if task.patience_s is None else task.patience_s
            self._waiting[task.id] = _Waiting(task, now + patience_s)
            self._arrivals += 1
            insort(self._order[task.kind], (-task.priority, self._arrivals, task.id))
        return refused

    def problem(self, kind: int, gang: Gang) -> str:
        """Return why there can be no such gang in this run, or nothing."""
        workers = self._layout.counts[kind]
        if gang.size > workers:
            return f"wants {gang.size} workers at once, but this run has {workers}"
        if not gang.nodes:
            return ""
        hosts = len({self._hosts[one] for one, its in self._kind_of.items() if its == kind})
        if gang.nodes > hosts:
            return f"wants {gang.nodes} hosts at once, but this run has workers on {hosts}"
        return ""

    def remove(self, ids: Collection[int]) -> list[Task]:
        """Take out and return tasks that wait for their gangs."""
        gone = [self._waiting.pop(one).task for one in ids if one in self._waiting]
        for kind in {task.kind for task in gone}:
            self._order[kind][:] = [one for one in self._order[kind] if one[2] in self._waiting]
        return gone

    def late(self, now: float) -> list[Task]:
        """Take out the tasks that have lost their patience."""
        return self.remove([id for id, one in self._waiting.items() if one.expiry_s < now])

    def reprioritise(self, ids: Iterable[int], priority: int) -> None:
        """Change the priority of tasks that wait; they are then behind others that have it."""
        for one in [self._waiting[id] for id in ids if id in self._waiting]:
            self.remove([one.task.id])
            self._waiting[one.task.id] = one
            one.task = msgspec.structs.replace(one.task, priority=priority)
            self._arrivals += 1
            insort(self._order[one.task.kind], (-priority, self._arrivals, one.task.id))

    def ids(self) -> set[int]:
        """Return the ids of all tasks that wait or run."""
        return {*self._waiting, *self._running}

    def leaders(self, ids: Iterable[int]) -> dict[int, list[int]]:
        """Return the first members of the gangs that run some tasks, with their task."""
        return {self._running[id].team[0]: [id] for id in ids if id in self._running}

    def idle(self) -> bool:
        """Return whether no task waits or runs, and all workers were given back."""
        return not (self._waiting or self._running or any(self._lent))

    @property
    def queued(self) -> int:
        """Number of tasks that wait for their gangs."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Number of workers in gangs."""
        return sum(len(one.team) for one in self._running.values())

    def working_s(self, now: float) -> float:
        """Return how long workers have worked in gangs, summed."""
        return self.busy_s + sum(
            len(one.team) * (now - one.begin_s) for one in self._running.values()
        )

    # --- workers come and go --------------------------------------------------------------

    def take(self, lent: Lend, server: int, now: float) -> None:
        """Take idle workers, for the time being."""
        for kind in lent.answers:
            self._claimed[kind].silent.discard(server)
        self._rest(lent.workers, now)

    def _rest(self, workers: Iterable[int], now: float) -> None:
        for worker in workers:
            self._lent[self._kind_of[worker]][worker] = now

    def part(self, result: Result, worker: int, now: float) -> tuple[Task, Result] | list[int]:
        """Take a member's result; return the task's, with the task, when it was the last one.

        Or return the members that are to be ended, because this one has failed.

        Raises:
            ProtocolError: If the worker is in no such gang.
        """
        running = self._running.get(result.id)
        if running is None or worker not in running.team or worker in running.results:
            raise ProtocolError(f"rank {worker} answers task {result.id}, which it does not run")
        running.results[worker] = result
        gang = running.task.gang
        assert gang is not None
        if gang.joint and len(running.results) < len(running.team):
            if result.failure is None:
                return []
            return [one for one in running.team if one not in running.results]
        del self._running[result.id]
        self._rest(running.team, now)
        self.busy_s += len(running.team) * (now - running.begin_s)
        return running.task, _combined(running)

    def form(self, now: float) -> list[Send]:
        """Return what is to be sent: tasks to their gangs, claims, and workers to their homes."""
        sends: list[Send] = []
        for kind, order in enumerate(self._order):
            while (chosen := self._next(kind)) is not None:
                sends.extend(self._begin(*chosen, now))
            while self._claimed[kind].task != (order[0][2] if order else -1):
                claim = self._claim(kind)
                sends.extend((server, claim) for server in self._layout.servers)
                while (chosen := self._next(kind)) is not None:  # if nothing had to be claimed
                    sends.extend(self._begin(*chosen, now))
            if not order and self._lent[kind]:
                sends.extend(self._give_back(kind, now))
        return sends

    def _next(self, kind: int) -> tuple[Task, tuple[int, ...]] | None:
        """Return a task that can begin, and its team: the first one, or one soon after it.

        The first one is overtaken at most as often as it wants workers, so that it begins. While
        servers have not said who is idle, others may be closer together.
        """
        order, lent, claimed = self._order[kind], self._lent[kind], self._claimed[kind]
        if not order or not lent or claimed.silent:
            return None
        first = self._waiting[order[0][2]]
        if (team := self._team(first.task, lent)) is not None:
            return first.task, team
        gang = first.task.gang
        assert gang is not None
        if gang.nodes or first.overtaken >= gang.size:
            return None
        for _, _, id in islice(order, 1, LOOK_AHEAD):
            if (team := self._team(self._waiting[id].task, lent)) is not None:
                first.overtaken += 1
                claimed.task = -1  # so many more have to be claimed
                return self._waiting[id].task, team
        return None

    def _team(self, task: Task, lent: Collection[int]) -> tuple[int, ...] | None:
        """Return the workers that are to run a task, host by host; None if there are too few."""
        gang = task.gang
        assert gang is not None
        if gang.nodes:
            claimed = self._claimed[task.kind]
            if claimed.task != task.id or not claimed.only <= set(lent):
                return None
            return tuple(sorted(claimed.only, key=lambda one: (self._hosts[one], one)))
        if len(lent) < gang.size:
            return None
        on: dict[int, list[int]] = {}
        for worker in sorted(lent):
            on.setdefault(self._hosts[worker], []).append(worker)
        team: list[int] = []
        while (missing := gang.size - len(team)) > 0:
            # The smallest host that is enough; or else the largest, and then others.
            enough = [host for host in on if len(on[host]) >= missing]
            size = {host: len(workers) for host, workers in on.items()}
            host = min(enough, key=size.__getitem__) if enough else max(on, key=size.__getitem__)
            team.extend(on.pop(host)[:missing])
        return tuple(team)

    def _whole(self, kind: int, nodes: int) -> frozenset[int]:
        """Return all workers of so many hosts: of those of which most are here already."""
        able = [worker for worker, its in self._kind_of.items() if its == kind]
        missing = Counter(self._hosts[worker] for worker in able)
        missing.subtract(self._hosts[worker] for worker in self._lent[kind])
        hosts = sorted(missing, key=lambda host: (missing[host], host))[:nodes]
        return frozenset(worker for worker in able if self._hosts[worker] in hosts)

    def _begin(self, task: Task, team: tuple[int, ...], now: float) -> list[Send]:
        """Give a task to its gang."""
        self.remove([task.id])
        self._formed += 1
        self._running[task.id] = _Running(task, team, now)
        for worker in team:
            self.held_s += now - self._lent[task.kind].pop(worker)
        assert task.gang is not None
        hosts = tuple(self._names[self._hosts[one]] for one in team) if self._names else ()
        gang = msgspec.structs.replace(task.gang, number=self._formed, team=team, hosts=hosts)
        joined = Join(msgspec.structs.replace(task, gang=gang))
        return [(worker, joined) for worker in (team if gang.joint else team[:1])]

    def _claim(self, kind: int) -> Claim:
        """Claim what is wanted for the first task of a kind; nothing if there is none."""
        if not self._order[kind]:
            self._claimed[kind] = _Claimed()
            return Claim(kind, 0, 0, [])
        task = self._waiting[self._order[kind][0][2]].task
        assert task.gang is not None
        only: frozenset[int] = frozenset()
        if task.gang.nodes:
            only = self._whole(kind, task.gang.nodes)
        missing = sorted(only - self._lent[kind].keys())
        wanted = len(missing) if only else max(0, task.gang.size - len(self._lent[kind]))
        self._claimed[kind] = _Claimed(task.id, only, {*self._layout.servers} if wanted else set())
        return Claim(kind, wanted, task.priority, missing)

    def _give_back(self, kind: int, now: float) -> list[Send]:
        homes: dict[int, list[int]] = {}
        for worker, since_s in self._lent[kind].items():
            homes.setdefault(self._layout.home(worker), []).append(worker)
            self.held_s += now - since_s
        self._lent[kind].clear()
        return [(server, GiveBack(workers)) for server, workers in homes.items()]


def _combined(running: _Running) -> Result:
    """Return the result of a gang: that of its first member, or why the first to fail failed."""
    results = [running.results[worker] for worker in running.team if worker in running.results]
    failed = [one for one in results if one.failure is not None]
    begin_s = min(one.start_s for one in results)
    end_s = max(one.end_s for one in results)
    result = msgspec.structs.replace(results[0], start_s=begin_s, end_s=end_s)
    if not failed:
        return result
    causes = [one for one in failed if one.failure and one.failure.kind != "member"] or failed
    failure = min(causes, key=lambda one: one.end_s).failure
    return msgspec.structs.replace(
        result, failure=failure, value=b"", operations=(), tasks=(), forwarded=False
    )
