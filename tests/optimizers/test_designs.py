"""Designs that fill the space."""

import itertools

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.core.space import Space
from supervisor.optimizers.designs.spread import lhs, sobol
from supervisor.optimizers.programs.adapt import adapt
from tests.contracts.optimizer import SPACE, StreamContract

DESIGNS = pytest.mark.parametrize("design", [lhs, sobol])


class TestLhs(StreamContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(lhs(SPACE, evaluations=40, seed=seed))


class TestSobol(StreamContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(sobol(SPACE, evaluations=40, seed=seed))


def parse(space, forbid=()):
    return Space.parse(space, lambda *path: ".".join(map(str, path)), forbid)


PLANE = parse({"x": {"float": [0, 1]}, "y": {"float": [1e-3, 1], "log": True}})


def filled(points, number):
    """Return how many of ``number`` equal slices of each axis hold a point."""
    units = [PLANE.encode(values) for values in points]
    return [len({int(unit * number) for unit in axis}) for axis in zip(*units, strict=True)]


def test_a_hypercube_has_a_point_in_each_slice():
    assert filled(lhs(PLANE, evaluations=50, seed=3), 50) == [50, 50]


def test_every_block_of_the_sequence_is_balanced():
    points = list(sobol(PLANE, evaluations=48, seed=3))
    assert filled(points[:32], 32) == [32, 32]
    assert filled(points[32:], 16) == [16, 16]


@DESIGNS
def test_other_seeds_give_other_points(design):
    designs = [list(design(SPACE, evaluations=5, seed=seed)) for seed in range(5)]
    assert all(one != other for one, other in itertools.combinations(designs, 2))


@DESIGNS
def test_forbidden_points_are_replaced(design):
    space = parse({"x": {"float": [0, 1]}, "k": {"choice": ["a", "b"]}}, ["x > 0.3 and k == 'a'"])
    points = list(design(space, evaluations=101))
    assert len(points) == 101
    assert not any(space.forbidden(values) for values in points)
    assert {values["k"] for values in points} == {"a", "b"}


def test_what_replaces_forbidden_points_is_spread_too():
    space = parse({"x": {"float": [0, 1]}}, ["x > 0.5"])
    points = sorted(values["x"] for values in lhs(space, evaluations=64, seed=1))
    assert [sum(low <= x < low + 0.125 for x in points) for low in (0, 0.125, 0.25, 0.375)] == [
        pytest.approx(16, abs=3)
    ] * 4


@DESIGNS
def test_a_space_of_forbidden_points_is_an_error(design):
    with pytest.raises(OptimizerError, match="forbid clauses leave nothing"):
        adapt(design(parse({"x": {"int": [0, 9]}}, ["x >= 0"]), evaluations=3))


@DESIGNS
def test_a_space_of_constants_has_its_point(design):
    assert list(design(parse({"epochs": 3}), evaluations=2)) == [{"epochs": 3}] * 2
