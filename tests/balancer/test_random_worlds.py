"""A thousand random worlds: kinds, priorities, targets, bulks, retries and cancels at once."""

import random
from collections import Counter, defaultdict
from functools import partial

import pytest

from supervisor.balancer.layout import split
from supervisor.balancer.simulate import Simulation
from supervisor.core.task import Target, Task


class World:
    """One random world and what was put into it."""

    def __init__(self, seed):
        rng = self.rng = random.Random(seed)
        size = rng.choice([1, 2, 3, 4, 6, 8, 12, 20])
        servers = rng.choice([1, 2, 3, 5])
        workers = len(split(size, servers).workers)
        kinds = {"gpu": rng.randrange(1, 3)} if workers > 2 and rng.random() < 0.5 else {}
        self.layout = split(size, servers, kinds)
        self.hosts = [f"host{rank * 3 // size}" for rank in range(size)]
        scale = rng.choice([0.0, 1e-5, 1e-3, 0.1])
        self.lengths = defaultdict(lambda: rng.expovariate(1 / scale) if scale else 0.0)
        self.simulation = Simulation(
            self.layout,
            seed=seed,
            hosts=self.hosts,
            length_s=self.lengths.__getitem__,
            latency_s=rng.choice([1e-5, 1e-3]),
        )
        self.tasks = {i: self.task(i) for i in range(rng.randrange(1, 80))}

    def task(self, task_id):
        rng, layout = self.rng, self.layout
        kind = rng.choice([k for k, count in enumerate(layout.counts) if count])
        team = [worker for worker in layout.workers if layout.kind_of(worker) == kind]
        parts = tuple([b"part"] * rng.randrange(1, 30)) if rng.random() < 0.3 else ()
        target, avoid, draw = None, -1, rng.random()
        if draw < 0.15:
            target = Target(rank=rng.choice(team), hard=rng.random() < 0.5)
        elif draw < 0.3:
            target = self.simulation.client.location(
                host=self.hosts[rng.choice(team)], hard=rng.random() < 0.5
            )
        elif draw < 0.4 and len(team) > 1 and not parts:
            avoid = rng.choice(team)
        return Task(
            task_id,
            b"",
            parts=parts,
            kind=kind,
            priority=rng.randrange(3),
            target=target,
            avoid=avoid,
        )

    def run(self):
        simulation, tasks = self.simulation, list(self.tasks.values())
        for begin in range(0, len(tasks), 20):
            batch = tasks[begin : begin + 20]
            simulation.at(self.rng.random() * 0.1, lambda b=batch: simulation.client.put(b))
        for _ in range(self.rng.choice([0, 0, 1, 3])):
            chosen = self.rng.sample(sorted(self.tasks), self.rng.randrange(1, len(tasks) + 1))
            running, moment = self.rng.random() < 0.5, self.rng.random() * 0.2
            if self.rng.random() < 0.5:
                change = partial(simulation.client.withdraw, chosen, running=running)
            else:
                change = partial(simulation.client.reprioritise, chosen, 5)
            simulation.at(moment, change)
        simulation.at(0.2, simulation.client.drain)
        return simulation.run()

    def hostof(self, rank):
        return list(dict.fromkeys(self.hosts)).index(self.hosts[rank])


@pytest.mark.parametrize("seed", range(1000))
def test_everything_runs_once_where_it_may_and_is_answered_once(seed):
    world = World(seed)
    outcome = world.run()
    answered = Counter()
    for result in outcome.results:
        task = world.tasks[result.id]
        for part in range(result.first, result.first + result.width):
            answered[task.id, part] += 1
        assert result.failure is None or result.failure.kind == "cancelled"
    expected = {(t.id, part) for t in world.tasks.values() for part in range(t.width)}
    assert answered.keys() == expected
    assert set(answered.values()) == {1}
    begun = Counter()
    for task_id, rank in outcome.begun:
        task = world.tasks[task_id]
        begun[task_id] += 1
        assert begun[task_id] <= task.width, "no part runs twice"
        assert world.layout.kind_of(rank) == task.kind
        if task.target is not None and task.target.hard:
            assert rank == task.target.rank or world.hostof(rank) == task.target.host
    cancelled = Counter()
    for result in outcome.results:
        if result.failure is not None:
            cancelled[result.id] += result.width
    for task in world.tasks.values():
        assert begun[task.id] + cancelled[task.id] >= task.width
