"""Choices and loops that depend on values, in one process."""

import pytest

import supervisor
from supervisor import AppFailed, app, gather, repeat, when


@pytest.fixture(autouse=True)
def flow():
    with supervisor.flow() as own:
        yield own


@app
def increase(x):
    return x + 1


@app
def is_even(x):
    return x % 2 == 0


@app
def broken(x):
    raise ValueError(f"{x} is refused")


def test_the_condition_decides_what_is_called():
    assert when(is_even(2), increase, broken, 5).result() == 6
    assert when(is_even(3), broken, increase, increase(5)).result() == 7
    assert when(is_even(3), broken).result() is None
    assert when(True, lambda: "plain").result() == "plain"


def test_a_choice_fails_with_its_condition():
    assert "1 is refused" in str(when(broken(1), increase, increase, 1).exception())


def test_a_loop_carries_its_state():
    assert repeat(increase, increase(0), lambda x: x >= 10).result() == 10
    assert repeat(increase, 0, lambda x: False, most=4).result() == 4
    assert repeat(lambda x: x * 2, 1, lambda x: x > 100).result() == 128
    assert repeat(broken, 3, lambda x: True).result() == 3


def test_the_condition_of_a_loop_can_be_an_app():
    assert repeat(increase, 7, is_even).result() == 8


def test_loops_run_side_by_side():
    loops = [repeat(increase, start, lambda x: x >= 20) for start in range(10)]
    assert gather(sum, loops).result() == 200


def test_a_step_that_fails_ends_its_loop():
    with pytest.raises(AppFailed, match="5 is refused"):
        repeat(broken, 5, lambda x: False).result()
