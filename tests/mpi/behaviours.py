"""What ADLB's users rely on, on real ranks; run by test_behaviours.py under mpiexec.

Each behaviour is a function of rank 0's side of the balancer. It raises if it is not so.
"""

from __future__ import annotations

import operator
import pickle
import resource
import sys
import time
from functools import reduce

import numpy

from supervisor.balancer.client import Client
from supervisor.balancer.layout import split
from supervisor.balancer.pump import Backoff, Pump
from supervisor.balancer.server import Server
from supervisor.balancer.wire import world_wire
from supervisor.balancer.worker import Worker
from supervisor.core.calls import Callee, CallFailed, Written, stored, values
from supervisor.core.errors import InputError
from supervisor.core.operations import (
    Create,
    DataError,
    Enumerate,
    Insert,
    Lookup,
    Nest,
    Retrieve,
    Store,
    Subscribe,
    Update,
)
from supervisor.core.payload import pack
from supervisor.executors.function import FunctionExecutor


class Bench:
    """Rank 0: the client, pumped while something is waited for."""

    def __init__(self, wire, layout, hosts):
        self.client = Client(layout, hosts)
        self.layout = layout
        self.next_id = 0
        worker = None
        if 0 in layout.workers:
            worker = Worker(0, layout, FunctionExecutor(layout.seat(0)))
        server = Server(0, layout) if 0 in layout.servers else None
        self.pump = Pump(wire, client=self.client, worker=worker, server=server)
        self.results = {}

    def until(self, done):
        """Pump until ``done()``."""
        backoff = Backoff()
        while not done():
            if self.pump.turn():
                backoff.reset()
            else:
                backoff.wait(())
            for result in self.client.take_results():
                self.results.setdefault(result.id, []).append(result)

    def ask(self, operation):
        """Do an operation on data and return the answer."""
        request = self.client.ask(operation)
        self.until(lambda: request in self.client.answers)
        return self.client.answers.pop(request)

    def create(self, kind="value", name="", **fields):
        """Create a datum and return its id."""
        datum = self.client.ids.take()
        assert self.ask(Create(datum, kind, name, **fields)) is None
        return datum

    def read(self, datum):
        """Wait for a datum and return its value."""
        self.client.ask(Subscribe(datum))
        self.until(lambda: any(notice.id == datum for notice in self.client.notices))
        return stored(self.ask(Retrieve(datum)))

    def put(self, function, argument=None, **fields):
        """Put a task and return its id."""
        self.next_id += 1
        self.client.put([Callee(function).task(self.next_id, argument, **fields)])
        return self.next_id

    def wait(self, *ids):
        """Wait for tasks and return the values of their calls; None for one that is stored."""
        self.until(lambda: all(one in self.results for one in ids))
        return [next(values(self.results[one][0]), None) for one in ids]

    def finish(self):
        self.client.drain()
        self.until(lambda: self.client.done)


def increase(x):
    return x + 1


def add(_, *parts):
    return sum(parts)


def rank_of(_):
    from supervisor.balancer.wire import world_rank

    return world_rank()


def slowly(seconds):
    time.sleep(seconds)
    return rank_of(None)


# --- data ----------------------------------------------------------------------------------


def values_do_not_depend_on_the_order_of_assignment(bench):
    x, y, z = (bench.create(name=name) for name in "xyz")
    total = bench.create(name="total")
    last = bench.put(add, inputs=tuple((d, None) for d in (x, y, z)), output=total)
    for output, argument in ((x, 0), (y, 0), (z, 1)):
        bench.put(increase, argument, output=output)
    assert [bench.read(one) for one in (x, y, z)] == [1, 1, 2]
    assert bench.read(total) == 4
    assert bench.wait(last) == [4]


def a_sparse_array_has_exactly_its_members(bench):
    members = {0: 1, 1: 2, 5: 3, 6: 4}
    array = bench.create("container", name="A", writers=len(members))
    for key, value in members.items():
        bench.put(insert, (array, key, value))
    bench.client.ask(Subscribe(array))  # told when its writers are done
    bench.until(lambda: any(notice.id == array for notice in bench.client.notices))
    listing = bench.ask(Enumerate(array))
    assert dict(zip(listing.keys, map(stored, listing.values), strict=True)) == members


