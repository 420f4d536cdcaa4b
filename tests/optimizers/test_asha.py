"""Asynchronous successive halving, by going on from checkpoints."""

import math
import random

import pytest

from supervisor.optimizers.protocol import Continuation, EarlyStopper, Learner, Recaller, Told
from tests.contracts.optimizer import OptimizerContract
from tests.optimizers.halving_searches import curve, noisy, parse, promoting, stopping
from tests.optimizers.virtual_workers import Unwrapped, Workers

CONTRACT = parse(
    {
        "x": {"float": [-1.0, 1.0]},
        "activation": {"choice": ["relu", "tanh", [1, 2]]},
        "nesterov": {"bool": [True, False], "when": "activation == 'relu'"},
        "epochs": {"int": [1, 20]},
    },
    ["nesterov and x < 0"],
)


class TestPromoting(OptimizerContract):
    def problem(self, values):
        return CONTRACT.problem(values)

    @pytest.fixture
    def make(self):
        return lambda seed: Unwrapped(promoting(CONTRACT, evaluations=40, seed=seed))


def test_the_best_of_a_rung_goes_on_from_its_checkpoint():
    search = promoting()
    points = search.ask(3)
    assert [one["epochs"] for one in points] == [1, 1, 1]
    search.tell([Told(id=i, values=points[i], loss=loss) for i, loss in enumerate([3, 1, 2])])
    first, second = search.ask(2)
    assert first == Continuation(points[1] | {"epochs": 3}, parent=1)
    assert second["epochs"] == 1


def test_the_highest_rung_that_has_one_to_promote_comes_first():
    search = promoting()
    points = search.ask(9)
    search.tell([Told(id=i, values=p, loss=i) for i, p in enumerate(points)])
    middle = search.ask(3)
    assert [one.parent for one in middle] == [0, 1, 2]
    others = search.ask(3)
    search.tell([Told(id=12 + i, values=p, loss=-1 - i) for i, p in enumerate(others)])
    search.tell([Told(id=9 + i, values=p.values, loss=i) for i, p in enumerate(middle)])
    top, low = search.ask(2)
    assert (top.parent, top.values["epochs"]) == (9, 9)
    assert (low.parent, low.values["epochs"]) == (14, 3)


@pytest.mark.parametrize("workers", [1, 7, 25])
def test_every_promotion_follows_the_rule_of_the_rungs(workers):
    """Replays the calls against a direct count of algorithm 2."""
    results = {1: [], 3: [], 9: [], 27: []}
    promoted = set()

    class Audit:
        def __init__(self, search):
            self.search, self.asked = search, 0

        def ask(self, n):
            points = self.search.ask(n)
            for point in points:
                expected = self.promotable()
                if isinstance(point, Continuation):
                    level, parent = expected
                    assert (point.parent, point.values["epochs"]) == (parent, level * 3)
                    promoted.add(parent)
                else:
                    assert expected is None
            return points

        def promotable(self):
            for level in (9, 3, 1):
                ranked = sorted(results[level])
                for _, number in ranked[: len(ranked) // 3]:
                    if number not in promoted:
                        return level, number
            return None

        def tell(self, told):
            for one in told:
                loss = math.inf if one.loss is None else one.loss
                results[one.values["epochs"]].append((loss, one.id))
            self.search.tell(told)

    crew = Workers(noisy, workers, seed=workers, limit=300)
    crew.run(Audit(promoting(evaluations=1_000)))
    assert len(results[27]) >= 3
    assert crew.idle == 0


def test_a_promoted_point_trains_only_the_difference():
    crew = Workers(curve, 5)
    for training in crew.run(promoting()):
        if training.parent is not None:
            before = crew.trainings[training.parent]
            assert training.values == before.values | {"epochs": before.epochs * 3}
            assert (training.began_at, training.epochs) == (before.epochs, before.epochs * 3)


def test_a_few_full_trainings_find_what_many_would():
    crew = Workers(curve, 5)
    trainings = crew.run(promoting(evaluations=240))
    full = [one for one in trainings if one.epochs == 27]
    assert abs(min(full, key=lambda one: one.loss).values["x"] - 0.3) < 0.03
    assert crew.spent() < 0.15 * 27 * sum(one.parent is None for one in trainings)


def test_failures_and_nan_never_go_on_and_stop_nobody_else():
    def diverging(values, epochs):
        return math.nan if values["x"] > 0.8 else curve(values, epochs)

    crew = Workers(diverging, 6, fails=lambda values: values["x"] < 0.3)
    trainings = crew.run(promoting(evaluations=300))
    assert len(trainings) == 300
    assert all(0.3 <= one.values["x"] <= 0.8 for one in trainings if one.parent is not None)
    assert any(one.epochs == 27 for one in trainings)


@pytest.mark.parametrize("make", [promoting, stopping])
def test_an_imputed_failure_is_a_failure(make):
    search = make()
    points = search.ask(3)
    search.tell([Told(id=i, values=p, loss=1.0, error="raised") for i, p in enumerate(points)])
    assert not any(isinstance(one, Continuation) for one in search.ask(3))


def test_a_search_of_failures_goes_on_to_its_end():
    crew = Workers(curve, 3, fails=lambda values: True)
    assert len(crew.run(promoting(evaluations=20))) == 20


# --- both ways -----------------------------------------------------------------------------


def test_the_ways_to_halve_say_what_they_can():
    assert isinstance(stopping(), EarlyStopper)
    assert not isinstance(promoting(), EarlyStopper)
    assert isinstance(stopping(), Learner)
    assert isinstance(promoting(), Recaller)


@pytest.mark.parametrize("make", [promoting, stopping])
@pytest.mark.parametrize("workers", [1, 4, 31])
def test_the_same_calls_give_the_same_points(make, workers):
    runs = [Workers(noisy, workers, seed=3).run(make(seed=9)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert Workers(noisy, workers, seed=3).run(make(seed=10)) != runs[0]


@pytest.mark.parametrize("make", [promoting, stopping])
def test_a_recalled_ask_is_as_good_as_an_ask(make):
    first, again = make(seed=4), make(seed=4)
    rng = random.Random(1)
    in_flight = {}
    asked = 0
    for _ in range(40):
        points = first.ask(rng.randrange(1, 4))
        plain = [one.values if isinstance(one, Continuation) else one for one in points]
        again.recall(plain)
        for values in plain:
            in_flight[asked] = values
            asked += 1
        while len(in_flight) > 3:
            number = rng.choice(sorted(in_flight))
            values = in_flight.pop(number)
            result = Told(id=number, values=values, loss=noisy(values, values["epochs"]))
            first.tell([result])
            again.tell([result])
    assert first.ask(10) == again.ask(10)


@pytest.mark.parametrize("make", [promoting, stopping])
def test_no_configuration_is_drawn_twice_and_a_small_space_ends_the_search(make):
    space = parse({"x": {"int": [0, 6]}, "k": {"bool": [True, False]}, "epochs": {"int": [1, 9]}})
    crew = Workers(curve, 4)
    crew.run(make(space, evaluations=500))
    new = [one for one in crew.trainings if one.parent is None]
    assert len(new) == 14
    assert len({(one.values["x"], one.values["k"]) for one in new}) == 14
    assert any(one.epochs == 9 for one in crew.trainings)
