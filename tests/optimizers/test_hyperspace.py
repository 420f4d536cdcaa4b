"""Searches in overlapping parts of a space."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.errors import InputError, OptimizerError, UnknownName
from supervisor.core.parameter import Choice, Float, Int
from supervisor.optimizers.fidelity import samplers
from supervisor.optimizers.hyperspace.halves import halves, subspaces
from supervisor.optimizers.hyperspace.search import hyperspace
from supervisor.optimizers.protocol import Told
from tests.contracts.optimizer import SPACE, OptimizerContract, run, told
from tests.optimizers.halving_searches import parse

PLANE = parse({"x": {"float": [0, 8]}, "y": {"int": [0, 10]}})


class TestHyperSpace(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: hyperspace(SPACE, evaluations=40, sampler="random", seed=seed)


# --- halves --------------------------------------------------------------------------------


def bounds(parameter, overlap=0.25):
    low, high = halves(parameter, overlap)
    return low.lower, low.upper, high.lower, high.upper


def test_numbers_are_halved_as_hyperspace_does():
    assert bounds(Int(0, 10)) == (0, 6, 4, 10)
    assert bounds(Float(0, 8)) == (0, 5, 3, 8)
    assert bounds(Float(-4, 4), overlap=0) == (-4, 0, 0, 4)


def test_logarithmic_numbers_are_halved_in_the_logarithm():
    assert bounds(Float(1e-4, 1e4, log=True)) == pytest.approx((1e-4, 10, 0.1, 1e4))
    assert bounds(Int(1, 256, log=True)) == (1, 32, 8, 256)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ("abcd", "abc", "bcd"),
        ("ab", "a", "b"),
        ("abc", "ab", "bc"),
        ("abcdefgh", "abcde", "defgh"),
    ],
)
def test_values_are_halved_in_their_order(values, low, high):
    one, other = halves(Choice(tuple(values)), 0.25)
    assert (one.values, other.values) == (tuple(low), tuple(high))


@given(st.integers(1, 50), st.integers(1, 300), st.booleans(), st.integers(0, 99))
def test_the_halves_of_integers_cover_all_and_are_smaller(lower, width, log, overlap):
    low, high = halves(Int(lower, lower + width, log=log), overlap / 100)
    assert lower == low.lower <= low.upper < lower + width
    assert lower < high.lower <= high.upper == lower + width
    assert high.lower <= low.upper + 1


def test_bit_i_of_the_index_is_the_low_half_of_dimension_i():
    parts = subspaces(PLANE, ["x", "y"], 0.25)
    assert [(one.parameters["x"].lower, one.parameters["y"].lower) for one in parts] == [
        (3, 4),
        (0, 4),
        (3, 0),
        (0, 0),
    ]


# --- the search ----------------------------------------------------------------------------


class Recorder:
    """A search in a part: fixed points, and all calls."""

    made = ()

    def __init__(self, space, *, seed):
        self.space, self.seed = space, seed
        self.rng = random.Random(seed)
        self.learned, self.results, self.recalled, self.asks = [], [], [], []

    def ask(self, n):
        self.asks.append(n)
        return [self.draw() for _ in range(n)]

    def draw(self):
        return self.space.decode([self.rng.random() for _ in self.space.dims])

    def tell(self, results):
        self.results += results

    def learn(self, results):
        self.learned += results

    def recall(self, points):
        self.recalled += points
        assert points == [self.draw() for _ in points]


@pytest.fixture
def parts(monkeypatch):
    made = []

    def make(space, *, seed):
        made.append(Recorder(space, seed=seed))
        return made[-1]

    monkeypatch.setattr(samplers.SURROGATES, "load", lambda name, where: make)
    return made


def test_parts_take_turns_whatever_is_asked(parts):
    search = hyperspace(PLANE, evaluations=100)
    for n in (1, 2, 3, 9):
        assert len(search.ask(n)) == n
    assert [sum(part.asks) for part in parts] == [4, 4, 4, 3]
    assert len({part.seed for part in parts}) == 4


def test_there_may_be_more_parts_than_points_in_flight(parts):
    space = parse({f"x{i}": {"float": [0, 1]} for i in range(6)})
    search = hyperspace(space, evaluations=200)
    run(search, width=5, limit=200)
    assert len(parts) == 64
    assert {len(part.results) for part in parts} == {3, 4}


def test_each_part_is_told_its_own_results_by_its_own_numbers(parts):
    search = hyperspace(PLANE, evaluations=100, share=0)
    points = search.ask(10)
    search.tell([told(number, values) for number, values in reversed(list(enumerate(points)))])
    for part in parts:
        assert {one.id for one in part.results} == set(range(len(part.results)))
        assert all(part.space.problem(one.values) == "" for one in part.results)
        assert part.learned == []
    assert sum(len(part.results) for part in parts) == 10


def test_the_best_points_are_told_to_all_parts_that_contain_them(parts):
    search = hyperspace(PLANE, evaluations=100, share=2)
    points = search.ask(4)
    places = [{"x": 3.5, "y": 5}, {"x": 1.0, "y": 9}, {"x": 7.0, "y": 1}, {"x": 4.0, "y": 5}]
    for number, loss in enumerate([5.0, 4.0, 9.0, 3.0]):
        search.tell([Told(id=number, values=places[number], loss=loss)])
    assert len(points) == 4
    learned = [[one.loss for one in part.learned] for part in parts]
    # the first and the last are in all parts, and parts 0 and 3 found them; the second is in
    # part 1 only, which found it; the third was never among the best two
    assert learned == [[3.0], [5.0, 3.0], [5.0, 3.0], [5.0]]


def test_failures_and_nan_are_not_shared(parts):
    search = hyperspace(PLANE, evaluations=100, share=3)
    search.ask(2)
    middle = {"x": 4.0, "y": 5}
    search.tell([Told(id=0, values=middle, loss=None, error="raised")])
    search.tell([Told(id=1, values=middle, loss=float("nan"))])
    assert not any(part.learned for part in parts)


def test_what_is_learned_goes_to_the_parts_that_contain_it(parts):
    search = hyperspace(PLANE, evaluations=100)
    search.learn([Told(id=0, values={"x": 1.0, "y": 1}, loss=1.0)])
    assert [len(part.learned) for part in parts] == [0, 0, 0, 1]


def test_only_the_named_dimensions_are_split(parts):
    hyperspace(PLANE, evaluations=100, dimensions=("y",))
    assert [part.space.parameters["y"].lower for part in parts] == [4, 0]
    assert {part.space.parameters["x"] for part in parts} == {PLANE.parameters["x"]}


def test_a_recalled_ask_is_as_good_as_an_ask(parts):
    first = hyperspace(PLANE, evaluations=100)
    again = hyperspace(PLANE, evaluations=100)
    for n in (3, 6, 1):
        again.recall(first.ask(n))
    assert all(part.asks == [] and part.recalled for part in parts[4:])
    assert first.ask(7) == again.ask(7)


class Finite(Recorder):
    def ask(self, n):
        units = self.space.grid_points = getattr(self.space, "grid_points", None) or [
            {"a": a, "b": b}
            for a in self.space.parameters["a"].grid()
            for b in self.space.parameters["b"].grid()
        ]
        start = len(self.results) + sum(self.asks)
        points = units[start : start + n]
        self.asks.append(len(points))
        return points


def test_a_part_without_points_left_is_passed_over_also_when_recalled(monkeypatch):
    monkeypatch.setattr(samplers.SURROGATES, "load", lambda name, where: Finite)
    space = parse({"a": {"choice": [1, 2, 3]}, "b": {"bool": [True, False]}})

    def make():
        return hyperspace(space, evaluations=100)

    first, again, answers = make(), make(), []
    while points := first.ask(3):
        answers.append(points)
        again.recall(points)
    assert sum(map(len, answers)) == 4 * 2
    assert again.ask(3) == []
    assert all(space.problem(one) == "" for points in answers for one in points)


def test_each_part_is_searched_by_bayesian_optimization():
    pytest.importorskip("sklearn")
    space = parse({"x": {"float": [0, 1]}, "kind": {"choice": ["a", "b"]}})

    search = hyperspace(space, evaluations=56, seed=2)
    points = []
    while asked := search.ask(4):
        first = len(points)
        points += asked
        losses = [abs(one["x"] - 0.3) + (one["kind"] == "a") for one in asked]
        search.tell(
            [Told(id=first + i, values=asked[i], loss=loss) for i, loss in enumerate(losses)]
        )
    assert len(points) == 56
    assert min(abs(one["x"] - 0.3) for one in points if one["kind"] == "b") < 0.02


def test_forbidden_parts_are_left_out():
    space = parse({"x": {"int": [0, 9]}, "y": {"float": [0, 1]}}, ["x >= 4"])
    search = hyperspace(space, evaluations=50, sampler="random")
    points = run(search, width=4, limit=50)
    assert len(points) == 50
    assert all(one["x"] < 4 for one in points)
    nothing = parse({"x": {"int": [0, 9]}}, ["x >= 0"])
    with pytest.raises(OptimizerError, match="nothing of any part"):
        hyperspace(nothing, evaluations=50, sampler="random")


@pytest.mark.parametrize(
    ("dimensions", "evaluations", "error", "message"),
    [
        (("x0", "x"), 99, UnknownName, r"optimizer.dimensions.1: unknown parameter 'x'"),
        (("x0", "x0"), 99, InputError, r"optimizer.dimensions.1: x0 is there twice"),
        (("units",), 99, InputError, "units has only one value"),
        ((), 99, InputError, "no parameter to split"),
        (None, 5_000, InputError, "12 parameters make 4096 parts .* the most are 1024 parts"),
        (("x0", "x1", "x2"), 7, InputError, "3 parameters make 8 parts .* only 7 evaluations"),
    ],
)
def test_dimensions_that_cannot_be_split_are_explained(dimensions, evaluations, error, message):
    space = parse({f"x{i}": {"float": [0, 1]} for i in range(12)} | {"units": 16})
    with pytest.raises(error, match=message):
        hyperspace(space, evaluations=evaluations, dimensions=dimensions, sampler="random")
