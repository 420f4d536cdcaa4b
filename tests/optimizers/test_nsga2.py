"""Several objectives at once."""

import math
import random

import pytest

from supervisor.core.errors import InputError
from supervisor.optimizers.evolution.nsga2 import nsga2
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.searching import MIXED, mixed, parse, search


class TestNsga2(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(nsga2(SPACE, evaluations=40, population=8, seed=seed))


PLANE = parse({f"x{index}": {"float": [0, 1]} for index in range(6)})


def zdt1(values):
    """Return two losses; on the front, the second one is 1 - sqrt(first)."""
    first, *others = values.values()
    rest = 1 + 9 * sum(others) / len(others)
    return first, rest * (1 - math.sqrt(first / rest))


def hypervolume(losses, reference=(1.1, 1.1)):
    """Return what the points dominate of the box below the reference, at most 0.8767 for ZDT1."""
    area, lowest = 0.0, reference[1]
    for first, second in sorted(losses):
        if first < reference[0] and second < lowest:
            area += (reference[0] - first) * (lowest - second)
            lowest = second
    return area


@pytest.mark.parametrize("seed", range(4))
def test_the_front_is_found_and_spread(seed):
    found = search(adapt(nsga2(PLANE, evaluations=1000, seed=seed)), zdt1)
    assert len(found.points) == 1000
    assert hypervolume(found.losses) > 0.75  # random points come to 0.15 at most
    front = [loss[0] for loss in found.losses if loss[1] < 1.1 - math.sqrt(loss[0])]
    assert min(front) < 0.1
    assert max(front) > 0.5


def test_all_kinds_of_parameters_are_searched():
    def both(values):
        return mixed(values), values["size"] / 64

    found = search(adapt(nsga2(MIXED, evaluations=400, seed=1)), both)
    assert [MIXED.problem(values) for values in found.points] == [""] * len(found.points)
    assert {values["kind"] for values in found.points} == {"a", "b", "c"}
    few = found.losses[:20]
    assert hypervolume(found.losses) > hypervolume(few) + 0.1
    assert found.best < 0.1


def test_one_objective_is_a_special_case():
    found = search(adapt(nsga2(MIXED, evaluations=400, seed=1)), mixed)
    assert found.best < 0.1


def test_failures_have_no_descendants():
    """All points with x0 above 0.5 fail, or have a loss that is no number."""
    optimizer = adapt(nsga2(PLANE, evaluations=600, seed=1))
    points = []
    while asked := optimizer.ask(1):
        (values,) = asked
        losses = zdt1(values)
        if values["x0"] > 0.75:
            told = Told(id=len(points), values=values, loss=None)
        elif values["x0"] > 0.5:
            losses = (losses[0], math.nan)
            told = Told(id=len(points), values=values, loss=losses[0], losses=losses)
        else:
            told = Told(id=len(points), values=values, loss=losses[0], losses=losses)
        optimizer.tell([told])
        points.append(values["x0"])
    assert sum(x > 0.5 for x in points[-300:]) < 60


def test_a_first_generation_of_failures_is_no_obstacle():
    optimizer = adapt(nsga2(PLANE, evaluations=60, population=8))
    for first in range(8):
        optimizer.tell([Told(id=first, values=values, loss=None) for values in optimizer.ask(1)])
    points = optimizer.ask(8)
    optimizer.tell(
        [
            Told(id=8 + index, values=values, loss=0.0, losses=(0.0, 1.0, 2.0))
            for index, values in enumerate(points)
        ]
    )
    assert optimizer.ask(1)


def test_no_point_is_evaluated_twice():
    space = parse({"n": {"int": [1, 6]}, "k": {"choice": ["a", "b"]}})
    found = search(adapt(nsga2(space, evaluations=99)), lambda values: (values["n"], -values["n"]))
    texts = list(map(str, found.points))
    assert len(texts) == len(set(texts)) <= 12


def test_generations_end_the_search():
    found = search(adapt(nsga2(PLANE, generations=3, population=8)), zdt1)
    assert 16 < len(found.points) <= 24


def test_a_search_without_an_end_is_refused():
    with pytest.raises(InputError, match="evaluations: is missing"):
        nsga2(PLANE)


def test_the_global_generator_is_left_alone():
    random.seed(5)
    before = random.getstate()
    search(adapt(nsga2(SPACE, evaluations=40, population=8)), lambda values: values["x"])
    assert random.getstate() == before
