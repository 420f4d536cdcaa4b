"""Tasks that several workers run together."""

import random
from collections import Counter, defaultdict
from functools import partial

import pytest

from supervisor.balancer.layout import split
from supervisor.balancer.simulate import Simulation
from supervisor.core.errors import InputError
from supervisor.core.task import Gang, Target, Task


def gang(id, size, **more):
    return Task(id, b"", gang=Gang(size), **more)


def simulate(layout, *, length_s=1.0, seed=0, hosts=()):
    lengths = length_s if callable(length_s) else lambda task: length_s
    return Simulation(layout, seed=seed, hosts=hosts, length_s=lengths, latency_s=1e-4)


def play(simulation, tasks, at_s=0.0, drain_s=None):
    simulation.at(at_s, lambda: simulation.client.put(tasks))
    simulation.at(at_s if drain_s is None else drain_s, simulation.client.drain)
    return simulation.run()


def teams(outcome):
    """Return who began each task."""
    found = defaultdict(list)
    for task, rank in outcome.begun:
        found[task].append(rank)
    return found


def test_two_gangs_of_three_run_at_once_on_six_workers_of_two_servers():
    layout = split(9, 2)
    outcome = play(simulate(layout), [gang(1, 3), gang(2, 3)])
    found = teams(outcome)
    assert [len(found[1]), len(found[2])] == [3, 3]
    assert not {*found[1]} & {*found[2]}
    assert outcome.seconds < 1.5
    assert [result.failure for result in outcome.results] == [None, None]


def test_a_gang_of_six_spans_two_servers():
    layout = split(9, 2)
    found = teams(play(simulate(layout), [gang(1, 6)]))
    assert sorted(found[1]) == [*layout.workers]
    assert {layout.home(worker) for worker in found[1]} == {*layout.servers}


@pytest.mark.parametrize("servers", [1, 2, 4])
def test_a_wide_task_begins_within_two_lengths_under_steady_load(servers):
    layout = split(1 + 16 + servers, servers)
    simulation = simulate(layout, length_s=lambda task: 1.0)
    serial = [Task(id, b"") for id in range(1000, 1400)]
    simulation.at(0.0, lambda: simulation.client.put(serial))
    begun = []
    executors = [*simulation.executors.values()]
    for executor in executors:
        start = executor.start

        def noting(task, start=start):
            if task.id == 1:
                begun.append(simulation.now)
            start(task)

        executor.start = noting
    simulation.at(5.5, lambda: simulation.client.put([gang(1, 8)]))
    simulation.at(6.0, simulation.client.drain)
    simulation.run()
    assert len(begun) == 8
    assert max(begun) < 5.5 + 2.0


def test_a_stream_of_small_gangs_does_not_starve_a_wide_one():
    layout = split(10, 1)
    rng = random.Random(1)
    simulation = simulate(layout, length_s=lambda task: 0.5 + rng.random())
    tasks = (
        [gang(id, 2) for id in range(50)] + [gang(99, 8)] + [gang(id, 2) for id in range(100, 300)]
    )
    outcome = play(simulation, tasks)
    order = list(dict.fromkeys(task for task, _ in outcome.begun))
    assert order.index(99) <= 50 + 8


def test_the_more_urgent_one_goes_first_whether_it_is_wide_or_not():
    layout = split(6, 1)
    tasks = [
        Task(0, b""),
        gang(1, 4, priority=1),
        *(Task(id, b"", priority=2) for id in range(2, 12)),
    ]
    outcome = play(simulate(layout), tasks)
    order = list(dict.fromkeys(task for task, _ in outcome.begun))
    assert order.index(1) == 10
    assert order[-1] == 0


def test_members_are_close_together():
    layout = split(14, 2)
    hosts = ["a"] * 5 + ["b"] * 5 + ["c"] * 4  # workers: 1-4 on a, 5-9 on b, 10 and 11 on c
    simulation = simulate(layout, hosts=hosts)
    found = teams(play(simulation, [gang(1, 2), gang(2, 5), gang(3, 4)]))
    whole = [{1, 2, 3, 4}, {5, 6, 7, 8, 9}, {10, 11}]
    assert any({*found[1]} <= one for one in whole)
    assert len({hosts[worker] for worker in found[2]}) <= 2
    assert len({hosts[worker] for worker in found[3]}) <= 2


def test_whole_hosts():
    layout = split(14, 2)
    hosts = ["a"] * 5 + ["b"] * 5 + ["c"] * 4
    simulation = simulate(layout, hosts=hosts)
    tasks = [Task(1, b"", gang=Gang(0, nodes=2)), Task(2, b"", gang=Gang(0, nodes=1))]
    found = teams(play(simulation, tasks))
    whole = [{1, 2, 3, 4}, {5, 6, 7, 8, 9}, {10, 11}]
    assert {*found[1]} in [a | b for a in whole for b in whole if a != b]
    assert {*found[2]} in whole


def test_the_first_one_alone_may_run_it_for_all():
    layout = split(6, 1)
    tasks = [Task(1, b"", gang=Gang(3, joint=False)), Task(2, b"", gang=Gang(2, joint=False))]
    outcome = play(simulate(layout), tasks)
    assert len(outcome.begun) == 2
    assert outcome.seconds > 2.0  # 3 + 2 workers are not to be had of 4


