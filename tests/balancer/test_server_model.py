"""Servers against a model: where each unit of work is, and who may get it next.

Hypothesis drives the client, the workers and the wire; whatever a server sends because of a
message must be what the rules of the model allow.
"""

from collections import Counter, defaultdict
from itertools import count

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from supervisor.balancer.layout import split
from supervisor.balancer.messages import (
    Discontinue,
    Drain,
    Forget,
    Inquire,
    Put,
    Reprioritise,
    Withdraw,
)
from supervisor.balancer.talk import Loot
from supervisor.core.task import Failure, Target, Task
from tests.balancer.server_world import CLIENT, World
from tests.balancer.units import units

RAISED = Failure("raised", "the model failed")
CANCELLED = Failure("cancelled", "the worker ended it")


class Machine(RuleBasedStateMachine):
    """What a client, workers and a wire may do, in any order."""

    @initialize(data=st.data(), quick=st.booleans())
    def begin(self, data, quick):
        self.layout = self.choose_layout(data)
        self.world = World(self.layout, quick=quick)
        self.model = self.world.model
        self.numbers = count(1)
        self.changed = set()
        self.draining = False

    # --- the client -----------------------------------------------------------------------

    @precondition(lambda self: not self.draining)
    @rule(data=st.data())
    def put(self, data):
        puts = defaultdict(list)
        for _ in range(data.draw(st.integers(1, 3))):
            task = self.new_task(data)
            homes = self.model.homes(task)
            middle = data.draw(st.integers(0, task.width)) if task.parts else 0
            slices = [(0, middle), (middle, task.width)] if task.parts else [(0, 1)]
            for begin, end in slices:
                if begin < end:
                    part = task.slice(begin, end) if task.parts else task
                    puts[data.draw(st.sampled_from(homes))].append(part)
        for rank, tasks in puts.items():
            self.world.post(CLIENT, rank, Put(tasks))
        self.world.flush()

    def new_task(self, data):
        kind = data.draw(st.sampled_from([k for k, n in enumerate(self.layout.counts) if n]))
        team = [w for w in self.layout.workers if self.layout.kind_of(w) == kind]
        worker, hard = data.draw(st.sampled_from(team)), data.draw(st.booleans())
        place = {"rank": worker}, {"host": self.world.hosts[worker]}, None, None
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
        self.model.whole[task.id] = task
        return task

    @precondition(lambda self: self.model.open_ids() and not self.draining)
    @rule(data=st.data(), running=st.booleans())
    def withdraw(self, data, running):
        ids = data.draw(st.lists(st.sampled_from(self.model.open_ids()), min_size=1, unique=True))
        self.changed.update(ids)
        self.world.tell_all(Withdraw(ids, running))

    @precondition(lambda self: self.model.open_ids() and not self.draining)
    @rule(data=st.data(), priority=st.integers(-1, 3))
    def reprioritise(self, data, priority):
        ids = data.draw(st.lists(st.sampled_from(self.model.open_ids()), min_size=1, unique=True))
        self.changed.update(ids)
        self.world.tell_all(Reprioritise(ids, priority))

    @precondition(lambda self: self.changed - set(self.model.open_ids()) and not self.draining)
    @rule()
    def forget(self):
        gone = sorted(self.changed - set(self.model.open_ids()))
        self.changed.difference_update(gone)
        self.world.tell_all(Forget(gone))

    @precondition(lambda self: self.model.open_ids() and not self.draining)
    @rule(data=st.data())
    def discontinue(self, data):
        self.world.tell_all(Discontinue(data.draw(st.sampled_from(self.model.open_ids()))))

    @precondition(lambda self: not self.draining)
    @rule()
    def inquire(self):
        self.world.tell_all(Inquire())

    @precondition(lambda self: not self.draining and len(self.model.whole) > 3)
    @rule()
    def drain(self):
        self.draining = True
        self.world.tell_all(Drain())

    # --- the workers ----------------------------------------------------------------------

    @rule(data=st.data())
    def ask(self, data):
        worker = data.draw(st.sampled_from(self.layout.workers))
        if not self.world.asking[worker] and worker not in self.world.stopped:
            self.world.ready(worker, [], wanted=True)

    @precondition(lambda self: any(self.world.known.values()))
    @rule(data=st.data())
    def answer(self, data):
        worker = data.draw(st.sampled_from([w for w, tasks in self.world.known.items() if tasks]))
        results = []
        for _ in range(data.draw(st.integers(1, 3))):
            if self.world.known[worker]:
                task = data.draw(st.sampled_from(self.world.known[worker]))
                begin = data.draw(st.integers(0, task.width - 1))
                end = data.draw(st.integers(begin + 1, task.width))
                outcomes = [None, RAISED]
                if task.id in self.world.cancelled[worker]:
                    outcomes.append(CANCELLED)
                failure = data.draw(st.sampled_from(outcomes))
                results.append(self.world.work(worker, task, begin, end, failure))
        self.world.ready(
            worker, results, wanted=not self.world.asking[worker] and data.draw(st.booleans())
        )

    @precondition(lambda self: self.world.under_way(self.layout.workers))
    @rule(data=st.data())
    def receive(self, data):
        server, worker = data.draw(st.sampled_from(self.world.under_way(self.layout.workers)))
        held = sum(task.width for task in self.world.known[worker])
        self.world.take(server, worker, data.draw(st.integers(0, held)))
        self.world.flush()

    # --- the wire and the time ------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0]))
    def wait(self, seconds):
        self.world.now += seconds

    @precondition(lambda self: self.world.under_way(self.layout.servers))
    @rule(data=st.data())
    def arrive(self, data):
        self.world.deliver(*data.draw(st.sampled_from(self.world.under_way(self.layout.servers))))

    @rule()
    def settle(self):
        """Let everything arrive; then nobody waits for what another server could give."""
        self.world.settle()
        self.model.check_spread()

    # --- what is always true --------------------------------------------------------------

    @invariant()
    def every_unit_is_in_one_place(self):
        places = Counter(self.model.answered)
        for entries in self.model.queued.values():
            places.update(unit for entry in entries for unit in units(entry.task))
        for tasks in self.model.held.values():
            places.update(unit for task in tasks for unit in units(task))
        for messages in self.world.wire.values():
            moved = [task for m in messages if isinstance(m, Put | Loot) for task in m.tasks]
            places.update(unit for task in moved for unit in units(task))
        assert places == Counter(
            unit for task in self.model.whole.values() for unit in units(task)
        )

    @invariant()
    def servers_know_what_they_have(self):
        for rank, server in self.world.servers.items():
            for kind, queue in enumerate(server.dispatch.queues):
                mine = [e.task for e in self.model.queued[rank] if e.task.kind == kind]
                assert queue.width == sum(task.width for task in mine)
                assert queue.ids() == {task.id for task in mine}
            for worker in self.model.home_of(rank):
                held = server.dispatch.held[worker]
                assert held.width == sum(task.width for task in self.model.held[worker])
                assert held.ids() == {task.id for task in self.model.held[worker]}

    @invariant()
    def withdrawn_tasks_are_not_queued(self):
        for rank, entries in self.model.queued.items():
            for entry in entries:
                assert entry.task.id not in self.model.withdrawn[rank]

    def teardown(self):
        """End the run: everything is answered once, everybody stops, and then it is silent."""
        if not self.draining:
            self.drain()
        for _ in range(200):
            self.settle()
            if self.model.ended:
                break
            self.world.now += 1.0
            for worker in self.layout.workers:
                if worker not in self.world.stopped:
                    tasks = list(self.world.known[worker])
                    results = [self.world.work(worker, task, 0, task.width) for task in tasks]
                    if results or not self.world.asking[worker]:
                        self.world.ready(worker, results, wanted=not self.world.asking[worker])
        assert self.model.ended, "the run does not end"
        assert set(self.model.answered.values()) <= {1}
        assert not self.model.open_ids()
        assert all(server.done for server in self.world.servers.values())
        assert self.world.stopped == set(self.layout.workers)
        assert not self.world.under_way(range(self.layout.size))


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
