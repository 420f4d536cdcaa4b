"""What ADLB's users rely on of queues: targets, kinds, bulks, withdrawal and retries.

Each behaviour is a function of a bench. It raises if it is not so.
"""

import operator
import time
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import divide, increase

from supervisor.balancer.wire import world_rank
from supervisor.core.calls import Callee, CallFailed, values
from supervisor.core.errors import InputError


def rank_of(_):
    return world_rank()


def slowly(seconds):
    time.sleep(seconds)
    return rank_of(None)


def a_hard_rank_target_is_kept_every_time(bench):
    for rank in bench.layout.workers:
        target = bench.client.location(rank=rank)
        tasks = [bench.put(rank_of, target=target) for _ in range(20)]
        assert bench.wait(*tasks) == [rank] * 20


def soft_targets_complete_although_the_target_is_busy(bench):
    rank = bench.layout.workers[0]
    if len(bench.layout.workers) == 1:
        return  # nobody else could run them
    with TemporaryDirectory() as folder:
        flag = Path(folder, "done")
        busy = bench.put(until_there, str(flag), target=bench.client.location(rank=rank))
        target = bench.client.location(rank=rank, hard=False)
        tasks = [bench.put(increase, i, target=target) for i in range(500)]
        assert bench.wait(*tasks) == [i + 1 for i in range(500)]
        flag.touch()
        assert bench.wait(busy) == [rank]


def until_there(path):
    while not Path(path).exists():
        time.sleep(0.01)
    return rank_of(None)


def a_host_target_runs_on_that_host(bench):
    hosts = bench.client.hosts
    for host in dict.fromkeys(hosts[worker] for worker in bench.layout.workers):
        target = bench.client.location(host=host)
        ranks = bench.wait(*(bench.put(rank_of, target=target) for _ in range(30)))
        assert {hosts[rank] for rank in ranks} == {host}


def a_kind_without_workers_is_refused(bench):
    try:
        bench.layout.kind("gpu", "task.kind")
    except InputError as error:
        assert "kind 'gpu'" in str(error)
        assert "--workers gpu=N" in str(error)
    else:
        raise AssertionError("it was accepted")


def a_range_splits_and_visits_each_value_once(bench):
    for numbers, total in ((range(1, 11), 55), (range(1, 11, 2), 25), (range(2000), 1999000)):
        bench.next_id += 1
        bulk = bench.next_id
        bench.client.put([Callee(increase).bulk(bulk, numbers, calls_per_part=3)])
        width = -(-len(numbers) // 3)
        bench.until(lambda b=bulk, w=width: sum(r.width for r in bench.results.get(b, ())) == w)
        parts = sorted(bench.results[bulk], key=lambda result: result.first)
        every = [value for result in parts for value in values(result)]
        assert every == [number + 1 for number in numbers]
        assert sum(every) == total + len(numbers)


def one_bad_call_of_a_bulk_fails_alone(bench):
    bench.next_id += 1
    bulk = bench.next_id
    bench.client.put([Callee(divide).bulk(bulk, [1, 0, 2])])
    bench.until(lambda: bulk in bench.results)
    first, bad, last = values(bench.results[bulk][0])
    assert (first, last) == (1.0, 0.5)
    assert isinstance(bad, CallFailed)
    assert isinstance(bad.error, ZeroDivisionError)
    assert "in divide" in bad.text


def queued_tasks_can_be_withdrawn(bench):
    ids = [bench.put(slowly, 0.02) for _ in range(200)]
    bench.client.withdraw(ids[50:], running=False)
    bench.until(lambda: all(one in bench.results for one in ids))
    ended = reduce(operator.add, (bench.results[one] for one in ids))
    assert len(ended) == 200
    cancelled = sum(result.failure is not None for result in ended)
    assert cancelled > 100


def a_failed_task_is_tried_again_elsewhere(bench):
    first = bench.layout.workers[0]
    if len(bench.layout.workers_of(bench.layout.home(first))) == 1:
        return  # its server has no other worker
    task = bench.put(fails_on, first, attempts=2, target=None)
    assert bench.wait(task) != [first]


def fails_on(rank):
    if rank_of(None) == rank:
        raise RuntimeError("not here")
    return rank_of(None)