def test_what_is_too_wide_is_refused_when_it_is_put():
    layout = split(6, 1, {"gpu": 1})
    simulation = simulate(layout, hosts=["a"] * 6)
    with pytest.raises(InputError, match="wants 4 workers at once, but this run has 3"):
        simulation.client.put([gang(1, 4)])
    with pytest.raises(InputError, match="wants 2 hosts at once, but this run has workers on 1"):
        simulation.client.put([Task(1, b"", gang=Gang(0, nodes=2))])
    with pytest.raises(InputError, match="both a size and a location"):
        simulation.client.put([gang(1, 2, target=Target(rank=1))])


def test_waiting_for_a_gang_is_in_the_load():
    layout = split(4, 1)
    simulation = simulate(layout, length_s=lambda task: 2.0 if task == 1 else 1.0)
    simulation.at(0.0, lambda: simulation.client.put([Task(1, b"")]))
    simulation.at(0.5, lambda: simulation.client.put([gang(2, 2)]))
    simulation.at(3.5, simulation.client.inquire)
    simulation.at(3.6, simulation.client.drain)
    simulation.run()
    (load,) = simulation.client.loads.values()
    assert load.held_s == pytest.approx(1.5, abs=0.1)
    assert load.busy_s == pytest.approx(4.0, abs=0.1)


def test_a_gang_that_waits_can_be_withdrawn_and_workers_go_on():
    layout = split(5, 1)
    simulation = simulate(layout)
    simulation.at(0.0, lambda: simulation.client.put([Task(1, b"")]))
    simulation.at(0.2, lambda: simulation.client.put([gang(2, 3)]))
    simulation.at(0.3, lambda: simulation.client.put([Task(3, b"")]))
    simulation.at(0.4, lambda: simulation.client.withdraw([2], running=False))
    simulation.at(3.0, simulation.client.drain)
    outcome = simulation.run()
    assert {one.id: one.failure and one.failure.kind for one in outcome.results} == {
        1: None,
        2: "cancelled",
        3: None,
    }
    assert 2 not in teams(outcome)


def test_a_gang_that_loses_its_patience_is_answered():
    layout = split(4, 1)
    simulation = simulate(layout, length_s=5.0)
    simulation.at(0.0, lambda: simulation.client.put([Task(1, b"")]))
    simulation.at(0.1, lambda: simulation.client.put([gang(2, 2, patience_s=1.0)]))
    simulation.at(2.0, simulation.client.inquire)
    simulation.at(3.0, simulation.client.drain)
    kinds = {one.id: one.failure and one.failure.kind for one in simulation.run().results}
    assert kinds == {1: None, 2: "late"}


@pytest.mark.parametrize("seed", range(300))
def test_random_worlds(seed):
    """Sizes, hosts, kinds, priorities, serial tasks and withdrawals at once: each ends once."""
    rng = random.Random(seed)
    size = rng.choice([1, 2, 3, 5, 8, 12, 20])
    servers = rng.choice([1, 2, 3])
    workers = len(split(size, servers).workers)
    kinds = {"gpu": rng.randrange(1, 3)} if workers > 2 and rng.random() < 0.5 else {}
    layout = split(size, servers, kinds)
    hosts = [f"host{rank * rng.choice([1, 3]) // size}" for rank in range(size)]
    lengths = defaultdict(lambda: rng.expovariate(20.0))
    simulation = simulate(layout, length_s=lengths.__getitem__, seed=seed, hosts=hosts)

    def task(id):
        kind = rng.choice([kind for kind, count in enumerate(layout.counts) if count])
        wanted = None
        if rng.random() < 0.6:
            wanted = Gang(rng.randint(1, layout.counts[kind]), joint=rng.random() < 0.8)
            on = {hosts[worker] for worker in layout.workers if layout.kind_of(worker) == kind}
            if rng.random() < 0.2:
                wanted = Gang(0, nodes=rng.randint(1, len(on)))
        return Task(id, b"", kind=kind, gang=wanted, priority=rng.randrange(3))

    tasks = {id: task(id) for id in range(rng.randrange(1, 60))}
    for begin in range(0, len(tasks), 10):
        batch = [*tasks.values()][begin : begin + 10]
        simulation.at(rng.random() * 0.3, lambda batch=batch: simulation.client.put(batch))
    for _ in range(rng.choice([0, 0, 2])):
        chosen = rng.sample(sorted(tasks), rng.randrange(1, len(tasks) + 1))
        change = rng.choice(
            [
                partial(simulation.client.withdraw, chosen, running=rng.random() < 0.5),
                partial(simulation.client.reprioritise, chosen, 5),
            ]
        )
        simulation.at(rng.random() * 0.5, change)
    simulation.at(0.5, simulation.client.drain)
    outcome = simulation.run()
    assert Counter(one.id for one in outcome.results) == Counter(tasks.keys())
    begun = teams(outcome)
    for result in outcome.results:
        wanted = tasks[result.id].gang
        if result.failure is not None:
            assert result.failure.kind == "cancelled"
        elif wanted is None or not wanted.joint:
            assert len(begun[result.id]) == 1
        elif wanted.size:
            assert len(begun[result.id]) == wanted.size
        assert len({*begun[result.id]}) == len(begun[result.id])
