"""Futures in one process: waiting for them, many at a time, and what goes wrong."""

import itertools
import time
import tracemalloc

import pytest

import supervisor
from supervisor import AppFailed, Array, Future, app, as_completed, cancel, gather, share, wait


@app
def same(x):
    return x


@app
def add(a, b=0):
    return a + b


@app
def fib(n):
    return n if n < 2 else add(fib(n - 1), fib(n - 2))


@app
def fail(text):
    raise ValueError(f"wrong: {text}")


@app
def fail_for(bad, x):
    if x == bad:
        raise ValueError(f"wrong: {x}")
    return x


@app
def fail_at_three(x):
    return fail_for.function(3, x)


@app
def nap(seconds):
    time.sleep(seconds)


@app
def waits(x):
    return add(x, 1).result()


@app
def maps(n):
    return list(add.map(range(n)))


@app
def completes(n):
    return [one.result() for one in as_completed([add(i) for i in range(n)])]


@pytest.fixture
def flow():
    with supervisor.flow() as flow:
        yield flow


# --- waiting -------------------------------------------------------------------------------


def test_a_future_says_what_it_is_of_and_how_it_is(flow):
    good, bad = same(1), fail("x")
    assert isinstance(good, Future)
    assert repr(good).startswith("<Future of same (test_flow.py:")
    assert repr(good).endswith("): pending>")
    wait([good, bad])
    assert repr(good).endswith("): there>")
    assert repr(bad).endswith("): failed>")


def test_done_becomes_true_without_waiting(flow):
    future = nap(0)
    assert any(future.done() for _ in range(1000))
    assert future.result() is None


def test_wait_returns_when_enough_are_ready(flow):
    futures = [same(i) for i in range(50)]
    ready, missing = wait(futures, count=3)
    assert len(ready) >= 3
    assert {*ready, *missing} == {*futures}
    assert wait(futures) == (futures, [])
    assert wait([]) == ([], [])


def test_wait_and_result_give_up_when_time_is_over(flow):
    slow = [nap(0.02) for _ in range(5)]
    ready, missing = wait(slow, timeout_s=0)
    assert len(ready) < 5 and len(missing) > 0
    with pytest.raises(TimeoutError, match=r"nap \(test_flow.py:\d+\) has no value after 0 s"):
        slow[-1].result(timeout_s=0)
    assert slow[-1].result(timeout_s=60) is None


def test_futures_are_yielded_as_they_are_completed(flow):
    futures = [add(same(i), 1) for i in range(20)]
    assert sorted(one.result() for one in as_completed(futures)) == list(range(1, 21))
    assert list(as_completed(reversed(futures))) == futures[::-1], "when all of them are there"
    assert list(as_completed([])) == []


def test_the_futures_of_a_mapping_are_its_values(flow):
    futures = {"a": same(1), "b": same(2)}
    assert sorted(one.result() for one in as_completed(futures)) == [1, 2]
    assert wait(futures) == ([*futures.values()], [])
    late = {"x": nap(0), "y": nap(0)}
    cancel(late)
    assert len(wait(late)[0]) == 2


@pytest.mark.parametrize("function", [as_completed, wait, cancel])
def test_what_is_no_future_is_refused_at_once_and_named(flow, function):
    name = function.__name__
    with pytest.raises(TypeError, match=rf"{name}: 7 is no future; give what calls of apps ret"):
        function([same(1), 7])
    with pytest.raises(TypeError, match=rf"{name}: <Future of same \(.*> is not several futures"):
        function(same(1))
    with pytest.raises(TypeError, match=rf"{name}: <Member x\['k'\]\[0\]> is no future"):
        function({"a": Array("x")["k"][0]})


def test_gather_takes_lists_mappings_generators_and_a_function(flow):
    assert gather([same(1), same(2)]).result() == [1, 2]
    assert gather((same(1), 2)).result() == (1, 2)
    assert gather({"a": same(1), "b": [same(2)]}).result() == {"a": 1, "b": [2]}
    assert gather(same(i) for i in range(4)).result() == [0, 1, 2, 3]
    assert gather(sum, [same(i) for i in range(4)]).result() == 6
    assert gather(len, {}).result() == 0


