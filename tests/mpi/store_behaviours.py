"""What ADLB's users rely on of data: who writes, reads, waits and counts, and how all of it ends.

Each behaviour is a function of a bench. It raises if it is not so.
"""

import operator
import pickle
import resource

import numpy
from bench import divide, increase

from supervisor.core.calls import Written, stored
from supervisor.core.operations import (
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


def add(_, *parts):
    return sum(parts)


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
