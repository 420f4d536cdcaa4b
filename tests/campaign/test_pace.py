"""How many points are in flight."""

import pytest

from supervisor.campaign.pace import MOST_AHEAD, Pace


def pace(workers, evaluation_s=None, ask_s=0.0):
    one = Pace(workers)
    if evaluation_s is not None:
        one.evaluated(evaluation_s)
    one.answered(ask_s)
    return one


def test_points_that_need_no_results_are_always_ahead():
    assert pace(1).wanted(independent=True) >= 2
    assert pace(64, 100.0).wanted(independent=True) == 80
    assert pace(64, 1e-6).wanted(independent=True) == 64 + MOST_AHEAD


def test_nothing_is_chosen_too_early_before_a_first_result():
    assert pace(16).wanted(independent=False) == 16


@pytest.mark.parametrize(
    ("workers", "evaluation_s", "ask_s", "ahead"),
    [
        (16, 100.0, 0.1, 0),  # a wait of a quarter of a second in 100 costs nothing
        (16, 10.0, 0.5, 2),
        (64, 1.0, 0.5, 68),  # twice what is used up while it thinks, and a round trip
        (2, 0.05, 0.3, 26),
        (3, 10.0, 0.1, 1),
        (4, 1e-6, 0.1, 64),  # many at once would be chosen without results of any other
    ],
)
def test_points_are_ahead_for_as_long_as_the_optimizer_thinks(workers, evaluation_s, ask_s, ahead):
    assert pace(workers, evaluation_s, ask_s).wanted(independent=False) == workers + ahead


def test_a_long_thought_is_remembered_for_a_while():
    one = pace(10, 1.0, ask_s=2.0)
    before = one.wanted(independent=False)
    one.answered(0.0)
    assert 10 < one.wanted(independent=False) < before
    for _ in range(50):
        one.answered(0.0)
    assert one.wanted(independent=False) == 11


def test_the_length_of_evaluations_is_a_running_mean():
    one = pace(10, 1.0, ask_s=0.5)
    for _ in range(200):
        one.evaluated(100.0)
    assert one.wanted(independent=False) == 10
