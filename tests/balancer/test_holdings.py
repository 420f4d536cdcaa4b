"""What a worker holds, until it has answered each part of it."""

import pytest

from supervisor.balancer.holdings import Holdings
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Task
from tests.balancer.units import bulk, spans, tasks


def test_what_was_given_can_be_answered_in_any_order():
    held = Holdings(3)
    for task in (*tasks(1), bulk(2, 5)):
        held.add(task)
    assert (held.width, held.ids()) == (6, {1, 2})
    assert held.remove(2, 3, 2).parts == (b"3", b"4")
    assert held.remove(1, 0, 1).id == 1
    assert held.remove(2, 0, 3).parts == (b"0", b"1", b"2")
    assert (held.width, held.ids()) == (0, set())


def test_the_middle_of_a_slice_can_be_answered():
    held = Holdings(3)
    held.add(bulk(2, 5))
    assert spans([held.remove(2, 2, 1)]) == [(2, 2, 2)]
    assert spans([held.remove(2, 3, 2), held.remove(2, 0, 2)]) == [(2, 3, 4), (2, 0, 1)]


def test_several_slices_of_a_bulk_are_told_apart():
    held = Holdings(3)
    for begin, end in ((6, 8), (0, 2)):
        held.add(bulk(2, 9).slice(begin, end))
    assert spans([held.remove(2, 1, 1), held.remove(2, 6, 2)]) == [(2, 1, 1), (2, 6, 7)]
    assert 2 in held


@pytest.mark.parametrize(("first", "width"), [(1, 2), (2, 5), (7, 1), (0, 9)])
def test_what_was_not_given_is_a_protocol_error(first, width):
    held = Holdings(3)
    for begin, end in ((0, 2), (2, 5)):
        held.add(bulk(2, 9).slice(begin, end))
    with pytest.raises(ProtocolError, match=f"rank 3 answers task 2, parts {first} to"):
        held.remove(2, first, width)
    assert held.width == 5
    assert held.remove(2, 2, 3).width == 3, "an error changes nothing"


def test_nothing_is_answered_twice():
    held = Holdings(3)
    held.add(Task(1, b""))
    held.remove(1, 0, 1)
    with pytest.raises(ProtocolError):
        held.remove(1, 0, 1)
