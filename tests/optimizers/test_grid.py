"""The full product."""

import itertools
import tracemalloc

import pytest

from supervisor.core.errors import InputError
from supervisor.core.space import Space
from supervisor.optimizers.designs.grid import Count, count, grid
from supervisor.optimizers.programs.adapt import adapt
from tests.contracts.optimizer import SPACE, StreamContract


def parse(space, forbid=()):
    return Space.parse(space, lambda *path: ".".join(map(str, path)), forbid)


class TestGrid(StreamContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(grid(SPACE, seed=seed))


def test_the_last_parameter_is_the_fastest():
    space = parse({"a": {"int": [1, 2]}, "c": 7, "b": {"choice": ["x", "y"]}})
    assert [(p["a"], p["b"], p["c"]) for p in grid(space)] == [
        (1, "x", 7),
        (1, "y", 7),
        (2, "x", 7),
        (2, "y", 7),
    ]


def test_the_grid_of_the_field_has_its_size():
    lengths = {"epochs": 3, "batch_size": 2, "N1": 1, "NE": 1, "drop": 5, "rate": 4}
    space = parse({name: {"ordered": list(range(n))} for name, n in lengths.items()})
    assert count(space) == Count(120, exact=True)
    assert len(list(grid(space))) == 120


def test_inactive_combinations_appear_once_wherever_the_condition_is_declared():
    space = parse(
        {
            "rate": {"int": [1, 3], "when": "mode == 'on'"},
            "mode": {"choice": ["on", "off"]},
            "depth": {"int": [1, 2], "when": "rate > 2"},
        }
    )
    points = list(grid(space))
    expected = [
        {"rate": 1, "mode": "on"},
        {"mode": "off"},
        {"rate": 2, "mode": "on"},
        {"rate": 3, "mode": "on", "depth": 1},
        {"rate": 3, "mode": "on", "depth": 2},
    ]
    assert points == expected
    assert count(space) == Count(5, exact=True)


def test_forbidden_points_are_left_out():
    space = parse({"a": {"int": [0, 2]}, "b": {"int": [0, 2]}}, ["a + b > 2"])
    found = [(p["a"], p["b"]) for p in grid(space)]
    assert found == [(a, b) for a, b in itertools.product(range(3), repeat=2) if a + b <= 2]


def test_a_float_without_steps_is_an_error_at_its_place_before_the_first_point():
    space = parse({"n": {"int": [0, 1]}, "rate": {"float": [0, 1]}})
    for attempt in (grid, count):
        with pytest.raises(InputError, match=r"^space.rate: .* needs steps"):
            attempt(space)
    assert len(list(grid(space, steps=3))) == 6  # n has two values only


def test_a_grid_can_be_cut():
    assert len(list(grid(SPACE, evaluations=5))) == 5


def test_a_huge_grid_is_not_built():
    space = parse({name: {"int": [0, 2**30]} for name in "abcd"} | {"s": {"bool": [True]}})
    assert count(space) == Count((2**30 + 1) ** 4, exact=True)
    conditional = parse({"a": {"int": [0, 2**30]}, "b": {"int": [0, 9], "when": "a > 1"}})
    assert count(conditional) == Count(10 * (2**30 + 1), exact=False)
    tracemalloc.start()
    assert next(grid(space)) == {"a": 0, "b": 0, "c": 0, "d": 0, "s": True}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
