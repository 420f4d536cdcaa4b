"""Random points."""

import itertools

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.core.space import Space
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.programs.adapt import adapt
from tests.contracts.optimizer import SPACE, StreamContract


class TestRandom(StreamContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(random(SPACE, evaluations=40, seed=seed))


def parse(space, forbid=()):
    return Space.parse(space, lambda *path: ".".join(map(str, path)), forbid)


def test_other_seeds_give_other_points():
    draws = [list(random(SPACE, evaluations=5, seed=seed)) for seed in range(5)]
    assert all(one != other for one, other in itertools.combinations(draws, 2))


def test_the_number_of_evaluations_is_kept_with_forbidden_points():
    space = parse({"x": {"int": [0, 9]}}, ["x > 1"])
    points = list(random(space, evaluations=30))
    assert len(points) == 30
    assert {point["x"] for point in points} == {0, 1}


def test_a_space_of_forbidden_points_is_an_error():
    space = parse({"x": {"int": [0, 9]}}, ["x >= 0"])
    with pytest.raises(OptimizerError, match="forbid clauses leave nothing"):
        adapt(random(space, evaluations=3))


def test_the_draws_are_spread_over_the_space():
    space = parse({"x": {"float": [1e-4, 1], "log": True}, "k": {"choice": ["a", "b"]}})
    points = list(random(space, evaluations=400))
    assert 130 < sum(point["x"] < 1e-2 for point in points) < 270
    assert 130 < sum(point["k"] == "a" for point in points) < 270
