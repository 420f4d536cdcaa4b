"""Stealing: how work that is put on one server reaches the others."""

import random
from itertools import pairwise

import pytest

from supervisor.balancer.layout import split
from supervisor.balancer.messages import Put, Ready
from supervisor.balancer.server import Server
from supervisor.balancer.simulate import Simulation
from supervisor.balancer.stealing import lifelines
from supervisor.balancer.talk import Loot, Steal
from supervisor.core.task import Target, Task
from tests.balancer.units import queue_of


def ids(tasks):
    return [task.id for task in tasks]


@pytest.mark.parametrize(("number", "stolen"), [(0, 0), (1, 1), (2, 1), (3, 2), (10, 5)])
def test_half_is_stolen_and_at_least_one(number, stolen):
    queue = queue_of(*(Task(i, b"") for i in range(number)))
    assert len(queue.deal([0.5], 0.0)[0]) == stolen
    assert queue.width == number - stolen


def test_both_sides_keep_the_same_mix_of_priorities_and_the_oldest_stay():
    queue = queue_of(*(Task(i, b"", priority=i % 2) for i in range(8)))
    assert sorted(ids(queue.deal([0.5], 0.0)[0])) == [4, 5, 6, 7]
    taken, _ = queue.pop(9, rank=1, host=0, avoidable=False, now=0.0)
    assert ids(taken) == [1, 3, 0, 2]


def test_several_thieves_get_equal_shares_with_the_same_mix():
    queue = queue_of(*(Task(i, b"", priority=i % 3) for i in range(120)))
    shares = [
        *queue.deal([0.25] * 3, 0.0),
        queue.pop(999, rank=1, host=0, avoidable=False, now=0.0)[0],
    ]
    assert [len(share) for share in shares] == [30] * 4
    for share in shares:
        assert [sum(task.priority == p for task in share) for p in range(3)] == [10] * 3


def test_targets_and_retries_stay_but_soft_targets_may_leave():
    queue = queue_of(
        Task(1, b"", target=Target(rank=3)),
        Task(2, b"", target=Target(host=0)),
        Task(3, b"", avoid=5),
        Task(4, b"", target=Target(rank=3, hard=False)),
    )
    assert ids(queue.deal([0.5], 0.0)[0]) == [4]
    assert queue.width == 3


def test_a_bulk_is_split_by_its_parts():
    queue = queue_of(Task(7, b"f", parts=tuple(b"%d" % i for i in range(10))))
    [[loot]] = queue.deal([0.5], 0.0)
    assert (loot.first, loot.width) == (5, 5)
    [kept], _ = queue.pop(99, rank=1, host=0, avoidable=False, now=0.0)
    assert kept.parts + loot.parts == tuple(b"%d" % i for i in range(10))


def test_patience_is_used_up_while_a_task_waits_to_be_stolen():
    queue = queue_of(Task(1, b"", patience_s=10.0))
    [[loot]] = queue.deal([0.5], 4.0)
    assert loot.patience_s == 6.0


def test_a_task_whose_patience_is_over_is_answered_and_not_run():
    queue = queue_of(Task(1, b"", patience_s=1.0), Task(2, b""))
    taken, late = queue.pop(9, rank=1, host=0, avoidable=False, now=2.0)
    assert (ids(taken), ids(late)) == ([2], [1])


def test_a_worker_gets_tasks_for_its_rank_then_its_host_then_any_then_soft_ones_of_others():
    queue = queue_of(
        Task(1, b"", target=Target(rank=9, hard=False), priority=9),
        Task(2, b"", priority=5),
        Task(3, b"", target=Target(host=2)),
        Task(4, b"", target=Target(rank=1)),
    )
    taken, _ = queue.pop(9, rank=1, host=2, avoidable=False, now=0.0)
    assert ids(taken) == [4, 3, 2, 1]