def insert(what):
    array, key, value = what
    return Written(None, Insert(array, key, pickle.dumps(value), writers=1))


def a_second_write_names_the_datum(bench):
    x = bench.create(name="x")
    assert bench.ask(Store(x, b"1")) is None
    answer = bench.ask(Store(x, b"2"))
    assert isinstance(answer, DataError)
    assert "x (datum" in answer.message
    assert "written already" in answer.message


def a_second_write_by_a_task_is_trouble(bench):
    y = bench.create(name="y", readers=2)
    bench.wait(bench.put(increase, 1, output=y), bench.put(increase, 2, output=y))
    bench.until(lambda: bench.client.troubles)
    assert "y (datum" in bench.client.troubles[0]


def a_cycle_is_a_deadlock_with_its_names(bench):
    a, b = bench.create(name="alpha"), bench.create(name="beta")
    one = bench.put(increase, 0, inputs=((a, None),), output=b)
    two = bench.put(increase, 0, inputs=((b, None),), output=a)
    bench.finish()
    [report] = bench.client.troubles
    assert "2 tasks wait for data that nobody will write" in report
    assert "alpha (datum" in report
    assert "beta (datum" in report
    for task in (one, two):
        assert bench.results[task][0].failure.kind == "unwritten"


def maps_are_nested_and_have_any_keys(bench):
    a = bench.create("container", name="A", writers=2)
    bench.wait(bench.put(insert, (a, "hello world", 1)), bench.put(insert, (a, "goodbye", 2)))
    bench.until(lambda: len(bench.ask(Enumerate(a)).keys) == 2)
    assert sorted(bench.ask(Enumerate(a)).keys) == ["goodbye", "hello world"]
    b = bench.create("container", name="B")
    inner = bench.ask(Nest(b, "one", "container", bench.client.ids.take()))
    same = bench.ask(Nest(b, "one", "container", bench.client.ids.take()))
    assert inner == same
    innermost = bench.ask(Nest(inner, 1, "container", bench.client.ids.take()))
    bench.wait(bench.put(insert, (innermost, "1.0", 1)))
    bench.client.ask(Subscribe(innermost, "1.0"))
    bench.until(lambda: any(notice.id == innermost for notice in bench.client.notices))
    assert stored(bench.ask(Lookup(innermost, "1.0"))) == 1


def counters_fold_what_many_tasks_give_them(bench):
    low = bench.create("counter", name="low")
    bench.ask(Update(low, "min", 100))
    assert bench.ask(Update(low, "min", 125)) == 100
    total = bench.create("counter", name="total", initial=1)
    assert [bench.ask(Update(total, "incr", by)) for by in (1, 200, -10)][-1] == 192
    scaled = bench.create("counter", name="scaled", initial=200)
    assert bench.ask(Update(scaled, "scale", 0.5)) == 100
    many = bench.create("counter", name="many")
    bench.wait(*(bench.put(count_up, many) for _ in range(100)))
    bench.until(lambda: bench.ask(Retrieve(many)) == 100)


def count_up(counter):
    return Written(None, Update(counter, "incr", 1))


def a_wavefront_reaches_its_corner(bench):
    for size, corner in ((4, 66), (5, 360), (7, 10836)):
        cells = {
            (i, j): bench.create(name=f"A[{i}][{j}]", readers=3)
            for i in range(size)
            for j in range(size)
        }
        for (i, j), cell in reversed(cells.items()):
            if i and j:
                before = ((i - 1, j), (i, j - 1), (i - 1, j - 1))
                bench.put(add, inputs=tuple((cells[one], None) for one in before), output=cell)
            else:
                bench.put(operator.pos, i + j, output=cell)
        assert bench.read(cells[size - 1, size - 1]) == corner


def large_inputs_are_fetched(bench):
    large = bench.create(name="large")
    bench.put(zeros, 3_000_000, output=large)
    lengths = [bench.put(length, inputs=((large, None),)) for _ in range(20)]
    assert bench.wait(*lengths) == [3_000_000] * 20


