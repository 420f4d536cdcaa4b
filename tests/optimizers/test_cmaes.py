"""CMA-ES."""

import itertools
import math
import statistics

import pytest

from supervisor.core.errors import InputError, OptimizerError
from supervisor.optimizers.evolution.cmaes import cmaes
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.searching import MIXED, ONED, ONED_MINIMUM, mixed, oned, parse, search


class TestCmaes(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(cmaes(SPACE, evaluations=40, seed=seed))


def run(space, function, *, evaluations, **settings):
    return search(adapt(cmaes(space, evaluations=evaluations, **settings)), function)


CUBE = parse({f"x{index}": {"float": [-5, 5]} for index in range(5)})


def ellipsoid(values):
    return sum(100**index * (x - 1.3) ** 2 for index, x in enumerate(values.values()))


def test_a_valley_is_followed():
    best = [run(CUBE, ellipsoid, evaluations=3000, seed=seed).best for seed in range(3)]
    assert max(best) < 1e-6


@pytest.mark.parametrize("order", [math.exp, lambda loss: -1 / (1 + loss), lambda loss: loss**9])
def test_only_the_order_of_losses_counts(order):
    plain = run(CUBE, ellipsoid, evaluations=100)
    other = run(CUBE, lambda values: order(ellipsoid(values) / 1e9), evaluations=100)
    assert plain.points == other.points


def test_an_optimum_at_the_border_is_reached():
    found = run(CUBE, lambda values: sum(values.values()), evaluations=400)
    assert found.best == pytest.approx(-25, abs=0.1)


def test_the_lowest_of_three_minima_is_found():
    best = [run(ONED, oned, evaluations=150, seed=seed).best for seed in range(20)]
    assert max(best) < ONED_MINIMUM + 0.01


def test_mixed_parameters_are_searched_with_conditions_and_forbidden_points():
    found = run(MIXED, mixed, evaluations=300, seed=1)
    assert len(found.points) == 300
    assert [MIXED.problem(values) for values in found.points] == [""] * len(found.points)
    assert found.best < 0.02


@pytest.mark.parametrize(
    "space",
    [
        {"k": {"choice": ["a", "b", [1, 2]]}, "t": {"bool": [True, False]}},
        {"n": {"int": [1, 40]}},
        {"n": {"int": [1, 2]}, "m": {"int": [1, 1000], "log": True}, "o": {"ordered": [1, 2]}},
        {"o": {"ordered": [1, 2, 4, 8]}, "wide": {"int": [0, 2**30]}, "c": 7},
    ],
)
def test_every_kind_of_space_is_searched(space):
    parsed = parse(space)
    found = run(parsed, lambda values: len(str(values)), evaluations=60)
    assert [parsed.problem(values) for values in found.points] == [""] * len(found.points)
    assert len(set(map(str, found.points))) == len(found.points) > 5 - (len(space) == 2)


def test_integers_are_narrowed_down_to_one():
    space = parse({f"n{index}": {"int": [0, 99]} for index in range(4)})
    found = run(space, lambda values: sum((n - 70) ** 2 for n in values.values()), evaluations=600)
    assert found.best == 0


def test_a_search_of_failures_begins_anew():
    optimizer = adapt(cmaes(CUBE, evaluations=50))
    for number in range(50):
        (values,) = optimizer.ask(1)
        loss = None if number % 2 else math.nan
        optimizer.tell([Told(id=number, values=values, loss=loss)])
    assert optimizer.ask(1) == []


def test_points_that_fail_are_avoided():
    """Where the lower half of an axis fails, the search ends at its border, not beyond."""
    optimizer = adapt(cmaes(CUBE, evaluations=400, seed=3))
    points = []
    while asked := optimizer.ask(1):
        (values,) = asked
        loss = None if values["x0"] < 0 else sum((x + 2) ** 2 for x in values.values())
        optimizer.tell([Told(id=len(points), values=values, loss=loss)])
        points.append(values["x0"])
    assert statistics.median(points[-100:]) == pytest.approx(0, abs=0.2)


def test_it_begins_anew_with_more_points_when_it_has_converged():
    space = parse({"x": {"float": [0, 1]}})
    points = [
        values["x"]
        for values in run(space, lambda values: 0.0, evaluations=4 + 8 + 16, population=4).points
    ]
    assert len(points) == 28
    centres = [sum(part) / len(part) for part in (points[:4], points[4:12], points[12:])]
    assert all(abs(one - other) > 1e-3 for one, other in itertools.combinations(centres, 2))


def test_spaces_that_cannot_be_searched_are_refused():
    with pytest.raises(InputError, match="needs a parameter that varies"):
        cmaes(parse({"epochs": 3}), evaluations=9)
    with pytest.raises(OptimizerError, match="forbid clauses leave nothing"):
        adapt(cmaes(parse({"x": {"int": [0, 9]}}, ["x >= 0"]), evaluations=9))
