"""Large worlds, slow servers and lost workers, on a simulated cluster where everything costs."""

import random

import pytest

from supervisor.balancer.layout import split
from supervisor.balancer.machine import WEIGHTS, Delay, Machine, Price, Service, cluster
from supervisor.balancer.messages import Put, Ready
from supervisor.balancer.simulate import RanksLost, Simulation
from supervisor.balancer.talk import Steal
from supervisor.core.task import Result, Task


def world(workers, servers, *, length_s=1.0, spread=0.0, **conditions):
    layout = split(1 + workers + servers, servers)
    draw = random.Random(1).uniform
    return Simulation(
        layout,
        seed=1,
        hosts=[f"host{rank // 64}" for rank in range(layout.size)],
        length_s=lambda _: draw(length_s * (1 - spread), length_s * (1 + spread)),
        machine=cluster(**conditions),
        checked=False,
    )


def put_all(simulation, tasks, *, batch):
    client = simulation.client
    for begin in range(0, tasks, batch):
        ids = range(begin, min(tasks, begin + batch))
        simulation.at(0.0, lambda ids=ids: client.put(Task(i, b"") for i in ids))
    simulation.at(0.0, client.drain)


def put_on_one_server(simulation, tasks):
    server = simulation.layout.servers[-1]
    simulation.client._servers_for = lambda task: [server]
    simulation.at(0.0, lambda: simulation.client.put([Task(0, b"", parts=(b"",) * tasks)]))
    simulation.at(0.0, simulation.client.drain)


def messages_a_task(workers):
    simulation = world(workers, workers // 100, spread=0.5)
    put_all(simulation, 4 * workers, batch=workers)
    return simulation.run().messages / (4 * workers)


def test_a_thousand_workers_run_tasks_of_a_second_nearly_all_the_time():
    simulation = world(1000, 10, spread=0.5)
    put_all(simulation, 30_000, batch=100)
    outcome = simulation.run()
    assert len(outcome.results) == 30_000
    assert outcome.utilisation(1000) > 0.95
    assert outcome.steady(1000) > 0.98
    assert max(outcome.loads(simulation.layout.servers)) < 0.1


def test_a_bulk_on_one_server_keeps_ten_thousand_workers_busy():
    simulation = world(10_000, 100, spread=0.5)
    put_on_one_server(simulation, 80_000)
    outcome = simulation.run()
    assert sum(result.width for result in outcome.results) == 80_000
    assert outcome.steady(10_000) > 0.98
    assert outcome.ideal_s(10_000) > 0.97 * outcome.seconds
    assert outcome.raids >= 99
    assert outcome.counts[Steal] < 0.2 * 80_000


def test_messages_a_task_hardly_grow_with_the_world():
    few, many = messages_a_task(100), messages_a_task(10_000)
    assert many < 1.5 * few


@pytest.mark.parametrize("factor", [10.0, 100.0])
def test_a_slow_server_hardly_holds_the_run_up(factor):
    seconds = []
    for slow in ({}, {405: factor}):
        simulation = world(400, 5, spread=0.5, slow=slow)
        assert 405 in simulation.layout.servers
        put_all(simulation, 4000, batch=50)
        seconds.append(simulation.run().seconds)
    assert seconds[1] < 1.15 * seconds[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_lost_worker_is_reported_with_its_tasks_and_all_others_are_answered(seed):
    layout = split(25, 3)
    rng = random.Random(seed)
    lost = rng.choice(layout.workers)
    delay = Delay(random_s=1e-4)
    machine = Machine(delay, delay, lost={lost: rng.random() * 2})
    lengths = {i: rng.choice([0.001, 0.1]) for i in range(1000)}
    simulation = Simulation(layout, seed=seed, length_s=lengths.__getitem__, machine=machine)
    put_all(simulation, 1000, batch=1000)
    with pytest.raises(RanksLost, match=f"rank {lost} at") as caught:
        simulation.run()
    gone = caught.value.tasks[lost]
    answered = [result.id for result in simulation.outcome.results]
    assert sorted(answered + gone) == list(range(1000))
    assert len(gone) < 100
    for task_id in gone[:1]:
        assert str(task_id) in str(caught.value)


def test_a_rank_that_is_busy_takes_messages_one_after_the_other():
    layout = split(3, 1)
    price = Price(message_s=1.0, taken_s=0.1, given_s=0.2)
    machine = Machine(Delay(), Delay(), Service(server=price))
    simulation = Simulation(layout, seed=1, length_s=lambda _: 0.0, machine=machine)
    simulation.at(0.0, lambda: simulation.client.put([Task(1, b"")]))
    simulation.at(0.0, simulation.client.drain)
    outcome = simulation.run()
    [result] = outcome.results
    # Ready, Put with a task, Assign with a task: the first and the last are one second each.
    assert result.start_s >= 1.0 + 1.1 + 1.2
    assert outcome.handling_s[layout.servers[0]] <= outcome.seconds


def test_prices_count_tasks_and_parts():
    price = Price(message_s=1.0, taken_s=10.0, given_s=100.0, part_s=1000.0)
    put = Put([Task(1, b""), Task(2, b"", parts=(b"", b""))])
    assert price.taking(put) == 1.0 + 20.0 + 2000.0
    assert price.giving(put) == 1.0 + 200.0 + 2000.0
    assert price.taking(Ready([Result(1, b"")], True)) == 11.0
    assert Steal not in WEIGHTS
