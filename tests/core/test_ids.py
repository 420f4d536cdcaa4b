"""Ids of data: unique among ranks, with the chosen owner, and sets of them."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from supervisor.core.ids import Ids, IdSet, owner


def test_ids_are_unique_among_ranks_and_have_the_chosen_owner():
    makers = [Ids(rank, 5, 3) for rank in range(5)]
    ids = [maker.take(at) for maker in makers for at in (0, 1, 2) for _ in range(20)]
    assert len(set(ids)) == len(ids) and min(ids) > 0
    assert [owner(id, 3) for id in ids[:60]] == [0] * 20 + [1] * 20 + [2] * 20
    with pytest.raises(ValueError, match="there is no server 3"):
        makers[0].take(3)


def test_owners_take_turns_and_ranks_begin_at_different_ones():
    assert [owner(Ids(rank, 5, 3).take(), 3) for rank in range(3)] == [0, 1, 2]
    one = Ids(0, 5, 3)
    assert [owner(one.take(), 3) for _ in range(4)] == [0, 1, 2, 0]


def test_an_id_that_was_given_back_is_taken_again():
    ids = Ids(0, 2, 2)
    first = ids.take(1)
    ids.give_back(first)
    assert ids.take(1) == first != ids.take(1)


@given(st.lists(st.integers(0, 60), unique=True), st.integers(1, 4))
def test_a_set_of_ids_is_a_set_in_runs(numbers, stride):
    ids = IdSet(stride)
    for number in numbers:
        ids.add(number)
    assert [number for number in range(-5, 70) if number in ids] == sorted(numbers)
    beginnings = [number for number in numbers if number - stride not in numbers]
    assert ids.runs == len(beginnings)