def large_arrays_are_neither_copied_nor_overtaken(bench):
    size = 1 << 28
    array = numpy.arange(size // 8)
    first, second = bench.create(name="first"), bench.create(name="second")
    before = peak_bytes()
    bench.client.ask(Store(first, pack(array)))  # what is asked next is behind it
    bench.client.ask(Store(second, pack([1, "small"])))
    assert bench.read(second) == [1, "small"]
    assert bench.read(first).sum() == array.sum()
    assert peak_bytes() - before < 1.4 * size, "what came back took its own size, no more"
    readers = [bench.put(sum_and_growth, before, inputs=((first, None),)) for _ in range(20)]
    for total, writeable, grown in bench.wait(*readers):
        assert total == array.sum()
        assert not writeable, "it is shared with other tasks"
        assert grown < 1.4 * size
    task = bench.put(numpy.ones, (1000, 1000))
    assert bench.wait(task)[0].sum() == 1_000_000


def sum_and_growth(before, array):
    return array.sum(), array.flags.writeable, peak_bytes() - before


def peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def zeros(number):
    return bytes(number)


def length(_, data):
    return len(data)


def a_failure_reaches_what_waits_for_it(bench):
    x, y = bench.create(name="x"), bench.create(name="y")
    one = bench.put(divide, 0, output=x)
    two = bench.put(add, inputs=((x, None),), output=y)
    three = bench.put(add, inputs=((y, None),))
    bench.until(lambda: {one, two, three} <= bench.results.keys())
    failures = [bench.results[task][0].failure for task in (one, two, three)]
    assert [failure.kind for failure in failures] == ["raised", "unwritten", "unwritten"]
    assert "ZeroDivisionError" in failures[0].message
    assert "x (datum" in failures[1].message


def divide(x):
    return 1 / x


# --- queues and targets ----------------------------------------------------------------------


def a_hard_rank_target_is_kept_every_time(bench):
    for rank in bench.layout.workers:
        target = bench.client.location(rank=rank)
        tasks = [bench.put(rank_of, target=target) for _ in range(20)]
        assert bench.wait(*tasks) == [rank] * 20


def soft_targets_complete_although_the_target_is_busy(bench):
    rank = bench.layout.workers[0]
    busy = bench.put(slowly, 1.0, target=bench.client.location(rank=rank))
    target = bench.client.location(rank=rank, hard=False)
    began = time.monotonic()
    tasks = [bench.put(increase, i, target=target) for i in range(500)]
    assert bench.wait(*tasks) == [i + 1 for i in range(500)]
    assert time.monotonic() - began < 1.0 or len(bench.layout.workers) == 1
    assert bench.wait(busy) == [rank]


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


BEHAVIOURS = [  # functions of this module whose first argument is a bench
    one
    for name, one in list(globals().items())
    if callable(one)
    and getattr(one, "__code__", None)
    and one.__code__.co_varnames[:1] == ("bench",)
]


def main():
    servers = int(sys.argv[1])
    wanted = set(sys.argv[2:])
    wire = world_wire()
    layout = split(wire.size, servers)
    hosts = [f"host{rank % 2}" for rank in range(wire.size)]  # as if there were two
    numbers = {worker: worker % 2 for worker in layout.workers}
    for behaviour in BEHAVIOURS:
        if wanted and behaviour.__name__ not in wanted:
            continue
        world_barrier()  # nobody begins a run while others are still ending the last one
        if wire.rank > 0:
            serve(wire, layout, numbers)
            continue
        bench = Bench(wire, layout, hosts)
        behaviour(bench)
        bench.finish()
        print("ok", behaviour.__name__, flush=True)


def world_barrier():
    from mpi4py import MPI

    MPI.COMM_WORLD.Barrier()


def serve(wire, layout, numbers):
    worker = server = None
    if wire.rank in layout.workers:
        worker = Worker(wire.rank, layout, FunctionExecutor(layout.seat(wire.rank)))
    if wire.rank in layout.servers:
        server = Server(wire.rank, layout, numbers)
    Pump(wire, worker=worker, server=server).run()


if __name__ == "__main__":
    import behaviours  # functions are found by name on the workers, not in __main__

    try:
        behaviours.main()
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        from mpi4py import MPI

        MPI.COMM_WORLD.Abort(1)
