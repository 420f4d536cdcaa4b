"""Inputs that are too large to travel with tasks: fetched once, and cached within a bound."""

import pytest

from supervisor.balancer.inputs import Inputs
from supervisor.balancer.layout import split
from supervisor.balancer.messages import Fetch, Fetched
from supervisor.core.task import Task

X, Y = (7, None), (8, "k")


@pytest.fixture
def inputs():
    return Inputs(split(8, 2), most_bytes=100)


def task(task_id, *names, values=None):
    return Task(task_id, b"", inputs=names, values=values or (None,) * len(names))


def test_small_inputs_need_no_fetch(inputs):
    small = task(1, X, values=(b"small",))
    assert inputs.take(small) == (small, [])


def test_a_large_input_is_fetched_from_its_owner_once_for_all_tasks(inputs):
    layout = split(8, 2)
    kept, sends = inputs.take(task(1, X, Y))
    assert kept is None
    assert sends == [(layout.servers[1], Fetch(*X)), (layout.servers[0], Fetch(*Y))]
    assert inputs.take(task(2, X)) == (None, [])
    complete, ended = inputs.arrive(Fetched(*X, b"xxx"))
    assert [(one.id, one.values) for one in complete] == [(2, (b"xxx",))]
    complete, ended = inputs.arrive(Fetched(*Y, 5))
    assert [(one.id, one.values) for one in complete] == [(1, (b"xxx", 5))]
    assert not ended
    assert not inputs


def test_what_was_fetched_is_there_for_later_tasks_within_the_bound(inputs):
    inputs.take(task(1, X))
    inputs.arrive(Fetched(*X, bytes(60)))
    ready, sends = inputs.take(task(2, X))
    assert ready.values == (bytes(60),)
    assert not sends
    inputs.take(task(3, Y))
    inputs.arrive(Fetched(*Y, bytes(60)))  # both do not fit
    assert inputs.take(task(4, Y))[0] is not None
    assert inputs.take(task(5, X))[0] is None, "the one used longest ago went"


def test_an_input_that_is_not_there_fails_the_tasks(inputs):
    inputs.take(task(1, X))
    complete, ended = inputs.arrive(Fetched(*X, None, "x (datum 7) was freed"))
    assert not complete
    assert [(one.id, one.failure.kind) for one in ended] == [(1, "unwritten")]
    assert "x (datum 7)" in ended[0].failure.message


def test_withdrawn_tasks_end_when_their_inputs_arrive(inputs):
    inputs.take(task(1, X))
    inputs.take(task(2, X))
    inputs.withdraw({1})
    complete, ended = inputs.arrive(Fetched(*X, b"x"))
    assert [one.id for one in complete] == [2]
    assert [(one.id, one.failure.kind) for one in ended] == [(1, "cancelled")]
