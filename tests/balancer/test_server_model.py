"""Servers against a model: where each unit of work is, and who may get it next.

The machine plays the client, the workers and the wire. Messages between two ranks keep their
order; beyond that they arrive in any. The model is a list of queued tasks for each server and of
held ones for each worker. After every message the servers' sends must be what its rules allow.
"""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from itertools import count

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from supervisor.balancer.layout import split
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
    Loot,
    Put,
    Ready,
    Recall,
    Reprioritise,
    Returned,
    Steal,
    Stop,
    StopEarly,
    Stopped,
    Withdraw,
)
from supervisor.balancer.server import Server
from supervisor.core.task import Failure, Result, Target, Task

CLIENT = 0
NEVER = float("inf")
RAISED = Failure("raised", "the model failed")
CANCELLED = Failure("cancelled", "the worker ended it")


@dataclass
class Entry:
    """A queued task or slice, and when its patience is over."""

    task: Task
    arrival: int
    expiry_s: float


def units(task):
    """Return the names of the units of work in a task, a slice or a result."""
    return [(task.id, task.first + part) for part in range(task.width)]


def cut(tasks, task_id, first, width):
    """Take some consecutive units out of a list of tasks and return them as one."""
    for place, task in enumerate(tasks):
        begin = first - task.first
        end = begin + width
        if task.id == task_id and begin >= 0 and end <= task.width:
            if not task.parts:
                return tasks.pop(place)
            spans = [(0, begin), (end, task.width)]
            tasks[place : place + 1] = [task.slice(a, b) for a, b in spans if a < b]
            return task.slice(begin, end)
    raise AssertionError(f"task {task_id}, parts {first} to {first + width - 1}, is not there")