@pytest.mark.parametrize("size", [2, 3, 7, 64, 100, 1000])
def test_lifelines_reach_every_server_in_a_logarithmic_number_of_steps(size):
    servers = range(10, 10 + size)
    reached, steps = {10}, 0
    while len(reached) < size:
        reached |= {to for server in reached for to in lifelines(server, servers)}
        steps += 1
    assert steps <= (size - 1).bit_length()
    assert max(len(lifelines(server, servers)) for server in servers) <= (size - 1).bit_length()


def test_a_hungry_server_is_remembered_and_fed_when_there_is_work():
    layout = split(7, 2)  # workers 1 to 4, servers 5 and 6
    server = Server(5, layout)
    assert server.handle(Steal([0], 0, False), 6, 0.0) == [(6, Loot([]))]
    assert server.handle(Steal([0], 0, True), 6, 0.0) == []
    sends = server.handle(Put([Task(1, b"")]), 0, 0.0)
    assert sends == [(6, Loot([Task(1, b"")]))]


def test_an_idle_server_asks_a_few_and_then_is_silent():
    layout = split(30, 10)
    server = Server(layout.servers[0], layout)
    [(victim, message)] = server.handle(Ready([], True), server.dispatch.workers[0], 0.0)
    assert not message.remember
    [(other, _)] = server.handle(Loot([]), victim, 0.0)
    last = server.handle(Loot([]), other, 0.0)
    assert [to for to, _ in last] == lifelines(server.rank, layout.servers)
    assert all(message.remember for _, message in last)
    assert server.handle(Ready([], True), server.dispatch.workers[1], 0.0) == []


def test_work_on_one_server_spreads_to_a_hundred_in_a_logarithmic_number_of_rounds():
    layout = split(301, 100)
    latency_s = 1e-3
    simulation = Simulation(layout, seed=1, length_s=lambda _: 60.0, latency_s=latency_s)
    server = layout.servers[17]
    tasks = [Task(i, b"", target=None) for i in range(4000)]
    client = simulation.client

    def put_on_one():
        client._servers_for = lambda task: [server]
        client.put(tasks)

    simulation.at(1.0, put_on_one)  # when everybody is idle, and waits at the lifelines
    simulation.at(1.0, client.drain)
    first = {}
    begin = simulation.executors[1].start

    def noted(executor):
        def start(task):
            first.setdefault(layout.home(executor.rank), simulation.now)
            type(executor).start(executor, task)

        return start

    assert begin
    for executor in simulation.executors.values():
        executor.start = noted(executor)
    simulation.run()
    assert len(first) == 100
    # Each round is a loot message and an assignment; delays are random with this mean.
    assert max(first.values()) - 1.0 < 4 * 7 * 2 * latency_s


def test_a_thousand_prioritised_tasks_on_four_servers_begin_nearly_in_order():
    correlations = []
    for seed in range(10):
        rng = random.Random(seed)
        layout = split(25, 4)
        simulation = Simulation(
            layout, seed=seed, length_s=lambda _: 0.05, latency_s=1e-4, checked=False
        )
        priorities = [rng.randrange(1000) for _ in range(1000)]
        tasks = [Task(i, b"", priority=priority) for i, priority in enumerate(priorities)]
        where = [layout.servers[0]] if seed % 2 else list(layout.servers)
        simulation.client._servers_for = lambda task, where=where: where
        simulation.at(0.0, lambda s=simulation, t=tasks: s.client.put(t))
        simulation.at(0.0, simulation.client.drain)
        order = [priorities[task_id] for task_id, _ in simulation.run().begun]
        correlations.append(rank_correlation([-priority for priority in order]))
    assert min(correlations) > 0.9, correlations


def rank_correlation(values):
    """Return Spearman's correlation of values with their places."""
    places = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    for rank, place in enumerate(places):
        ranks[place] = rank
    n = len(values)
    difference = sum((rank - place) ** 2 for place, rank in enumerate(ranks))
    assert all(values[a] <= values[b] for a, b in pairwise(places))
    return 1 - 6 * difference / (n * (n * n - 1))
