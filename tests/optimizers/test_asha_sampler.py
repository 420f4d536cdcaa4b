"""Asynchronous successive halving with Bayesian optimization as its sampler."""

import random

import pytest

from supervisor.optimizers.fidelity import samplers
from supervisor.optimizers.protocol import Told
from tests.optimizers.halving_searches import curve, noisy, promoting, stopping
from tests.optimizers.virtual_workers import Workers


class Nearby:
    """Stands for Bayesian optimization: draws near the best point that it knows."""

    def __init__(self, space, *, seed):
        self.space, self.rng = space, random.Random(seed)
        self.known, self.asked, self.learned = {}, [], []

    def ask(self, n):
        best = min(
            (one for one in self.known.values() if one.loss is not None),
            default=None,
            key=lambda one: one.loss,
        )
        self.rng.seed(f"{self.rng.random()} {len(self.asked)}")
        points = []
        for _ in range(n):
            unit = [self.rng.random() for _ in self.space.dims]
            if best and self.rng.random() < 0.8:
                centre = self.space.encode(best.values)
                unit = [min(max(c + self.rng.gauss(0, 0.05), 0), 1) for c in centre]
            points.append(self.space.decode(unit))
        self.asked += points
        return points

    def tell(self, results):
        for one in results:
            assert self.asked[one.id] == one.values
            self.known[one.id] = one

    def learn(self, results):
        self.learned += results

    def recall(self, points):
        assert all(self.space.problem(one) == "" for one in points)
        self.asked += points


@pytest.fixture
def surrogate(monkeypatch):
    made = []

    def make(space, *, seed):
        made.append(Nearby(space, seed=seed))
        return made[-1]

    monkeypatch.setattr(samplers.SURROGATES, "load", lambda name, where: make)
    return made


@pytest.mark.parametrize("make", [promoting, stopping])
def test_a_surrogate_learns_how_configurations_stand(make, surrogate):
    crew = Workers(noisy, 4)
    trainings = crew.run(make(sampler="bayes", evaluations=120))
    late = [one for one in trainings if one.parent is None][-20:]
    assert sum(abs(one.values["x"] - 0.3) < 0.2 for one in late) > 12
    standings = [one.loss for one in surrogate[-1].known.values()]
    assert all(0 < one <= 1 for one in standings)
    assert min(standings) < 1 / 27
    assert len(surrogate[-1].asked) - len(surrogate[-1].known) <= 4 + 1


@pytest.mark.parametrize("make", [promoting, stopping])
def test_a_surrogate_keeps_the_search_deterministic(make, surrogate):
    settings = {"sampler": "bayes", "seed": 2, "evaluations": 80}
    runs = [Workers(noisy, 6, seed=1).run(make(**settings)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_surrogate_learns_from_full_trainings_of_other_campaigns(surrogate):
    search = promoting(sampler="bayes")
    earlier = [
        Told(id=0, values={"x": 0.2, "epochs": 27}, loss=8.0),
        Told(id=0, values={"x": 0.3, "epochs": 27}, loss=4.0),
        Told(id=0, values={"x": 0.4, "epochs": 27}, loss=None, error="raised"),
        Told(id=0, values={"x": 0.9, "epochs": 9}, loss=1.0),
    ]
    search.learn(earlier)
    search.ask(1)
    learned = [(one.values["x"], one.loss) for one in surrogate[-1].learned]
    assert learned == [(0.2, 2 / 3), (0.3, 1 / 3), (0.4, None)]


def test_a_failed_configuration_is_told_as_failed(surrogate):
    search = stopping(sampler="bayes")
    points = search.ask(2)
    search.tell([Told(id=0, values=points[0], loss=None, error="raised")])
    search.ask(1)
    assert [one.loss for one in surrogate[-1].known.values()] == [None]


@pytest.mark.parametrize("make", [promoting, stopping])
def test_bayesian_optimization_is_such_a_surrogate(make):
    pytest.importorskip("sklearn")
    crew = Workers(curve, 4)
    crew.run(make(sampler="bayes", evaluations=24))
    late = [one for one in crew.trainings if one.parent is None][10:]
    assert sum(abs(one.values["x"] - 0.3) < 0.1 for one in late) > len(late) / 2