class Machine(RuleBasedStateMachine):
    """A client, workers and a wire that hypothesis drives."""

    @initialize(data=st.data(), quick=st.booleans())
    def begin(self, data, quick):
        self.layout = self.choose_layout(data)
        self.hosts = {worker: worker % 2 for worker in self.layout.workers}
        self.servers = {
            rank: Server(rank, self.layout, {w: self.hosts[w] for w in self.home_of(rank)})
            for rank in self.layout.servers
        }
        self.seconds = 1e-5 if quick else 1.0  # the length of every task
        if quick:
            for server in self.servers.values():
                for credit in server.dispatch.credits:
                    for _ in range(100):
                        credit.learn(1e-5)
        self.now = 0.0
        self.numbers, self.arrivals = count(1), count()
        self.wire = defaultdict(deque)  # (from, to): messages under way
        self.whole = {}  # every task that was put
        self.answered = Counter()
        self.failures = defaultdict(set)  # by unit: kinds of failures it was answered with
        self.queued = {rank: [] for rank in self.servers}
        self.held = {worker: [] for worker in self.layout.workers}  # as its server sees it
        self.known = {worker: [] for worker in self.layout.workers}  # as it sees it
        self.cancelled = {worker: set() for worker in self.layout.workers}
        self.asking = dict.fromkeys(self.layout.workers, False)
        self.waiting = {rank: [] for rank in self.servers}  # workers, the longest first
        self.withdrawn = {rank: set() for rank in self.servers}
        self.priorities = {rank: {} for rank in self.servers}
        self.wanted = defaultdict(set)  # (victim, thief): kinds that were ever asked for
        self.changed = set()
        self.drained = set()
        self.draining = self.ended = False
        self.stopped = set()

    def home_of(self, rank):
        return self.layout.workers_of(rank)

    # --- the client -----------------------------------------------------------------------

    @precondition(lambda self: not self.draining)
    @rule(data=st.data())
    def put(self, data):
        puts = defaultdict(list)
        for _ in range(data.draw(st.integers(1, 3))):
            task = self.new_task(data)
            homes = self.homes(task)
            middle = data.draw(st.integers(0, task.width)) if task.parts else 0
            slices = [(0, middle), (middle, task.width)] if task.parts else [(0, 1)]
            for begin, end in slices:
                if begin < end:
                    part = task.slice(begin, end) if task.parts else task
                    puts[data.draw(st.sampled_from(homes))].append(part)
        for rank, tasks in puts.items():
            self.post(CLIENT, rank, Put(tasks))
        self.flush()

    def new_task(self, data):
        kind = data.draw(st.sampled_from([k for k, n in enumerate(self.layout.counts) if n]))
        team = [w for w in self.layout.workers if self.layout.kind_of(w) == kind]
        worker, hard = data.draw(st.sampled_from(team)), data.draw(st.booleans())
        place = {"rank": worker}, {"host": self.hosts[worker]}, None, None
        chosen = data.draw(st.sampled_from(place))
        width = data.draw(st.sampled_from([0, 0, 1, 2, 5]))
        task = Task(
            next(self.numbers),
            b"",
            parts=tuple(b"%d" % part for part in range(width)),
            kind=kind,
            priority=data.draw(st.integers(0, 2)),
            target=None if chosen is None else Target(**chosen, hard=hard),
            avoid=data.draw(st.sampled_from([-1, -1, *team])),
            patience_s=data.draw(st.sampled_from([None, None, 1.0, 3.0])),
            attempts=data.draw(st.integers(1, 3)),
        )
        self.whole[task.id] = task
        return task

    def homes(self, task):
        """Return the servers that a client may put a task on."""
        return [r for r in self.servers if any(self.may_run(task, w) for w in self.home_of(r))]

    @precondition(lambda self: self.open_ids() and not self.draining)
    @rule(data=st.data(), running=st.booleans())
    def withdraw(self, data, running):
        ids = data.draw(st.lists(st.sampled_from(self.open_ids()), min_size=1, unique=True))
        self.changed.update(ids)
        self.tell_all(Withdraw(ids, running))

    @precondition(lambda self: self.open_ids() and not self.draining)
    @rule(data=st.data(), priority=st.integers(-1, 3))
    def reprioritise(self, data, priority):
        ids = data.draw(st.lists(st.sampled_from(self.open_ids()), min_size=1, unique=True))
        self.changed.update(ids)
        self.tell_all(Reprioritise(ids, priority))

    @precondition(lambda self: self.changed - set(self.open_ids()) and not self.draining)
    @rule()
    def forget(self):
        gone = sorted(self.changed - set(self.open_ids()))
        self.changed.difference_update(gone)
        self.tell_all(Forget(gone))

    @precondition(lambda self: self.open_ids() and not self.draining)
    @rule(data=st.data())
    def discontinue(self, data):
        self.tell_all(Discontinue(data.draw(st.sampled_from(self.open_ids()))))

    @precondition(lambda self: not self.draining)
    @rule()
    def inquire(self):
        self.tell_all(Inquire())

    @precondition(lambda self: not self.draining and len(self.whole) > 3)
    @rule()
    def drain(self):
        self.draining = True
        self.tell_all(Drain())

    def open_ids(self):
        return [one for one, task in self.whole.items() if not self.is_answered(task)]

    def is_answered(self, task):
        return all(self.answered[unit] for unit in units(task))

    # --- the workers ----------------------------------------------------------------------

    @rule(data=st.data())
    def ask(self, data):
        worker = data.draw(st.sampled_from(self.layout.workers))
        if not self.asking[worker] and worker not in self.stopped:
            self.ready(worker, [], wanted=True)

    @precondition(lambda self: any(self.known.values()))
    @rule(data=st.data())
    def answer(self, data):
        worker = data.draw(st.sampled_from([w for w, tasks in self.known.items() if tasks]))
        results = []
        for _ in range(data.draw(st.integers(1, 3))):
            if self.known[worker]:
                task = data.draw(st.sampled_from(self.known[worker]))
                begin = data.draw(st.integers(0, task.width - 1))
                end = data.draw(st.integers(begin + 1, task.width))
                outcomes = [None, RAISED]
                if task.id in self.cancelled[worker]:
                    outcomes.append(CANCELLED)
                failure = data.draw(st.sampled_from(outcomes))
                results.append(self.work(worker, task, begin, end, failure))
        self.ready(worker, results, wanted=not self.asking[worker] and data.draw(st.booleans()))

    def work(self, worker, task, begin, end, failure=None):
        done = cut(self.known[worker], task.id, task.first + begin, end - begin)
        parts = tuple(b"" for _ in done.parts) if failure is None else ()
        return Result(
            *(done.id, b"", failure, worker),
            start_s=0.0,
            end_s=self.seconds * done.width,
            first=done.first,
            parts=parts,
            width=done.width,
        )

    def ready(self, worker, results, *, wanted):
        self.asking[worker] = self.asking[worker] or wanted
        self.post(worker, self.layout.home(worker), Ready(results, wanted))
        self.deliver(worker, self.layout.home(worker))
        self.flush()

    @precondition(lambda self: self.under_way(self.layout.workers))
    @rule(data=st.data())
    def receive(self, data):
        server, worker = data.draw(st.sampled_from(self.under_way(self.layout.workers)))
        held = sum(task.width for task in self.known[worker])
        self.take(server, worker, data.draw(st.integers(0, held)))
        self.flush()

    def take(self, server, worker, spare):
        """Let a worker take a message; it gives back ``spare`` units at most."""
        match self.wire[server, worker].popleft():
            case Assign(tasks=tasks):
                self.asking[worker] = False
                self.known[worker].extend(tasks)
                return
            case Cancel(ids=ids):
                self.cancelled[worker].update(ids)
                return
            case StopEarly():
                return
            case Recall(width=width):
                answer = Returned(self.give_back(worker, min(width, spare)))
            case Stop():
                self.stopped.add(worker)
                answer = Stopped()
        self.post(worker, server, answer)
        self.deliver(worker, server)

    def give_back(self, worker, wanted):
        slices = []
        while wanted > 0 and self.known[worker]:
            task = self.known[worker][-1]
            width = min(wanted, task.width)
            slices.append((task.id, task.first + task.width - width, width))
            cut(self.known[worker], *slices[-1])
            wanted -= width
        return slices

    # --- the wire and the time ------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0]))
    def wait(self, seconds):
        self.now += seconds

    @precondition(lambda self: self.under_way(self.layout.servers))
    @rule(data=st.data())
    def arrive(self, data):
        self.deliver(*data.draw(st.sampled_from(self.under_way(self.layout.servers))))

    @rule()
    def settle(self):
        """Let everything arrive; then nobody waits for what another server could give."""
        for _ in range(2000):
            if to_workers := self.under_way(self.layout.workers):
                self.take(*to_workers[0], spare=99)
            elif to_servers := self.under_way(self.layout.servers):
                self.deliver(*to_servers[0])
            else:
                break
        else:
            raise AssertionError("messages beget messages without end")
        for thief, waiting in self.waiting.items():
            wanted = {self.layout.kind_of(worker) for worker in waiting}
            for victim in self.servers.keys() - {thief}:
                free = [e.task for e in self.queued[victim] if self.may_be_stolen(e.task)]
                assert not any(task.kind in wanted for task in free), "work does not spread"

    def under_way(self, receivers):
        return [pair for pair, messages in self.wire.items() if messages and pair[1] in receivers]

    def post(self, source, to, message):
        self.wire[source, to].append(message)

    def tell_all(self, message):
        for rank in self.servers:
            self.post(CLIENT, rank, message)
        self.flush()

    def flush(self):
        """With one server nothing is gained by delays of what it is sent."""
        while len(self.servers) == 1 and (pairs := self.under_way(self.layout.servers)):
            self.deliver(*pairs[0])

    def deliver(self, source, rank):
        message = self.wire[source, rank].popleft()
        sends = self.servers[rank].handle(message, source, self.now)
        self.servers[rank].check()
        self.follow(rank, message, source, sends)

    # --- the model ------------------------------------------------------------------------

    def follow(self, rank, message, source, sends):
        """Do to the model what a message does, and check what was sent because of it."""
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
                assert to == CLIENT
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
                    if result.failure is not None:
                        for unit in units(result):
                            self.failures[unit].add(result.failure.kind)
                return
            case Stop():
                assert self.drained == self.servers.keys()
                assert not self.open_ids()
            case Ended():
                assert not self.ended
                self.ended = True
            case Load():
                return
        if not isinstance(sent, Ended):
            assert not self.ended, f"{sent} after the end"
            self.post(rank, to, sent)

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
            assert replace(task, avoid=-1) == replace(same, avoid=-1)
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

    # --- what is always true --------------------------------------------------------------

    @invariant()
    def every_unit_is_in_one_place(self):
        places = Counter(self.answered)
        for entries in self.queued.values():
            places.update(unit for entry in entries for unit in units(entry.task))
        for tasks in self.held.values():
            places.update(unit for task in tasks for unit in units(task))
        for messages in self.wire.values():
            moved = [task for m in messages if isinstance(m, Put | Loot) for task in m.tasks]
            places.update(unit for task in moved for unit in units(task))
        assert places == Counter(unit for task in self.whole.values() for unit in units(task))

    @invariant()
    def servers_know_what_they_have(self):
        for rank, server in self.servers.items():
            for kind, queue in enumerate(server.dispatch.queues):
                mine = [e.task for e in self.queued[rank] if e.task.kind == kind]
                assert queue.width == sum(task.width for task in mine)
                assert queue.ids() == {task.id for task in mine}
            for worker in self.home_of(rank):
                held = server.dispatch.held[worker]
                assert held.width == sum(task.width for task in self.held[worker])
                assert held.ids() == {task.id for task in self.held[worker]}

    @invariant()
    def withdrawn_tasks_are_not_queued(self):
        for rank, entries in self.queued.items():
            for entry in entries:
                assert entry.task.id not in self.withdrawn[rank]

    def teardown(self):
        """End the run: everything is answered once, everybody stops, and then it is silent."""
        if not self.draining:
            self.drain()
        for _ in range(200):
            self.settle()
            if self.ended:
                break
            self.now += 1.0
            for worker in self.layout.workers:
                if worker not in self.stopped:
                    tasks = list(self.known[worker])
                    results = [self.work(worker, task, 0, task.width) for task in tasks]
                    if results or not self.asking[worker]:
                        self.ready(worker, results, wanted=not self.asking[worker])
        assert self.ended, "the run does not end"
        assert set(self.answered.values()) <= {1}
        assert not self.open_ids()
        assert all(server.done for server in self.servers.values())
        assert self.stopped == set(self.layout.workers)
        assert not self.under_way(range(self.layout.size))


class OneServer(Machine):
    """Workers of two kinds and one server."""

    def choose_layout(self, data):
        return split(6, 1, data.draw(st.sampled_from([{}, {"gpu": 1}, {"gpu": 2}])))


class SeveralServers(Machine):
    """Servers whose messages to each other take their time."""

    def choose_layout(self, data):
        servers = data.draw(st.sampled_from([2, 3]))
        return split(9, servers, data.draw(st.sampled_from([{}, {"gpu": 2}])))


TestOneServer = OneServer.TestCase
TestOneServer.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestSeveralServers = SeveralServers.TestCase
TestSeveralServers.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
