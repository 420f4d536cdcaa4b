"""Asynchronous successive halving, by early stopping."""

import math
import random

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.optimizers.fidelity.asha import asha
from supervisor.optimizers.protocol import Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.halving_searches import curve, noisy, parse, stopping
from tests.optimizers.virtual_workers import Workers


class TestStopping(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: asha(SPACE, evaluations=40, resource="epochs", seed=seed)


def test_a_trial_is_stopped_at_the_rung_where_it_falls_behind():
    search = stopping()
    search.ask(4)
    assert not search.report(0, 0, {"loss": 1.0})  # nobody to compare with
    assert search.report(1, 0, {"loss": 2.0})
    assert not search.report(2, 0, {"loss": 0.5})
    assert not search.report(2, 1, {"loss": 9.0})  # between rungs
    assert not search.report(2, 2, {"loss": 0.4})
    assert search.report(0, 2, {"loss": 0.6})
    assert search.report(0, 3, {"loss": 0.0}), "what was told to stop is told again"


def test_most_trials_are_stopped_early_and_the_best_are_not():
    crew = Workers(curve, 5)
    trainings = crew.run(stopping(evaluations=100))
    full = [one for one in trainings if one.epochs == 27]
    assert 1 <= len(full) <= 15
    assert abs(min(full, key=lambda one: one.loss).values["x"] - 0.3) < 0.05
    assert {one.epochs for one in trainings} <= {1, 3, 9, 27}
    assert crew.spent() < 0.35 * 27 * 100


@pytest.mark.parametrize("seed", range(5))
def test_what_is_stopped_is_what_the_rung_rule_stops(seed):
    rng = random.Random(seed)
    search = stopping(evaluations=90)
    losses = {1: [], 3: [], 9: []}
    over = set()
    search.ask(90)
    for step in range(26):
        for number in rng.sample(range(90), 90):
            loss = rng.random()
            stops = search.report(number, step, {"loss": loss})
            if number not in over and step + 1 in losses:
                seen = losses[step + 1]
                seen.append(loss)
                if sum(other < loss for other in seen) >= max(1, len(seen) // 3):
                    over.add(number)
            assert stops == (number in over)


def test_nan_is_stopped_at_its_first_rung_even_if_it_comes_first():
    search = stopping()
    search.ask(2)
    assert search.report(0, 0, {"loss": math.nan})
    assert not search.report(1, 0, {"loss": 5.0})


def test_reports_that_are_late_or_repeated_change_nothing():
    search = stopping()
    points = search.ask(3)
    assert not search.report(0, 0, {"loss": 1.0})
    assert not search.report(0, 0, {"loss": 0.0}), "of a second attempt"
    assert not search.report(1, 0, {"loss": 0.9})
    search.tell([Told(id=0, values=points[0], loss=0.5)])
    assert not search.report(0, 8, {"loss": 9.0})
    assert not search.report(77, 8, {"loss": 9.0})


def test_a_rung_that_was_passed_without_a_report_is_skipped():
    search = stopping()
    search.ask(3)
    assert not search.report(0, 4, {"loss": 1.0})  # at rung 3; that of 1 was missed
    assert not search.report(1, 0, {"loss": 2.0}), "the first one at its rung"
    assert search.report(1, 3, {"loss": 2.0})


def test_trials_without_reports_run_to_their_end():
    search = stopping(evaluations=4)
    points = search.ask(4)
    search.tell([Told(id=i, values=p, loss=1.0) for i, p in enumerate(points)])
    assert search.ask(1) == []


def test_a_word_to_stop_that_comes_late_is_no_problem():
    crew = Workers(noisy, 5, lag=2)
    trainings = crew.run(stopping(evaluations=60))
    assert len(trainings) == 60
    assert {one.epochs for one in trainings if one.stopped} <= {3, 5, 11}


def test_failed_trials_stop_nobody_else():
    crew = Workers(curve, 5, fails=lambda values: values["x"] < 0.25)
    trainings = crew.run(stopping(evaluations=100))
    assert len(trainings) == 100
    assert any(one.epochs == 27 and not one.failed for one in trainings)


def test_the_metric_that_decides_can_be_one_of_several_and_maximized():
    search = stopping(metric="accuracy", maximize=True)
    points = search.ask(3)
    assert not search.report(0, 0, {"accuracy": 0.5, "loss": 3})
    assert search.report(1, 0, {"accuracy": 0.4, "loss": 1})
    assert not search.report(2, 0, {"loss": 1})
    assert not search.report(2, 0, {"accuracy": 0.6})
    search.tell([Told(id=2, values=points[2], loss=-0.7)])


def test_a_metric_that_is_not_clear_is_an_error():
    search = stopping()
    search.ask(1)
    with pytest.raises(OptimizerError, match=r"report accuracy, loss; .* optimizer.metric"):
        search.report(0, 0, {"accuracy": 0.5, "loss": 3})
    with pytest.raises(OptimizerError, match="'high' as loss, which is not a number"):
        search.report(0, 0, {"loss": "high"})


def test_a_metric_that_is_never_reported_is_an_error_with_the_nearest_name():
    search = stopping(metric="val_los")
    points = search.ask(1)
    assert not search.report(0, 0, {"val_loss": 1.0})
    with pytest.raises(OptimizerError, match="Did you mean 'val_loss'"):
        search.tell([Told(id=0, values=points[0], loss=1.0)])


def test_without_a_resource_the_steps_of_reports_are_counted():
    space = parse({"x": {"float": [0, 1]}})
    search = asha(space, evaluations=50, max_resource=27)
    crew = Workers(curve, 5, resource=None)
    trainings = crew.run(search)
    assert all(one.values.keys() == {"x"} for one in trainings)
    assert {one.epochs for one in trainings} == {1, 3, 9, 27}


def test_the_resource_may_be_a_constant_when_nothing_goes_on():
    search = asha(parse({"x": {"float": [0, 1]}, "epochs": 27}), evaluations=9, resource="epochs")
    assert {one["epochs"] for one in search.ask(9)} == {27}