def test_what_is_shared_is_there_at_once(flow):
    shared = share({"a": 1})
    assert shared.done()
    assert add(gather(len, shared.result()), 1).result() == 2
    assert same(shared).result() == {"a": 1}


# --- many ----------------------------------------------------------------------------------


def test_map_keeps_the_order_of_what_it_is_given(flow):
    assert list(same.map(range(100))) == list(range(100))
    assert list(same.map(reversed("abc"))) == ["c", "b", "a"]
    assert list(same.map({"a": 1})) == ["a"]
    assert list(same.map([])) == []


def test_map_is_lazy_and_takes_no_more_than_a_few_bulks(flow, monkeypatch):
    monkeypatch.setattr("supervisor.dataflow.bulks.BULK_CALLS", 100)
    taken = itertools.count()
    values = same.map(next(taken) for _ in itertools.repeat(None))
    assert [next(values) for _ in range(250)] == list(range(250))
    assert next(taken) < 1000, "of an endless number of items"
    values.close()
    assert same(1).result() == 1


def test_foreach_returns_the_number_of_calls_in_bounded_memory(flow):
    assert same.foreach([]) == 0
    assert same.foreach(i for i in range(10)) == 10
    tracemalloc.start()
    try:
        assert same.foreach(range(300_000)) == 300_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30e6


def test_map_raises_when_it_is_the_turn_of_a_call_that_failed(flow):
    values = fail_at_three.map(range(10))
    assert [next(values) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(AppFailed, match=r"(?s)fail_at_three.*in fail_for.*ValueError: wrong: 3"):
        next(values)
    assert same(1).result() == 1


def test_foreach_makes_all_calls_and_then_raises(flow):
    with pytest.raises(AppFailed, match=r"(?s)fail_at_three.*ValueError: wrong: 3"):
        fail_at_three.foreach(range(100))
    assert flow.unheard == []


# --- failures ------------------------------------------------------------------------------


def test_a_failure_says_where_what_and_why(flow):
    text = str(fail("x").exception())
    assert text.startswith("fail (test_flow.py:")
    assert "ValueError: wrong: x" in text
    assert 'test_flow.py", line ' in text and "in fail" in text
    assert "supervisor/executors" not in text


def test_a_failure_reaches_what_needs_it_with_all_that_lies_between(flow):
    last = gather(sum, [add(1, add(2, fail("root"))), same(1)])
    text = str(last.exception())
    assert text.startswith("fail (test_flow.py:")
    assert text.count("needed by add (test_flow.py:") == 2
    assert text.rstrip().endswith("needed by gather of sum")


def test_a_failure_is_raised_each_time(flow):
    bad = fail("x")
    for _ in range(2):
        with pytest.raises(AppFailed, match="wrong: x"):
            bad.result()
    assert isinstance(bad.exception(), AppFailed)
    assert same(1).exception() is None


def test_an_exit_of_an_app_is_its_failure(flow):
    assert "SystemExit: 3" in str(app(lambda: exit(3))().exception())


@pytest.mark.parametrize("one", [waits, maps, completes])
def test_an_app_that_waits_fails_and_is_told_what_it_cannot_do(flow, one):
    error = str(one(3).exception())
    assert error.startswith(f"{one.__name__} (test_flow.py:")
    assert "which only main() can do, and no app" in error or one is waits


def test_failures_that_nobody_hears_of_are_kept_with_the_name_of_the_app():
    with supervisor.flow() as flow:
        dropped = [fail("dropped") for _ in range(2)]
        del dropped
        kept = fail("kept")
        needed = fail("needed")
        last = add(needed, 1)
        heard = fail("heard")
        heard.exception()
    assert len(flow.unheard) == 4, flow.unheard
    assert all("fail (test_flow.py:" in text for text in flow.unheard)
    assert sum("needed by add (" in text for text in flow.unheard) == 1
    assert not any("heard" in text for text in flow.unheard)
    assert (kept.ready, last.ready) == (True, True)


def test_calls_are_made_even_if_nobody_keeps_their_futures():
    made.clear()
    with supervisor.flow():
        for i in range(30):
            make(i)
        make(add(100, 1))
    assert sorted(made) == [*range(30), 101]


made: list[int] = []


@app
def make(x):
    made.append(x)
