"""The server, worker and client under hundreds of seeded message orders."""

import random
from collections import Counter

import pytest

from supervisor.balancer.layout import split
from supervisor.balancer.simulate import Simulation
from supervisor.core.task import Task


def world(seed):
    """Return a random world: its simulation and the random source that made it."""
    rng = random.Random(seed)
    size = rng.choice([1, 2, 3, 4, 5, 8, 12])
    layout = split(size, rng.choice([1, 2, 3]))
    scale = rng.choice([0.0, 1e-4, 1e-2, 1.0])
    lengths = {i: rng.expovariate(1 / scale) if scale else 0.0 for i in range(400)}
    return Simulation(layout, seed=seed, length_s=lengths.__getitem__), rng


def random_tasks(rng, layout, number):
    return [
        Task(i, b"", priority=rng.randrange(3), avoid=rng.choice([-1, -1, -1, *layout.workers]))
        for i in range(number)
    ]


@pytest.mark.parametrize("seed", range(300))
def test_every_task_runs_once_and_everybody_stops(seed):
    simulation, rng = world(seed)
    tasks = random_tasks(rng, simulation.layout, rng.randrange(0, 120))
    batches = [tasks[i::3] for i in range(3)]
    for batch in batches:
        at = rng.random() * 0.1
        simulation.at(at, lambda batch=batch: simulation.client.put(batch))
    simulation.at(0.11, simulation.client.drain)
    outcome = simulation.run()
    assert Counter(task for task, _ in outcome.begun) == Counter(t.id for t in tasks)
    assert sorted(result.id for result in outcome.results) == sorted(t.id for t in tasks)
    assert all(result.failure is None for result in outcome.results)


@pytest.mark.parametrize("seed", range(300, 400))
def test_withdrawn_tasks_get_one_answer_each(seed):
    simulation, rng = world(seed)
    tasks = random_tasks(rng, simulation.layout, rng.randrange(1, 120))
    simulation.at(0.0, lambda: simulation.client.put(tasks))
    when = rng.random() * 0.1
    running = rng.random() < 0.7
    simulation.at(when, lambda: simulation.client.withdraw(running=running))
    simulation.at(when + rng.random() * 0.01, simulation.client.drain)
    outcome = simulation.run()
    assert sorted(result.id for result in outcome.results) == sorted(t.id for t in tasks)
    begun = Counter(task for task, _ in outcome.begun)
    assert max(begun.values(), default=1) == 1
    for result in outcome.results:
        assert result.failure is None or result.failure.kind == "cancelled"


@pytest.mark.parametrize("seed", range(400, 450))
def test_a_task_never_runs_on_the_rank_it_avoids_while_there_are_others(seed):
    rng = random.Random(seed)
    layout = split(rng.choice([4, 6, 9]), rng.choice([1, 2]))
    simulation = Simulation(layout, seed=seed)
    tasks = [Task(i, b"", avoid=rng.choice(layout.workers)) for i in range(60)]
    simulation.at(0.0, lambda: simulation.client.put(tasks))
    simulation.at(0.0, simulation.client.drain)
    avoided = {task.id: task.avoid for task in tasks}
    for task_id, rank in simulation.run().begun:
        assert rank != avoided[task_id] or len(layout.workers) == 1


@pytest.mark.parametrize("seed", range(20))
def test_one_long_task_among_short_ones_does_not_hold_the_others_up(seed):
    layout = split(6, 1)
    lengths = dict.fromkeys(range(400), 1e-4) | {7: 10.0}
    simulation = Simulation(layout, seed=seed, length_s=lengths.__getitem__, latency_s=1e-4)
    simulation.at(0.0, lambda: simulation.client.put([Task(i, b"") for i in range(400)]))
    simulation.at(0.0, simulation.client.drain)
    outcome = simulation.run()
    late = [r.id for r in outcome.results if r.end_s > 5.0]
    assert late == [7]


def test_long_tasks_are_shared_out_evenly():
    layout = split(10, 2)
    simulation = Simulation(layout, seed=1, length_s=lambda task_id: 1.0)
    simulation.at(0.0, lambda: simulation.client.put([Task(i, b"") for i in range(140)]))
    simulation.at(0.0, simulation.client.drain)
    outcome = simulation.run()
    per_rank = Counter(rank for _, rank in outcome.begun)
    assert set(per_rank) == set(layout.workers)
    assert outcome.seconds < 140 / len(layout.workers) + 1.5


def test_higher_priorities_run_first():
    layout = split(3, 1)
    simulation = Simulation(layout, seed=3)
    tasks = [Task(i, b"", priority=i % 5) for i in range(50)]
    simulation.at(0.0, lambda: simulation.client.put(tasks))
    simulation.at(0.0, simulation.client.drain)
    order = [task_id for task_id, _ in simulation.run().begun]
    priorities = [task_id % 5 for task_id in order]
    assert priorities == sorted(priorities, reverse=True)
    assert order[:10] == sorted(order[:10])
