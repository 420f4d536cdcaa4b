"""Apps in one process: what may be given to them, what they may return, how they are called."""

import functools
import math
import operator
import pickle
from dataclasses import dataclass

import numpy
import pytest

import supervisor
from supervisor import App, AppFailed, app, gather, location, share
from supervisor.core.errors import InputError, SupervisorError, UnknownName


@app
def same(x):
    return x


@app
def add(a, b=0):
    return a + b


@app
def total(values):
    return sum(values.values() if isinstance(values, dict) else values)


@app
def fib(n):
    return n if n < 2 else add(fib(n - 1), fib(n - 2))


@app
def pieces(n):
    """Return futures in a list, in a mapping, deep inside."""
    return {"list": [same(i) for i in range(n)], "deep": [{"one": (same(n), n)}]}


@app
def chained(n):
    return chained(n - 1) if n else same("the end")


@app
def shared_twice(n):
    """Return a future that another call of this app waits for, too."""
    once = same(n)
    return [once, add(once, 1), once]


@dataclass
class Point:
    x: object
    y: object = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    x: object


class Plain:
    def __init__(self, x):
        self.x = x


@pytest.fixture
def flow():
    with supervisor.flow() as flow:
        yield flow


# --- arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around",
    [
        lambda x: [x, [x, 1]],
        lambda x: {"a": x, "b": {1: [x]}},
        lambda x: (x, (x, None)),
        lambda x: {"mixed": [(x,), {"deep": [x]}]},
        lambda x: Point(x, [x]),
        lambda x: Point(Frozen(x), {"in": Point(x)}),
    ],
)
def test_futures_are_arguments_at_any_depth(flow, around):
    assert same(around(add(1, 2))).result() == around(3)
    assert same(x=around(add(1, 2))).result() == around(3)


def test_futures_are_arguments_inside_objects_and_sets(flow):
    assert same(Plain(add(1, 2))).result().x == 3
    assert same({add(1, 2), 4}).result() == {3, 4}


def test_one_future_may_be_many_arguments(flow):
    x = same([1])
    first, second, third = same([x, x, {"x": x}]).result()
    assert (first, second, third) == ([1], [1], {"x": [1]})
    assert first is second


def test_arguments_are_copied_when_the_call_is_made(flow):
    values = [1, 2]
    future = total(values)
    values.append(100)
    assert future.result() == 3


def test_named_and_default_arguments(flow):
    assert add(1).result() == 1
    assert add(b=add(2, 3), a=1).result() == 6
    assert isinstance(add(1, 2, 3).exception(), AppFailed)


def test_an_argument_that_cannot_be_pickled_is_an_error_of_the_caller(flow):
    with pytest.raises(TypeError, match="generator"):
        same(i for i in range(3))
    assert same(1).result() == 1


def test_large_arrays_are_read_only_and_one_for_all(flow):
    array = numpy.arange(1_000_000)
    shared = share(array)
    writeable = app(lambda x: (float(x.sum()), x.flags.writeable))
    assert gather([writeable(shared) for _ in range(5)]).result() == [(array.sum(), False)] * 5
    assert numpy.array_equal(shared.result(), array)
    with pytest.raises(ValueError, match="read-only"):
        shared.result()[0] = 1


# --- values --------------------------------------------------------------------------------


def test_apps_return_futures_at_any_depth(flow):
    assert fib(9).result() == 34
    assert pieces(3).result() == {"list": [0, 1, 2], "deep": [{"one": (3, 3)}]}
    assert chained(50).result() == "the end"
    assert shared_twice(4).result() == [4, 5, 4]
    assert total(gather([fib(5), fib(6)])).result() == 13


def test_an_app_may_return_a_generator_of_nothing_it_cannot_send(flow):
    error = app(lambda: (i for i in range(3)))().exception()
    assert "cannot pickle 'generator' object" in str(error)


@pytest.mark.parametrize("value", [None, 0, "", [], b"", math.inf, {"a": None}, Point(1)])
def test_any_value_comes_back(flow, value):
    future = same(value)
    assert future.result() == value
    assert future.result() == value, "a second time"


