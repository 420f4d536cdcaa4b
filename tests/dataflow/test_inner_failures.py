"""What failures say of calls whose values other calls were to give."""

import os

import pytest

import supervisor
from supervisor import Array, app, gather
from supervisor.executors.nested import labelled, labels_of


@app
def add(*numbers):
    return sum(numbers)


@app
def fail(text):
    raise ValueError(text)


@app(run="process")
def die():
    os._exit(7)


@app
def outer(text):
    return fail(text)


@app(run="process")
def isolated(text):
    return outer(text)


@app
def lists(text):
    return [fail(text), add(1)]


@app
def calls_what_dies():
    return die()


@app
def countdown(n):
    return countdown(n - 1) if n else fail("at last")


@app
def back_and_forth(n):
    return forth_and_back(n - 1) if n else fail("at last")


@app
def forth_and_back(n):
    return back_and_forth(n)


@app
def hands_on(value):
    return add(value, 1)


tried = []


@app(attempts=2)
def fails_once():
    tried.append(1)
    if len(tried) == 1:
        raise ValueError("the first time")
    return len(tried)


@app
def calls_what_fails_once():
    return fails_once()


@pytest.fixture(autouse=True)
def flow():
    with supervisor.flow() as own:
        yield own


def path(future):
    """Return the first line of a failure, and who needed the value, without line numbers."""
    text = str(future.exception())
    assert "(datum" not in text
    first, *others = text.splitlines()
    needed = [line.partition(" (")[0] for line in others if line.startswith("needed by ")]
    return [first.replace(first[first.find(" (") : first.find(")") + 1], ""), *needed]


def test_the_call_that_failed_comes_first_and_then_who_returned_it():
    wanted = ["fail failed: ValueError: x", "needed by outer"]
    assert path(outer("x")) == wanted
    assert path(add(outer("x"), 1)) == [*wanted, "needed by add"]
    assert path(lists("x")) == ["fail failed: ValueError: x", "needed by lists"]
    assert path(gather(sum, [outer("x")])) == [*wanted, "needed by gather of sum"]


def test_the_traceback_and_the_arguments_are_those_of_the_call_that_failed():
    text = str(outer("x").exception())
    assert "in the call fail('x')\nneeded by outer (test_inner_failures.py:" in text
    assert text.count("Traceback") == text.count("ValueError: x\nTrace") == 1


def test_it_is_the_same_across_processes():
    wanted = ["fail failed: ValueError: x", "needed by outer", "needed by isolated"]
    assert path(isolated("x")) == wanted
    assert path(calls_what_dies()) == [
        "die failed: exited with code 7",
        "needed by calls_what_dies",
    ]


def test_of_a_recursion_each_line_that_calls_is_named_once():
    first = "fail failed: ValueError: at last"
    assert path(countdown(20)) == [first, "needed by countdown", "needed by countdown"]
    found = path(back_and_forth(20))
    assert found[0] == first
    assert set(found[1:]) == {"needed by back_and_forth", "needed by forth_and_back"}
    assert len(found) == 4


def test_an_inner_call_is_tried_again_as_often_as_it_asks():
    assert calls_what_fails_once().result() == 2


def test_what_is_handed_on_is_named_by_who_failed():
    assert path(hands_on(fail("x")))[0] == "fail failed: ValueError: x"


def test_variables_are_named_and_not_numbered(flow):
    array = Array("x")
    array["k"] = 1
    waiting = add(array["other"])
    array.close()
    assert path(waiting)[1:] == ["needed by add"]
    assert str(waiting.exception()).startswith("x['other'] was never written: ")
    with supervisor.flow() as other:
        array = Array("y")
        for value in (1, 2):
            array["k"] = value
    assert other.unheard == ["y['k'] was written already"]


@pytest.mark.parametrize("payload", [b".", b"x" * 70_000 + b"."])
def test_labels_stand_behind_a_payload(payload):
    assert labels_of(payload) == []
    told = labelled(payload, ["inner", "middle", "inner", "ä" * 100])
    assert told.startswith(payload)
    assert labels_of(told) == ["inner", "middle", "ä" * 100]
