"""What Swift/T's users rely on, as a Python workflow; run by test_scripts.py on real ranks.

Each behaviour is a function whose name says it; it raises if it is not so. ``main`` calls all of
them, or those that are named.
"""

from __future__ import annotations

import itertools
import os
import socket
import time

import numpy

from supervisor import App, app, as_completed, cancel, gather, location, share, wait

BUSY_S = 0.3


# --- apps ----------------------------------------------------------------------------------


@app
def same(x):
    return x


@app
def increase(x):
    return x + 1


@app
def add(*parts):
    return sum(parts)


@app
def fib(n):
    return n if n < 2 else add(fib(n - 1), fib(n - 2))


@app
def slowly(x, *after):
    """Return the argument, when this began and when it ended."""
    began = time.time()
    time.sleep(BUSY_S)
    return x, began, time.time()


@app
def where(_=None):
    return int(os.environ.get("PMI_RANK") or os.environ["OMPI_COMM_WORLD_RANK"])


@app
def host(_=None):
    return socket.gethostname()


@app
def now(_=None):
    return time.time()


@app
def total(values):
    return sum(values.values() if isinstance(values, dict) else values)


@app
def squares(n):
    """Return futures in a mapping: what calls this gets their values."""
    return {f"{i}": add(i * i) for i in range(n)}


@app
def divide(a, b):
    return a / b


@app
def look(array):
    return float(array.sum()), array.flags.writeable


# --- order ---------------------------------------------------------------------------------


def recursion_by_data_gives_fibonacci_numbers():
    assert fib(8).result() == 21


def values_do_not_depend_on_the_order_of_assignment():
    z = same(slowly(2))
    x, y = same(1), same(1)
    ready, missing = wait([x, y, z])
    assert not missing and len(ready) == 3
    assert [x.result(), y.result(), z.result()[0]] == [1, 1, 2]


def some_of_what_is_waited_for_can_be_used():
    one, two, four = (increase(x) for x in (0, 1, 3))
    wait([one, two, four])
    assert one.result() + two.result() == 3


def several_values_are_assigned_at_once():
    a, b, c = same(1), same(2), same(3)
    x, y, z = increase(c), increase(b), increase(a)
    assert gather([x, y, z]).result() == [4, 3, 2]


def chained_steps_follow_each_other_and_independent_ones_overlap():
    first = slowly(1)
    second = slowly(2, first)
    third = slowly(3, second)
    alone = slowly("alone")
    steps = gather([first, second, third]).result()
    for (_, _, ended), (_, began, _) in itertools.pairwise(steps):
        assert began >= ended
    assert steps[-1][2] - steps[0][1] >= 3 * BUSY_S
    _, began, ended = alone.result()
    assert began < steps[-1][2] and ended > steps[0][1], "it waited for steps it does not need"


def values_come_as_they_are_completed():
    slow, quick = slowly("slow"), increase(0)
    assert [future is quick for future in as_completed([slow, quick])] == [True, False]


# --- many ----------------------------------------------------------------------------------


def ranges_have_the_members_they_have():
    for numbers, members, sum_of in (
        (range(1, 11), 10, 55),
        (range(1, 11, 2), 5, 25),
        (range(2000), 2000, 1_999_000),
        (range(-1, 13, 2), 7, 35),
        (range(10, 2), 0, 0),
        (range(3, 6, 3), 1, 3),
        (range(3, 7, 3), 2, 9),
    ):
        values = list(same.map(numbers))
        assert (len(values), sum(values)) == (members, sum_of), numbers
        assert increase.foreach(numbers) == members


def splitting_visits_each_member_once_and_keeps_the_order():
    assert list(same.map(range(100))) == list(range(100))
    assert list(enumerate(same.map(range(15, 31)), 15)) == [(i, i) for i in range(15, 31)]
    lazy = (i for i in range(100))
    assert list(same.map(lazy)) == list(range(100))


def maps_are_sparse_nested_and_have_any_keys():
    sparse = gather({0: same(1), 1: same(2), 5: same(3), 6: same(4)})
    assert sparse.result() == {0: 1, 1: 2, 5: 3, 6: 4}
    words = gather({"hello world": same(1), "goodbye": same(2)})
    assert words.result() == {"hello world": 1, "goodbye": 2}
    nested = gather({"one": {1: {1.0: same(1)}}})
    assert nested.result()["one"][1][1.0] == 1


