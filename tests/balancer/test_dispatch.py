"""Matching tasks with the workers that wait, and asking others back for some of theirs."""

import pytest

from supervisor.balancer.dispatch import Dispatch
from supervisor.balancer.layout import split
from supervisor.core.task import Target
from tests.balancer.units import spans, tasks


@pytest.fixture
def dispatch():
    """Workers 1 and 3 are on host 0 and 2 on host 1, all at home at server 4."""
    return Dispatch(4, split(5, 1), {1: 0, 2: 1, 3: 0})


def given(dispatch, worker):
    dispatch.heard(worker, wanted=True, now=0.0)
    assigned, _ = dispatch.match(0.0)
    return {to: spans(found) for to, found in assigned}.get(worker, [])


@pytest.mark.parametrize(
    ("worker", "target", "runs"),
    [
        (1, Target(rank=1), True),
        (2, Target(rank=2), True),
        (2, Target(host=1), True),
        (1, Target(host=0), False),  # worker 3 is there too
        (2, Target(rank=2, hard=False), False),
        (2, Target(host=1, hard=False), False),
        (2, None, False),
    ],
)
def test_a_task_runs_on_the_rank_it_avoids_only_if_it_can_run_nowhere_else(
    dispatch, worker, target, runs
):
    dispatch.queue(tasks(7, target=target, avoid=worker), 0.0)
    assert given(dispatch, worker) == ([7] if runs else [])


def test_workers_for_whom_nothing_is_queued_look_elsewhere(dispatch):
    dispatch.queue(tasks(7, target=Target(rank=1)), 0.0)
    assert given(dispatch, 2) == []
    assert dispatch.wanted() == {0}


def test_one_is_asked_back_for_what_others_may_run_though_something_else_is_queued(dispatch):
    for _ in range(100):
        dispatch.credits[0].learn(1e-5)
    dispatch.queue(tasks(*range(12)), 0.0)
    assert len(given(dispatch, 1)) == 2
    dispatch.remove(range(12))
    dispatch.queue(tasks(99, target=Target(rank=1)), 0.0)
    assert given(dispatch, 2) == []
    assert dispatch.recalls(frozenset()) == [(1, 1)]
    assert dispatch.recalls(frozenset()) == [], "it has not answered yet"


def test_one_that_has_only_tasks_of_its_own_is_spared(dispatch):
    for _ in range(100):
        dispatch.credits[0].learn(1e-5)
    dispatch.queue(tasks(*range(24), target=Target(rank=1)), 0.0)
    assert len(given(dispatch, 1)) == 4
    dispatch.heard(2, wanted=True, now=0.0)
    assert dispatch.recalls(frozenset()) == [(1, 2)]
    dispatch.give_back(1, [(3, 0, 1), (2, 0, 1)], 0.0)
    assert dispatch.recalls(frozenset()) == []
