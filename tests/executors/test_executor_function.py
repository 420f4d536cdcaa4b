"""Calls of functions as tasks and bulks."""

import pickle

import pytest

from supervisor.core.calls import Callee, CallFailed, Written, stored, values
from supervisor.core.executor import Seat
from supervisor.core.operations import Update
from supervisor.executors.function import FunctionExecutor


def double(x):
    return 2 * x


def add(x, *inputs):
    return x + sum(inputs)


def picky(x):
    if x == 1:
        raise ValueError("one is refused")
    if x == 2:
        raise SystemExit(7)
    if x == 3:
        return lambda: None  # cannot be pickled
    return x


class Stubborn(Exception):
    """An error that cannot be rebuilt from its pickle."""

    def __init__(self, first, second):
        super().__init__(first)


def stubborn(x):
    raise Stubborn("no", x)


def count(counter):
    return Written("counted", Update(counter, "incr", 1))


@pytest.fixture
def executor():
    return FunctionExecutor(Seat(3))


def run(executor, task):
    executor.start(task)
    return executor.poll()


def test_a_task_is_one_call(executor):
    result = run(executor, Callee(double).task(5, 21))
    assert (result.id, result.rank, result.failure) == (5, 3, None)
    assert list(values(result)) == [42]
    assert executor.poll() is None


def test_a_part_of_a_bulk_is_several_calls(executor):
    bulk = Callee(double).bulk(5, range(10), calls_per_part=4)
    assert bulk.width == 3
    parts = [run(executor, bulk.slice(i, i + 1)).value for i in range(3)]
    assert [value for part in parts for value in pickle.loads(part)] == list(range(0, 20, 2))


def test_inputs_are_further_arguments(executor):
    task = Callee(add).task(1, 1, inputs=((7, None), (8, None)), values=(pickle.dumps(10), 100))
    assert list(values(run(executor, task))) == [111]


def test_closures_and_lambdas_travel_by_value(executor):
    factor = 3
    assert list(values(run(executor, Callee(lambda x: factor * x).task(1, 5)))) == [15]


def test_a_call_that_raises_fails_its_task(executor):
    failure = run(executor, Callee(picky).task(1, 1)).failure
    assert (failure.kind, failure.message) == ("raised", "ValueError: one is refused")
    assert "in picky" in failure.details
    assert "executors/function.py" not in failure.details, "our own frames are left out"
    assert run(executor, Callee(picky).task(1, 2)).failure.message == "SystemExit: 7"
    assert "pickle" in run(executor, Callee(picky).task(1, 3)).failure.message.lower()


def test_a_call_of_a_bulk_that_raises_fails_alone_and_none_runs_twice(executor):
    [part] = Callee(picky).bulk(1, range(5)).parts
    result = run(executor, Callee(picky).bulk(1, range(5)))
    first, refused, left, unsendable, last = pickle.loads(result.value)
    assert part
    assert (first, last) == (0, 4)
    assert isinstance(refused, CallFailed)
    assert isinstance(refused.error, ValueError)
    assert "one is refused" in refused.text
    assert isinstance(left.error, SystemExit)
    assert isinstance(unsendable, CallFailed)


def test_an_error_that_cannot_travel_is_told_in_words(executor):
    [failed] = pickle.loads(run(executor, Callee(stubborn).bulk(1, [2])).value)
    assert isinstance(failed.error, RuntimeError)
    assert "Stubborn: no" in str(failed.error)


def test_a_call_may_write_data(executor):
    result = run(executor, Callee(count).task(1, 17))
    assert list(values(result)) == ["counted"]
    assert result.operations == (Update(17, "incr", 1),)
    bulk = run(executor, Callee(count).bulk(2, [17, 18]))
    assert len(bulk.operations) == 2


def test_a_payload_that_is_no_call_is_a_failure(executor):
    task = Callee(double).task(1, 1)
    broken = type(task)(1, b"nonsense")
    assert run(executor, broken).failure.kind == "raised"


def test_numbers_and_bytes_are_read_back_as_what_they_were():
    assert stored(pickle.dumps({"a": 1})) == {"a": 1}
    assert stored(3.5) == 3.5
