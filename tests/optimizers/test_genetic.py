"""The genetic algorithm."""

import math
import random
import statistics

import pytest
from deap import creator
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.errors import InputError, OptimizerError, UnknownName
from supervisor.optimizers.evolution.genetic import genetic
from supervisor.optimizers.evolution.individuals import Individual
from supervisor.optimizers.evolution.mutation import Mutation
from supervisor.optimizers.protocol import Learner, Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.searching import MIXED, ONED, ONED_MINIMUM, mixed, oned, parse, search

STRATEGIES = ["simple", "mu_plus_lambda", "steady_state"]
EACH_STRATEGY = pytest.mark.parametrize("strategy", STRATEGIES)


class TestGenetic(OptimizerContract):
    @pytest.fixture(params=STRATEGIES)
    def make(self, request):
        return lambda seed: genetic(
            SPACE, evaluations=40, population=8, strategy=request.param, seed=seed
        )


def test_the_lowest_of_three_minima_is_found_with_default_settings():
    for seed in range(20):
        found = search(genetic(ONED, evaluations=150, seed=seed), oned)
        assert len(found.points) == 150
        assert found.best < ONED_MINIMUM + 0.01


@EACH_STRATEGY
def test_mixed_parameters_are_searched_with_conditions_and_forbidden_points(strategy):
    optimizer = genetic(MIXED, evaluations=300, strategy=strategy, seed=1)
    found = search(optimizer, mixed)
    assert [MIXED.problem(values) for values in found.points] == [""] * len(found.points)
    assert found.best < 0.08
    drawn = search(genetic(MIXED, evaluations=300, population=300, seed=1), mixed)
    assert found.best < drawn.best / 2


@EACH_STRATEGY
def test_no_point_is_evaluated_twice_and_the_search_ends_when_there_are_no_new_ones(strategy):
    space = parse({"n": {"int": [1, 6]}, "k": {"choice": ["a", "b"]}})
    found = search(
        genetic(space, evaluations=500, strategy=strategy),
        lambda values: abs(values["n"] - 3),
    )
    texts = list(map(str, found.points))
    assert len(set(texts)) == len(texts) <= 12
    assert len(texts) >= 8


WIDE = parse({name: {"float": [0, 1]} for name in "abcdefgh"})  # no two mutants are the same
MUTANTS = {
    "mutation_probability": 1.0,
    "mutation_gene_probability": 1.0,
    "crossover_probability": 0.0,
}


def batches(**settings):
    """Return the sizes of the generations of a search in which every child is a mutant."""
    optimizer = genetic(WIDE, **settings, **MUTANTS)
    sizes = []
    while points := optimizer.ask(1000):
        results = [
            Told(id=sum(sizes) + index, values=values, loss=values["a"])
            for index, values in enumerate(points)
        ]
        sizes.append(len(points))
        optimizer.tell(results)
    return sizes


def test_generations_count_the_first_one():
    assert batches(generations=5, population=10, strategy="simple") == [10] * 5
    assert batches(generations=4) == [16, 8, 8, 8]
    assert batches(generations=3, population=6, offspring_proportion=2.0) == [6, 12, 12]


def test_the_last_generation_is_cut_at_the_number_of_evaluations():
    settings = {"evaluations": 20, "population": 8, "strategy": "simple"}
    assert batches(**settings) == [8, 8, 4]
    assert batches(**settings, generations=2) == [8, 8]


def test_without_generations_no_worker_waits():
    optimizer = genetic(ONED, evaluations=100, population=8)
    points = optimizer.ask(30)
    assert len(points) == 30
    for number in range(20):
        optimizer.tell([Told(id=29 - number, values=points[29 - number], loss=1.0)])
        assert len(optimizer.ask(1)) == 1


@EACH_STRATEGY
def test_points_that_fail_have_no_descendants(strategy):
    """All that is right of 5 fails or gives NaN: a failure that looked average would survive."""

    def fragile(values):
        return math.nan if values["x"] > 10 else values["x"]

    optimizer = genetic(ONED, evaluations=120, strategy=strategy, seed=2)
    points = []
    while asked := optimizer.ask(1):
        (values,) = asked
        loss = None if 5 < values["x"] <= 10 else fragile(values)
        optimizer.tell([Told(id=len(points), values=values, loss=loss)])
        points.append(values["x"])
    assert sum(x > 5 for x in points[-60:]) < 10


def test_a_search_of_failures_goes_on():
    optimizer = genetic(WIDE, evaluations=60, generations=4, population=8, **MUTANTS)
    points = 0
    while asked := optimizer.ask(8):
        optimizer.tell(
            [Told(id=points + i, values=values, loss=None) for i, values in enumerate(asked)]
        )
        points += len(asked)
    assert points == 8 + 4 + 4 + 4


class TestLearning:
    RESULTS = tuple(
        Told(id=0, values={"x": x}, loss=loss)
        for x, loss in [(1.0, 5.0), (2.0, 0.1), (3.0, None), (4.0, math.nan), (5.0, 0.2)]
    )

    def test_the_best_results_are_the_population(self):
        optimizer = genetic(ONED, generations=2, population=2, sigma={"x": 1e-3}, **MUTANTS)
        assert isinstance(optimizer, Learner)
        optimizer.learn([*self.RESULTS])
        children = [values["x"] for values in optimizer.ask(9)]
        assert len(children) == 1
        assert min(abs(children[0] - 2), abs(children[0] - 5)) < 0.01

    @EACH_STRATEGY
    def test_what_is_missing_is_drawn(self, strategy):
        optimizer = genetic(ONED, evaluations=50, population=8, strategy=strategy)
        optimizer.learn([*self.RESULTS])
        assert len(optimizer.ask(5)) == 5
        assert not {1.0, 2.0, 3.0, 4.0, 5.0} & {values["x"] for values in optimizer.ask(9)}

    def test_points_of_another_space_are_passed_over(self):
        optimizer = genetic(ONED, generations=2, population=2)
        optimizer.learn([Told(id=0, values={"x": 30.0}, loss=0.0)])
        optimizer.learn([Told(id=0, values={"y": 1.0}, loss=0.0)])
        assert len(optimizer.ask(9)) == 2

    def test_constants_and_inactive_parameters_may_be_missing(self):
        point = {"x": 0.3, "rate": 0.01, "size": 20, "batch": 32, "kind": "a"}
        optimizer = genetic(MIXED, generations=1, population=2)
        optimizer.learn([Told(id=0, values=point, loss=0.0)])
        assert len(optimizer.ask(9)) == 1


