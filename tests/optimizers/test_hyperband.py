"""Hyperband."""

import math
from collections import Counter

import pytest

from supervisor.core.errors import InputError
from supervisor.optimizers.fidelity.hyperband import hyperband
from supervisor.optimizers.protocol import Continuation, Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.halving_searches import EPOCHS, curve, parse
from tests.optimizers.virtual_workers import Unwrapped, Workers


def promoting(space=EPOCHS, **settings):
    return hyperband(space, **{"resource": "epochs", "mode": "promote"} | settings)


class TestStopping(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: hyperband(SPACE, evaluations=40, resource="epochs", seed=seed)


class TestPromoting(OptimizerContract):
    def problem(self, values):
        return EPOCHS.problem(values)

    @pytest.fixture
    def make(self):
        return lambda seed: Unwrapped(promoting(evaluations=40, seed=seed))


def test_brackets_are_filled_one_after_the_other_with_the_numbers_of_the_paper():
    """R = 81, eta = 3: the table of section 2.2 of the paper."""
    space = parse({"x": {"float": [0, 1]}, "epochs": {"int": [1, 81]}})
    points = promoting(space).ask(1_000)
    levels = [one["epochs"] for one in points]
    assert levels == sorted(levels)
    assert Counter(levels) == {1: 81, 3: 34, 9: 15, 27: 8, 81: 5}


def test_one_round_is_the_default_and_its_halvings_are_those_of_the_paper():
    """With results in order of asking, no rung promotes more than its share."""
    search = promoting()
    points, told = [], 0
    while asked := search.ask(1_000):
        points += asked
        batch = list(enumerate(points))[told:]
        told = len(points)
        search.tell([Told(id=i, values=plain(p), loss=plain(p)["x"]) for i, p in batch])
    assert Counter(plain(one)["epochs"] for one in points) == {
        1: 27,
        3: 9 + 12,
        9: 3 + 4 + 6,
        27: 1 + 1 + 2 + 4,
    }


def plain(point):
    return point.values if isinstance(point, Continuation) else point


def test_evaluations_are_as_many_as_were_wanted():
    assert len(Workers(curve, 6).run(promoting(evaluations=300))) == 300


def test_no_worker_waits_for_others():
    crew = Workers(curve, 6, limit=300)
    crew.run(promoting(evaluations=1_000))
    assert crew.idle == 0


def test_a_round_does_not_wait_for_a_straggler():
    search = promoting()
    first = search.ask(27 + 12)
    search.tell([Told(id=i, values=p, loss=p["x"]) for i, p in enumerate(first) if i != 3])
    assert len(search.ask(100)) == (26 // 3 + 12 // 3) + 6 + 4


def test_a_configuration_climbs_within_its_bracket():
    crew = Workers(curve, 5)
    for training in crew.run(promoting()):
        if training.parent is not None:
            assert training.epochs == 3 * crew.trainings[training.parent].epochs


def test_trials_are_stopped_within_their_bracket_only():
    crew = Workers(curve, 5)
    trainings = crew.run(hyperband(EPOCHS, resource="epochs"))
    assert len(trainings) == 27 + 12 + 6 + 4
    first, second, third, full = (
        [one.epochs for one in trainings[start:end]]
        for start, end in [(0, 27), (27, 39), (39, 45), (45, 49)]
    )
    assert set(first) == {1, 3, 9, 27}
    assert min(second) == 3
    assert min(third) == 9
    assert set(full) == {27}


@pytest.mark.parametrize("mode", ["stop", "promote"])
def test_failures_and_nan_do_not_stop_it(mode):
    def diverging(values, epochs):
        return math.nan if values["x"] > 0.8 else curve(values, epochs)

    crew = Workers(diverging, 6, fails=lambda values: values["x"] < 0.2)
    search = hyperband(EPOCHS, resource="epochs", mode=mode, evaluations=200)
    assert len(crew.run(search)) == 200
    done = [one for one in crew.trainings if one.epochs == 27 and one.loss is not None]
    assert min(abs(one.values["x"] - 0.3) for one in done) < 0.1


@pytest.mark.parametrize("mode", ["stop", "promote"])
def test_the_same_calls_give_the_same_points(mode):
    runs = [
        Workers(curve, 7).run(
            hyperband(EPOCHS, resource="epochs", mode=mode, evaluations=120, seed=5)
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_a_resource_that_cannot_be_halved_is_explained():
    with pytest.raises(InputError, match="nothing to halve"):
        hyperband(EPOCHS, resource="epochs", min_resource=20)