def a_wavefront_reaches_its_corner():
    for size, corner in ((4, 66), (5, 360), (7, 10836)):
        cells = {}
        for i, j in itertools.product(range(size), repeat=2):
            before = ((i - 1, j), (i, j - 1), (i - 1, j - 1))
            cells[i, j] = add(*(cells[one] for one in before)) if i and j else same(i + j)
        assert cells[size - 1, size - 1].result() == corner


def apps_return_futures_in_a_mapping():
    assert total(squares(5)).result() == 30
    assert squares(3).result() == {"0": 0, "1": 1, "2": 4}


def a_large_array_is_shared_and_read_only():
    shared = share(numpy.ones(1_000_000))
    assert gather([look(shared) for _ in range(20)]).result() == [(1e6, False)] * 20
    assert look(gather(numpy.concatenate, [shared, shared])).result() == (2e6, False)


# --- places --------------------------------------------------------------------------------


def workers():
    """Return the ranks that work: those that a location accepts."""
    found = []
    for rank in range(64):
        try:
            location(rank=rank)
        except Exception:
            continue
        found.append(rank)
    return found


def a_hard_rank_target_is_kept_every_time():
    for rank in workers():
        there = where.using(target=location(rank=rank))
        assert gather([there() for _ in range(20)]).result() == [rank] * 20
        assert set(there.map(range(100))) == {rank}


def soft_targets_complete_although_the_target_is_busy():
    rank = workers()[0]
    busy = slowly.using(target=location(rank=rank))(0)
    near = increase.using(target=location(rank=rank, hard=False))
    ended = [gather(near(i) for i in range(500)), now()]
    assert ended[0].result() == list(range(1, 501))
    assert ended[1].result() < busy.result()[2]


def a_host_target_runs_on_that_host():
    there = host.using(target=location(host=socket.gethostname()))
    assert gather([there() for _ in range(30)]).result() == [socket.gethostname()] * 30


def the_more_important_begins_first():
    rank = location(rank=workers()[0])
    busy = slowly.using(target=rank)(0)
    order = [3, 1, 4, 1, 5, 9, 2, 6]
    begun = [(priority, now.using(target=rank, priority=priority)()) for priority in order]
    last = now.using(target=rank, priority=7)()
    last.reprioritise(-1)
    times = sorted((future.result(), -priority) for priority, future in begun)
    assert [priority for _, priority in times] == sorted(-one for one in order)
    assert last.result() >= times[-1][0]
    assert times[0][0] >= busy.result()[2]


def what_has_not_begun_in_time_fails():
    rank = location(rank=workers()[0])
    busy = slowly.using(target=rank)(0)
    late = increase.using(target=rank, patience_s=BUSY_S / 10)(0)
    assert "increase (flow_behaviours.py:" in str(late.exception())
    assert busy.result()[0] == 0


# --- ends ----------------------------------------------------------------------------------


def queued_calls_can_be_cancelled():
    rank = location(rank=workers()[0])
    busy = slowly.using(target=rank)(0)
    queued = [increase.using(target=rank)(i) for i in range(200)]
    needs = add(queued[0], 1)
    cancel(queued)
    assert all(future.exception() for future in queued)
    assert needs.exception()
    assert busy.result()[0] == 0


def a_failure_names_the_app_the_cause_and_who_needed_it():
    first = divide(1, 0)
    last = increase(add(first, same(1)))
    text = str(last.exception())
    assert "divide (flow_behaviours.py:" in text
    assert "ZeroDivisionError: division by zero" in text
    assert 'flow_behaviours.py", line ' in text and "in divide" in text, "the remote traceback"
    assert text.index("needed by add (") < text.index("needed by increase (")
    assert same(1).result() == 1, "the run goes on"


def a_failure_deep_in_a_recursion_reaches_the_caller():
    text = str(total([same(1), countdown(5)]).exception())
    assert "ZeroDivisionError: division by zero" in text
    assert "in divide" in text
    assert text.index("countdown (flow_behaviours.py:") < text.index("needed by total (")


@app
def countdown(n):
    return countdown(n - 1) if n else divide(n, n)


def main(only: str = ""):
    for name, behaviour in list(globals().items()):
        if isinstance(behaviour, App) or not callable(behaviour) or "_" not in name:
            continue
        if getattr(behaviour, "__module__", "") == __name__ and only in name:
            behaviour()
            print("ok", name, flush=True)