# --- which functions -----------------------------------------------------------------------


def test_lambdas_and_closures_are_apps(flow):
    factor = 7
    assert app(lambda x: factor * x)(6).result() == 42

    @app
    def doubled(x):
        return 2 * factor * x

    assert doubled(2).result() == 28
    assert list(doubled.map(range(2))) == [0, 14]


def test_apps_that_are_no_globals_call_each_other_and_themselves(flow):
    @app
    def even(n):
        return odd(n - 1) if n else True

    @app
    def odd(n):
        return even(n - 1) if n else False

    assert even(7).result() is False

    @app
    def factorial(n):
        return app(operator.mul)(n, factorial(n - 1)) if n else 1

    assert factorial(5).result() == 120


@pytest.mark.parametrize("function", [math.sqrt, len, operator.neg, functools.partial(max, 3)])
def test_functions_of_modules_are_apps(flow, function):
    argument = [1, 2, 4] if function is len else 4
    assert app(function)(argument).result() == function(argument)


def test_an_app_is_named_after_its_function():
    assert isinstance(fib, App)
    assert fib.__name__ == "fib"
    assert pieces.__doc__ == "Return futures in a list, in a mapping, deep inside."
    assert pickle.loads(pickle.dumps(fib)) is fib


def test_an_app_is_no_method():
    class Model:
        @app
        def train(self):
            return 1

    with pytest.raises(TypeError, match="an app is a function, not a method"):
        Model().train()


def test_a_future_in_a_closure_is_an_error_that_says_what_to_do(flow):
    k = add(1, 2)
    with pytest.raises(TypeError, match="give it to an app as an argument"):
        app(lambda x: x * k)(2)


def test_a_future_in_an_item_of_map_is_an_error_that_says_what_to_do(flow):
    with pytest.raises(TypeError, match="give it to an app as an argument"):
        list(same.map([add(1, 2)]))


# --- how -----------------------------------------------------------------------------------


def test_using_changes_settings_of_some_calls_only(flow):
    urgent = add.using(priority=3)
    assert (urgent.settings.priority, add.settings.priority) == (3, 0)
    assert urgent(1, 2).result() == 3
    assert urgent.using(attempts=2).settings.priority == 3


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match=r"add.using: .*Did you mean 'priority'"):
        add.using(priorty=3)
    with pytest.raises(UnknownName, match=r"@app: .*Did you mean 'attempts'"):
        app(atempts=3)


def test_an_app_outside_of_a_run_says_how_to_run():
    with pytest.raises(SupervisorError, match="supervisor run SCRIPT"):
        add(1, 2)
    with pytest.raises(SupervisorError, match=r"with supervisor.flow"):
        gather([1])


def test_places_that_do_not_exist_are_refused(flow):
    with pytest.raises(InputError, match=r"rank=5.*workers are the ranks 0 to 0"):
        location(rank=5)
    with pytest.raises(InputError, match="no worker is there; hosts: "):
        location(host="nowhere")
    with pytest.raises(InputError, match="--workers gpu=N"):
        add.using(kind="gpu")(1)
    assert add.using(target=location(rank=0))(1).result() == 1


def test_the_more_important_runs_first(flow):
    STAMPS.clear()
    assert stamps([1, 3, 2]).result() == [None] * 3
    assert STAMPS == [3, 2, 1]


STAMPS: list[int] = []


@app
def stamp(number):
    STAMPS.append(number)


@app
def stamps(priorities):
    """Put calls that get into the queue at the same time."""
    return [stamp.using(priority=one)(one) for one in priorities]


@app
def flaky(name):
    STAMPS.append(name)
    if STAMPS.count(name) < 3:
        raise OSError("not yet")
    return "at last"


def test_a_call_that_fails_is_attempted_again(flow):
    assert flaky.using(attempts=3)("three").result() == "at last"
    assert STAMPS.count("three") == 3
    assert "not yet" in str(flaky.using(attempts=2)("two").exception())
    assert STAMPS.count("two") == 2
