"""Optuna's samplers behind ask and tell."""

import math
import statistics

import optuna as library
import pytest

from supervisor.core.errors import InputError, OptimizerError, UnknownName
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.optuna import Optuna
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import Learner, Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.searching import MIXED, ONED, mixed, oned, parse, search


class TestTpe(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: Optuna(
            SPACE, evaluations=40, settings={"n_startup_trials": 5}, seed=seed
        )


class TestRandomSampler(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: Optuna(SPACE, evaluations=40, sampler="RandomSampler", seed=seed)


def test_the_library_is_not_mistaken_for_the_module_of_its_name():
    assert library.__name__ == "optuna"
    assert Optuna.__module__ == "supervisor.optimizers.optuna"
    assert library.samplers.TPESampler.__module__.startswith("optuna.")


def test_mixed_parameters_are_searched_with_conditions_and_forbidden_points():
    optimizer = Optuna(MIXED, evaluations=120, settings={"multivariate": True, "group": True})
    found = search(optimizer, mixed)
    assert len(found.points) == 120
    assert [MIXED.problem(values) for values in found.points] == [""] * 120
    drawn = search(adapt(random(MIXED, evaluations=120, seed=1)), mixed)
    assert statistics.median(loss for (loss,) in found.losses[-40:]) < statistics.median(
        loss for (loss,) in drawn.losses
    )
    assert found.best < 0.15


def trials(optimizer):
    return optimizer._study.trials


def test_inactive_parameters_are_not_suggested():
    optimizer = Optuna(MIXED, evaluations=30, sampler="RandomSampler")
    points = optimizer.ask(30)
    complete = [trial for trial in trials(optimizer) if trial.state.name == "RUNNING"]
    assert [set(trial.params) for trial in complete] == [
        values.keys() - {"epochs"} for values in points
    ]
    assert {"twice" in values for values in points} == {True, False}


def test_failed_and_undefined_results_are_failed_trials():
    optimizer = Optuna(ONED, evaluations=4)
    losses = [1.0, None, math.nan, math.inf]
    points = optimizer.ask(4)
    for number, loss in enumerate(losses):
        optimizer.tell([Told(id=number, values=points[number], loss=loss)])
    assert [trial.state.name for trial in trials(optimizer)] == [
        *("COMPLETE", "FAIL", "FAIL", "COMPLETE")
    ]
    assert trials(optimizer)[3].value == math.inf


@pytest.mark.parametrize("sampler", ["TPESampler", "NSGAIISampler", "QMCSampler"])
def test_a_replay_gives_the_same_points(sampler):
    def points():
        return search(Optuna(MIXED, evaluations=20, sampler=sampler, seed=7), mixed).points

    assert points() == points()


def test_a_space_with_a_tiny_allowed_part_is_searched():
    space = parse({"x": {"float": [0, 1]}, "y": {"float": [0, 1]}}, ["x > 0.05 or y > 0.05"])
    points = Optuna(space, evaluations=3).ask(3)
    assert [space.problem(values) for values in points] == [""] * 3
    nothing = parse({"x": {"int": [0, 9]}}, ["x >= 0"])
    with pytest.raises(OptimizerError, match="forbid clauses leave nothing"):
        Optuna(nothing, evaluations=3).ask(1)


class TestLearning:
    def test_results_become_trials(self):
        optimizer = Optuna(MIXED, evaluations=9)
        assert isinstance(optimizer, Learner)
        source = search(Optuna(MIXED, evaluations=30, sampler="RandomSampler"), mixed)
        results = [
            Told(id=0, values=values, loss=loss)
            for values, (loss,) in zip(source.points, source.losses, strict=True)
        ]
        optimizer.learn(results)
        assert [trial.value for trial in trials(optimizer)] == [loss for (loss,) in source.losses]
        best = min(results, key=lambda result: result.loss).values
        named = optimizer._study.best_trial.params
        assert named["x"] == best["x"]
        assert [8, 16, 32, 64][named["batch"]] == best["batch"]
        assert ["a", "b", "c"][named["kind"]] == best["kind"]

    def test_what_cannot_be_learned_is_passed_over(self):
        optimizer = Optuna(ONED, evaluations=9)
        optimizer.learn(
            [
                Told(id=0, values={"x": 30.0}, loss=1.0),
                Told(id=0, values={"x": 3.0}, loss=None),
                Told(id=0, values={"x": 4.0}, loss=math.nan),
            ]
        )
        assert trials(optimizer) == []

    def test_what_is_learned_is_used(self):
        near = [Told(id=0, values={"x": 7 + i / 100}, loss=abs(i) / 100) for i in range(-10, 11)]
        far = [Told(id=0, values={"x": x / 2}, loss=5.0 + x) for x in range(40)]
        optimizer = Optuna(ONED, evaluations=10)
        optimizer.learn(near + far)
        assert statistics.median(abs(values["x"] - 7) for values in optimizer.ask(10)) < 2


def test_several_objectives():
    def two(values):
        return values["x"], 20 - values["x"]

    optimizer = Optuna(ONED, evaluations=20, sampler="NSGAIISampler", objectives=2)
    assert len(search(optimizer, two).points) == 20
    single = Optuna(ONED, evaluations=20)
    with pytest.raises(
        OptimizerError, match=r"has 2 losses, not 1; set optimizer.objectives to 2"
    ):
        search(single, two)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"sampler": "TPSampler"}, UnknownName, "Did you mean 'TPESampler'"),
        ({"sampler": "BaseSampler"}, UnknownName, "unknown sampler 'BaseSampler'"),
        ({"settings": {"n_startup": 3}}, InputError, "TPESampler does not take .* 'n_startup'"),
        ({"sampler": "QMCSampler", "settings": {"qmc_type": "x"}}, InputError, "QMCSampler does"),
        ({"settings": {"seed": 3}}, InputError, "the seed stands in optimizer.seed"),
    ],
)
def test_settings_that_optuna_does_not_take_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        Optuna(ONED, evaluations=3, **settings)


def test_nothing_is_printed(capfd):
    search(Optuna(ONED, evaluations=5), oned)
    assert capfd.readouterr() == ("", "")
