"""How much a worker is given at a time, by how long tasks have taken."""

import pytest

from supervisor.balancer.credit import BATCH_S, MOST_UNITS, PATIENCE_S, Credit


def taught(seconds, workers=2):
    credit = Credit(workers)
    for _ in range(500):
        credit.learn(seconds)
    return credit


def test_before_anything_is_known_tasks_are_given_one_by_one():
    assert Credit(2).share(1000) == 1


@pytest.mark.parametrize("seconds", [1e-5, 1e-4, 1e-3])
def test_an_answer_carries_about_a_batch_of_work(seconds):
    assert taught(seconds).share(10**6) == pytest.approx(BATCH_S / seconds, abs=1)


def test_but_half_of_a_fair_share_at_most():
    assert taught(1e-5, workers=4).share(80) == 10


def test_and_never_more_than_a_message_should_carry():
    assert taught(0.0).share(10**9) == MOST_UNITS


def test_there_is_always_one():
    assert taught(1e-5, workers=64).share(1) == 1
    assert Credit(0).share(1) == 1


def test_one_long_task_is_remembered_for_a_while():
    credit = taught(1e-5)
    credit.learn(PATIENCE_S)
    assert credit.share(10**6) == 1
    for _ in range(200):
        credit.learn(1e-5)
    assert credit.share(10**6) > 100