def test_nothing_global_is_changed():
    random.seed(5)
    before, names = random.getstate(), dir(creator)
    search(genetic(SPACE, evaluations=40, generations=5), lambda values: values["x"])
    assert random.getstate() == before
    assert dir(creator) == names


def test_the_global_generator_does_not_matter():
    def points(seed):
        random.seed(seed)
        return search(genetic(ONED, evaluations=50, seed=3), oned).points

    assert points(1) == points(2)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, InputError, "optimizer.evaluations: is missing"),
        ({"strategy": "steady_state", "generations": 3}, InputError, "steady_state has none"),
        ({"evaluations": 9, "mutation_probability": 0.9}, InputError, "above 1 together"),
        ({"evaluations": 9, "sigma": {"y": 1.0}}, UnknownName, "sigma: unknown parameter 'y'"),
        ({"evaluations": 9, "sigma": {"x": 0.0}}, InputError, "x: 0.0 is no deviation"),
        ({"evaluations": 9, "sigma": {"x": math.nan}}, InputError, "give a number above 0"),
        (
            {"evaluations": 9, "sigma": {"kind": 1.0}},
            InputError,
            "kind is a choice, which takes no",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        genetic(MIXED, **settings)


def test_probabilities_may_exceed_1_together_in_the_simple_strategy():
    genetic(ONED, evaluations=9, strategy="simple", mutation_probability=0.9).ask(1)


def test_a_space_of_forbidden_points_is_an_error():
    space = parse({"x": {"int": [0, 9]}}, ["x >= 0"])
    with pytest.raises(OptimizerError, match="forbid clauses leave nothing"):
        genetic(space, evaluations=9).ask(1)


# --- mutation ------------------------------------------------------------------------------


def mutants(definition, start, number=4000, **sigma):
    """Return the values that one parameter takes from ``start``, one mutation each."""
    space = parse({"p": definition})
    mutation = Mutation(space, sigma, random.Random(1))
    values = []
    for _ in range(number):
        (mutant,) = mutation(Individual(space.encode({"p": start})), 1.0)
        values.append(space.decode(mutant)["p"])
    return values


@pytest.mark.parametrize(
    ("definition", "start", "sigma", "deviation"),
    [
        ({"float": [0, 20]}, 10.0, {}, 2.0),
        ({"float": [0, 20]}, 10.0, {"p": 0.5}, 0.5),
        ({"int": [0, 200]}, 100, {}, 20.0),
        ({"int": [0, 200]}, 100, {"p": 3}, 3.01),
    ],
)
def test_numbers_take_gaussian_steps(definition, start, sigma, deviation):
    values = mutants(definition, start, **sigma)
    assert statistics.mean(values) == pytest.approx(start, abs=deviation / 10)
    assert statistics.stdev(values) == pytest.approx(deviation, rel=0.05)


def test_small_integers_take_rounded_steps():
    """With a deviation of 0.1, half a step is five deviations."""
    assert set(mutants({"int": [0, 1]}, 0)) == {0}
    values = mutants({"int": [0, 10]}, 5)  # half a deviation is kept
    assert values.count(5) / len(values) == pytest.approx(0.383, abs=0.02)


def test_logarithmic_parameters_take_steps_in_the_logarithm():
    values = mutants({"float": [1e-6, 1], "log": True}, 1e-3, p=0.5)
    exponents = [math.log10(value) for value in values]
    assert statistics.mean(exponents) == pytest.approx(-3, abs=0.05)
    assert statistics.stdev(exponents) == pytest.approx(0.5, rel=0.05)
    assert statistics.stdev(
        math.log10(value) for value in mutants({"float": [1e-6, 1], "log": True}, 1e-3)
    ) == pytest.approx(0.6, rel=0.05)


def test_ordered_values_take_steps_to_neighbours():
    values = mutants({"ordered": [8, 16, 32, 64, 128]}, 32, p=1.0)
    assert values.count(32) / len(values) == pytest.approx(0.383, abs=0.03)
    assert values.count(16) / len(values) == pytest.approx(0.242, abs=0.03)


def test_categories_become_other_ones():
    values = mutants({"choice": ["a", "b", "c"]}, "b")
    assert set(values) == {"a", "c"}
    assert values.count("a") / len(values) == pytest.approx(0.5, abs=0.03)
    assert set(mutants({"bool": [True, False]}, True)) == {False}


@given(st.floats(0, 1), st.floats(0.001, 1e6), st.integers(0, 99))
def test_mutants_stay_in_the_unit_cube(unit, sigma, seed):
    space = parse({"p": {"float": [-3, 7]}, "q": {"int": [1, 9], "log": True}})
    mutation = Mutation(space, {"p": sigma}, random.Random(seed))
    (mutant,) = mutation(Individual([unit, unit]), 1.0)
    assert all(0 <= coordinate <= 1 for coordinate in mutant)
