"""What a member reads, and how fast it learns."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.errors import InputError
from supervisor.trainers.data import batches, share
from supervisor.trainers.members import Members
from supervisor.trainers.rates import scaled

SIZES = st.integers(1, 7)


def members(size):
    return [Members(rank, size, ("a",) * size) for rank in range(size)]


def epoch_of(size, count, batch_size, seed=1, epoch=0):
    """Return the batches of all members, by member and step."""
    return [
        list(batches(one, count, batch_size=batch_size, seed=seed, epoch=epoch))
        for one in members(size)
    ]


@given(SIZES, st.integers(1, 9), st.integers(1, 5), st.integers(0, 30))
def test_members_take_equal_steps_and_no_sample_twice(size, batch_size, steps, left_over):
    count = steps * size * batch_size + left_over % (size * batch_size)
    every = epoch_of(size, count, batch_size)
    assert {len(one) for one in every} == {steps}
    read = [sample for one in every for batch in one for sample in batch]
    assert len(read) == len(set(read)) == steps * size * batch_size
    assert set(read) <= set(range(count))


@given(SIZES, st.integers(1, 6), st.integers(0, 3))
def test_the_joined_batch_does_not_depend_on_the_members(size, batch_size, epoch):
    count = 3 * size * batch_size
    [alone] = epoch_of(1, count, size * batch_size, epoch=epoch)
    together = epoch_of(size, count, batch_size, epoch=epoch)
    joined = [[one for batch in step for one in batch] for step in zip(*together, strict=True)]
    assert joined == alone


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [
        epoch_of(2, 100, 10, seed, epoch) for seed, epoch in ((1, 0), (1, 1), (2, 0), (11, 0))
    ]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])
    assert epoch_of(2, 100, 10, 1, 1) == orders[1]


def test_too_few_samples_for_a_step_are_refused():
    with pytest.raises(InputError, match="7 samples are fewer than the 8 of one step"):
        epoch_of(2, 7, 4)


@given(SIZES, st.integers(0, 50))
def test_every_sample_is_evaluated_by_one_member(size, count):
    shares = [share(one, count) for one in members(size)]
    assert sorted(index for each in shares for index in each) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_the_rate_grows_evenly_from_that_of_one_member_to_that_of_all():
    rates = [scaled(0.1, size=8, step=step, warmup_steps=10) for step in range(13)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:] == pytest.approx([0.8] * 3)
    increases = [after - before for before, after in pairwise(rates[:11])]
    assert increases == pytest.approx([0.07] * 10)


def test_without_warm_up_the_rate_is_full_at_once():
    assert scaled(0.1, size=4, step=0, warmup_steps=0) == pytest.approx(0.4)


def test_one_member_alone_keeps_its_rate():
    assert {scaled(0.1, size=1, step=step, warmup_steps=5) for step in range(9)} == {0.1}
