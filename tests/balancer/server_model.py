"""What servers must do: where each unit of work is, and who may get it next.

The model is a list of queued tasks for each server and of held ones for each worker. It follows
every message to a server, and checks that what was sent because of it is what the rules allow.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import count

import pytest
from msgspec.structs import replace

from supervisor.balancer.messages import (
    Assign,
    Cancel,
    Discontinue,
    Drain,
    Ended,
    Finished,
    Forget,
    Inquire,
    Load,
    Put,
    Ready,
    Recall,
    Reprioritise,
    Returned,
    Stop,
    StopEarly,
    Withdraw,
)
from supervisor.balancer.talk import Loot, Steal
from supervisor.core.task import Task
from tests.balancer.units import cut, units

NEVER = float("inf")
NEWS = Finished | Load | Ended
"""What the client is sent."""


@dataclass
class Entry:
    """A queued task or slice, and when its patience is over."""

    task: Task
    arrival: int
    expiry_s: float


def alike(task):
    """Return a task without what changes on its way."""
    return replace(task, avoid=-1, patience_s=None)


class Model:
    """Where each unit of work is.

    Args:
        layout: The roles of all ranks.
        hosts: Each worker's host.
    """

    def __init__(self, layout, hosts):
        self.layout = layout
        self.hosts = hosts
        self.now = 0.0
        self.arrivals = count()
        self.whole = {}  # every task that was put
        self.answered = Counter()
        self.queued = {rank: [] for rank in layout.servers}
        self.held = {worker: [] for worker in layout.workers}  # as its server sees it
        self.waiting = {rank: [] for rank in layout.servers}  # workers, the longest first
        self.withdrawn = {rank: set() for rank in layout.servers}
        self.priorities = {rank: {} for rank in layout.servers}
        self.wanted = defaultdict(set)  # (victim, thief): kinds that were ever asked for
        self.drained = set()
        self.ended = False

    def home_of(self, rank):
        return self.layout.workers_of(rank)

    def homes(self, task):
        """Return the servers that a client may put a task on."""
        return [r for r in self.queued if any(self.may_run(task, w) for w in self.home_of(r))]

    def open_ids(self):
        return [one for one, task in self.whole.items() if not self.is_answered(task)]

    def is_answered(self, task):
        return all(self.answered[unit] for unit in units(task))

    # --- following ------------------------------------------------------------------------

    def follow(self, rank, message, source, sends, now):
        """Do to the model what a message does, and check what was sent because of it."""
        self.now = now
        finished = [r for _, m in sends if isinstance(m, Finished) for r in m.results]
        assert len({(r.id, r.first) for r in finished}) == len(finished)
        queue = self.queued[rank]
        match message:
            case Put(tasks=tasks):
                self.enqueue(rank, tasks)
            case Ready(results=results, wanted=wanted):
                for result in results:
                    self.follow_result(rank, source, result, finished)
                if wanted:
                    self.waiting[rank].append(source)
            case Returned(slices=slices):
                tasks = [cut(self.held[source], *one) for one in slices]
                self.enqueue(rank, tasks)
            case Loot(tasks=tasks):
                known = self.priorities[rank]
                self.enqueue(
                    rank, [replace(t, priority=known.get(t.id, t.priority)) for t in tasks]
                )
            case Withdraw(ids=ids, running=running):
                self.withdrawn[rank].update(ids)
                holders = self.holders(rank, ids) if running else {}
                cancels = {to: m.ids for to, m in sends if isinstance(m, Cancel)}
                assert cancels == holders
            case Reprioritise(ids=ids, priority=priority):
                for entry in sorted(
                    (e for e in queue if e.task.id in ids),
                    key=lambda e: (ids.index(e.task.id), e.task.first),
                ):
                    entry.task = replace(entry.task, priority=priority)
                    entry.arrival = next(self.arrivals)
                self.priorities[rank].update(dict.fromkeys(ids, priority))
            case Forget(ids=ids):
                self.withdrawn[rank].difference_update(ids)
                for one in ids:
                    self.priorities[rank].pop(one, None)
            case Discontinue(id=one):
                told = [(to, m) for to, m in sends if isinstance(m, StopEarly)]
                assert told == [(w, StopEarly(one)) for w in self.holders(rank, [one])]
            case Inquire():
                [(to, load)] = [send for send in sends if isinstance(send[1], Load)]
                width = sum(entry.task.width for entry in queue)
                running = sum(bool(self.held[worker]) for worker in self.home_of(rank))
                assert to == self.layout.client
                assert (load.queued, load.running) == (width, running)
            case Steal(kinds=kinds):
                self.wanted[rank, source].update(kinds)
            case Drain():
                self.drained.add(rank)
        for result in finished:
            if result.rank < 0:
                self.follow_ending(rank, result)
        before = [entry.task for entry in queue]
        for to, sent in sends:
            self.follow_send(rank, to, sent)
        if isinstance(message, Steal) and not message.have:
            loot = [t for to, m in sends if isinstance(m, Loot) and to == source for t in m.tasks]
            self.check_half(message, before, loot)
        self.check_waiting(rank)

    def enqueue(self, rank, tasks):
        for task in tasks:
            over = NEVER if task.patience_s is None else self.now + task.patience_s
            self.queued[rank].append(Entry(task, next(self.arrivals), over))

    def follow_result(self, rank, worker, result, finished):
        task = cut(self.held[worker], result.id, result.first, result.width)
        passed_on = result in finished
        again = (
            result.failure is not None
            and result.failure.kind != "cancelled"
            and task.attempts > 1
            and not task.parts
            and result.id not in self.withdrawn[rank]
        )
        assert passed_on != again
        if again:
            retry = replace(task, attempts=task.attempts - 1, avoid=worker)
            self.enqueue(rank, [retry])

    def follow_ending(self, rank, result):
        """Follow the server's own answer to a task that was queued."""
        [entry] = [
            e
            for e in self.queued[rank]
            if (e.task.id, e.task.first, e.task.width) == (result.id, result.first, result.width)
        ]
        self.queued[rank].remove(entry)
        if result.failure.kind == "late":
            assert entry.expiry_s < self.now
        else:
            assert result.failure.kind == "cancelled"
            assert result.id in self.withdrawn[rank]

    def follow_send(self, rank, to, sent):
        match sent:
            case Assign(tasks=tasks):
                self.follow_assign(rank, to, tasks)
            case Loot(tasks=tasks):
                for task in tasks:
                    assert self.may_be_stolen(task)
                    assert task.kind in self.wanted[rank, to]
                    self.cut_queued(rank, task)
            case Recall(width=width):
                held = sum(task.width for task in self.held[to])
                assert held > 1
                assert 1 <= width <= held // 2
            case Finished(results=results):
                assert to == self.layout.client
                for result in results:
                    self.answered.update(units(result))
            case Stop():
                assert self.drained == self.queued.keys()
                assert not self.open_ids()
            case Ended():
                assert not self.ended
                self.ended = True
        if not isinstance(sent, NEWS):
            assert not self.ended, f"{sent} after the end"

    def follow_assign(self, rank, worker, tasks):
        kind = self.layout.kind_of(worker)
        for other in self.waiting[rank][: self.waiting[rank].index(worker)]:
            if self.layout.kind_of(other) == kind:
                assert not self.in_order(rank, other), "it asked before"
        self.waiting[rank].remove(worker)
        assert tasks
        for place, task in enumerate(tasks):
            best = self.in_order(rank, worker)[0]
            assert (task.id, task.first) == (best.task.id, best.task.first)
            assert task.width == best.task.width or place == len(tasks) - 1
            assert self.now <= best.expiry_s, "its patience is over"
            same = best.task.slice(0, task.width) if task.parts else best.task
            assert alike(task) == alike(same)
            left_s = NEVER if task.patience_s is None else task.patience_s
            assert left_s == pytest.approx(best.expiry_s - self.now)
            self.cut_queued(rank, task)
            self.held[worker].append(task)

    def cut_queued(self, rank, task):
        """Take a task, or a slice of one, out of a server's queue."""
        for entry in self.queued[rank]:
            if set(units(task)) <= set(units(entry.task)):
                self.queued[rank].remove(entry)
                spans = [entry.task]
                cut(spans, task.id, task.first, task.width)
                for rest in spans:
                    self.queued[rank].append(Entry(rest, entry.arrival, entry.expiry_s))
                return
        raise AssertionError(f"{task} is not queued")

    def check_half(self, message, before, loot):
        for kind in message.kinds:
            free = [t for t in before if t.kind == kind and self.may_be_stolen(t)]
            width = sum(task.width for task in free)
            stolen = sum(task.width for task in loot if task.kind == kind)
            assert min(1, width) <= stolen <= (width + 1) // 2

    def check_waiting(self, rank):
        for worker in self.waiting[rank]:
            assert not self.in_order(rank, worker), f"worker {worker} waits in vain"

    def check_spread(self):
        """Check that nobody waits for what another server could give."""
        for thief, waiting in self.waiting.items():
            wanted = {self.layout.kind_of(worker) for worker in waiting}
            for victim in self.queued.keys() - {thief}:
                free = [e.task for e in self.queued[victim] if self.may_be_stolen(e.task)]
                assert not any(task.kind in wanted for task in free), "work does not spread"

    # --- the rules ------------------------------------------------------------------------

    def in_order(self, rank, worker):
        """Return what is queued for a worker, the best first."""
        able = [e for e in self.queued[rank] if self.lane(rank, e.task, worker) is not None]
        return sorted(
            able, key=lambda e: (self.lane(rank, e.task, worker), -e.task.priority, e.arrival)
        )

    def lane(self, rank, task, worker):
        """Return how near a task is to a worker, or None if the worker may not run it."""
        if not self.may_run(task, worker):
            return None
        others = [w for w in self.home_of(rank) if w != worker and self.may_run(task, w)]
        if task.avoid == worker and others:
            return None
        if task.target is None:
            return 2
        if task.target.rank == worker:
            return 0
        return 1 if task.target.host == self.hosts[worker] else 3

    def may_run(self, task, worker):
        if self.layout.kind_of(worker) != task.kind:
            return False
        target = task.target
        if target is None or not target.hard:
            return True
        return target.rank == worker or target.host == self.hosts[worker]

    def may_be_stolen(self, task):
        return task.avoid < 0 and (task.target is None or not task.target.hard)

    def holders(self, rank, ids):
        held = {w: {task.id for task in self.held[w]} for w in self.home_of(rank)}
        return {w: [i for i in ids if i in held[w]] for w in held if held[w] & set(ids)}
