"""The surrogates of Bayesian optimization, what they see, and how they choose."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from supervisor.core.space import Space
from supervisor.optimizers.bayes.coordinates import Coordinates, join
from supervisor.optimizers.bayes.forest import Forest
from supervisor.optimizers.bayes.gaussian import GaussianProcess
from supervisor.optimizers.bayes.posterior import Posterior
from supervisor.optimizers.bayes.targets import ranked, shaped

SPACE = Space.parse(
    {
        "rate": {"float": [1e-4, 1], "log": True},
        "units": {"int": [1, 9]},
        "kind": {"choice": ["a", "b", "c"]},
        "size": {"ordered": [8, 16, 64]},
        "momentum": {"float": [0, 1], "when": "kind == 'a'"},
        "fixed": 3,
    },
    lambda *path: ".".join(map(str, path)),
    ["units == 9 and size == 64"],
)


def drawn(count, columns, seed=0):
    return np.random.default_rng(seed).random((count, columns))


# --- coordinates ---------------------------------------------------------------------------


@given(st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=20))
def test_allowed_coordinates_are_those_of_points(units):
    coordinates = Coordinates(SPACE)
    rows = coordinates.allowed(np.array(units))
    for row in rows.units.tolist():
        values = SPACE.decode(row)
        assert SPACE.problem(values) == ""
        assert coordinates.place(values).identities() == [
            *coordinates.allowed(np.array([row])).identities()
        ]
    assert len(set(rows.identities())) == len(rows.units)


def test_all_combinations_are_enumerated_once_and_the_forbidden_ones_left_out():
    parameters = {name: SPACE.parameters[name] for name in ("units", "kind", "size")}
    coordinates = Coordinates(Space(parameters, SPACE.forbid))
    chunks = [coordinates.allowed(units) for units in coordinates.all(10)]
    assert coordinates.size == 81
    assert len(set(join(chunks).identities())) == 81 - 3


def test_categories_are_equally_far_and_orders_are_kept():
    coordinates = Coordinates(SPACE)

    def seen(**changes):
        base = {"rate": 0.01, "units": 1, "kind": "b", "size": 8, "fixed": 3}
        return coordinates.features(coordinates.place(base | changes))[0]

    def distance(one, other):
        return float(np.linalg.norm(one - other))

    assert distance(seen(kind="b"), seen(kind="c")) == pytest.approx(1)
    assert distance(seen(size=8), seen(size=16)) == pytest.approx(0.5)
    assert distance(seen(units=1), seen(units=9)) == pytest.approx(1)
    active = [seen(kind="a", momentum=value) for value in (0.2, 0.5)]
    assert distance(*active) == pytest.approx(0.3)
    assert distance(active[1], seen()) == pytest.approx(math.sqrt(1 + 1))  # kind, and whether


def test_each_column_is_of_one_parameter():
    coordinates = Coordinates(SPACE)
    columns = coordinates.features(coordinates.allowed(drawn(3, 5))).shape[1]
    assert [*itertools.chain(*coordinates.blocks)] == [*range(columns)]
    assert [len(block) for block in coordinates.blocks] == [1, 1, 3, 1, 2]


# --- targets -------------------------------------------------------------------------------

LOSSES = st.lists(st.none() | st.floats(allow_nan=True), min_size=1, max_size=40)


@given(LOSSES, st.integers(1, 10))
def test_targets_are_finite_and_in_the_order_of_the_losses(losses, first):
    for targets in (ranked(losses), shaped(losses, first)):
        assert np.isfinite(targets).all()
        pairs = itertools.product(zip(losses, targets, strict=True), repeat=2)
        for (loss, target), (other, another) in pairs:
            if loss is not None and other is not None and loss <= other:
                assert target <= another + 1e-9


def test_failures_are_as_bad_as_the_worst():
    for targets in (ranked, lambda losses: shaped(losses, 3)):
        made = targets([1.0, None, 3.0, math.nan, 2.0])
        assert made[1] == made[2] == made[3] == max(made)


def test_an_outlier_does_not_hide_differences():
    targets = shaped([1.0, 2.0, 3.0, 4.0, 1e9], 5)
    assert targets[1] - targets[0] > 0.2


def test_points_around_a_minimum_do_not_blow_up_its_differences():
    crowd = [0.1 + 1e-9 * index for index in range(30)]
    targets = shaped([3.0, 1.0, 2.0, 0.1, *crowd], 4)
    assert np.ptp(targets[4:]) < np.ptp(targets) * 0.6
    assert np.ptp(ranked([3.0, 1.0, 2.0, 0.1, *crowd])[4:]) > np.ptp(targets[4:])


# --- forest --------------------------------------------------------------------------------


def grown(rows, targets, seed=1):
    return Forest(rows, targets, np.random.default_rng(seed))


def test_a_forest_finds_the_steps_of_a_function():
    rows = drawn(200, 3)
    step = np.where((rows[:, 0] > 0.5) & (rows[:, 2] > 0.3), -1.0, 1.0)
    others = drawn(100, 3, seed=5)
    expected = np.where((others[:, 0] > 0.5) & (others[:, 2] > 0.3), -1.0, 1.0)
    error = np.abs(grown(rows, step).posterior(others).mean - expected)
    assert np.mean(error > 0.5) < 0.08


def test_trees_differ_where_the_function_changes():
    rows = np.linspace(0, 1, 40)[:, None]
    forest = grown(rows, np.where(rows[:, 0] > 0.5, 1.0, -1.0))
    step, left, right = forest.posterior(np.array([[0.5], [0.1], [0.9]])).variance
    assert step > 10 * max(left, right)


def test_what_is_believed_of_a_row_bears_on_those_in_the_same_leaves():
    rows = np.linspace(0, 1, 40)[:, None]
    posterior = grown(rows, np.sin(6 * rows[:, 0])).posterior(rows)
    before = posterior.variance.copy()
    posterior.believe([10])
    left = posterior.variance / before
    assert left[10] < 0.8
    assert left[9:12].mean() < left[30:].mean()


def test_a_split_is_the_one_of_least_squares():
    rows = np.array([[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]])
    targets = np.array([1.0, 1.2, 1.1, -1.0, -1.1, -1.2])
    mean = grown(rows, targets).posterior(np.array([[0.0], [0.3], [0.7], [1.0]])).mean
    assert mean[0] > 0.7
    assert mean[3] < -0.7
    assert mean[1] > mean[2]


def test_a_forest_of_equal_targets_predicts_them():
    forest = grown(drawn(9, 2), np.full(9, 0.25))
    assert forest.posterior(drawn(5, 2, 3)).mean == pytest.approx(np.full(5, 0.25))


def test_a_forest_of_many_rows_is_grown_of_samples():
    rows = drawn(3_000, 2)
    forest = grown(rows, rows[:, 0])
    error = forest.posterior(drawn(50, 2, 3)).mean - drawn(50, 2, 3)[:, 0]
    assert np.abs(error).mean() < 0.05


# --- Gaussian process ----------------------------------------------------------------------


def process(rows, targets, blocks=None):
    columns = blocks or [[index] for index in range(rows.shape[1])]
    return GaussianProcess(rows, targets, columns, np.random.default_rng(0))


def test_a_process_predicts_a_smooth_function():
    rows, others = drawn(60, 2), drawn(40, 2, 7)

    def wave(at):
        return np.sin(5 * at[:, 0]) + np.cos(3 * at[:, 1])

    posterior = process(rows, wave(rows)).posterior(others)
    assert np.abs(posterior.mean - wave(others)).mean() < 0.05
    off = np.abs(posterior.mean - wave(others)) / np.sqrt(posterior.variance)
    assert np.mean(off < 3) > 0.9


def test_a_process_finds_what_matters_not():
    rows = drawn(60, 2)
    fitted = process(rows, np.sin(7 * rows[:, 0]))
    moved = [fitted.posterior(np.array([[0.5, at]])).mean[0] for at in (0.1, 0.9)]
    crossed = [fitted.posterior(np.array([[at, 0.5]])).mean[0] for at in (0.2, 0.65)]
    assert abs(moved[0] - moved[1]) < 0.1 < abs(crossed[0] - crossed[1])


def test_a_process_sees_through_noise():
    rows = drawn(150, 1)
    noise = np.random.default_rng(3).normal(0, 0.5, 150)
    others = np.linspace(0.05, 0.95, 30)[:, None]
    mean = process(rows, np.sin(6 * rows[:, 0]) + noise).posterior(others).mean
    assert np.abs(mean - np.sin(6 * others[:, 0])).mean() < 0.2


def test_a_process_of_many_rows_keeps_the_best_ones():
    rows = drawn(1_500, 2)
    distance = ((rows - 0.4) ** 2).sum(axis=1)
    fitted = process(rows, (distance - distance.mean()) / distance.std())
    assert np.abs(rows[fitted.posterior(rows).mean.argmin()] - 0.4).max() < 0.1


# --- posterior -----------------------------------------------------------------------------


def belief(seed=0, size=6, noise=0.1):
    """Return a posterior, with its covariance."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    covariance = root @ root.T
    return Posterior(rng.normal(size=size), np.diag(covariance), lambda i: covariance[i], noise), (
        covariance
    )


@pytest.mark.parametrize("groups", [[[0, 3, 4]], [[0], [3], [4]], [[3], [0, 4]], [[0, 3, 4], []]])
def test_believing_leaves_the_variance_that_conditioning_does(groups):
    posterior, covariance = belief()
    mean = posterior.mean.copy()
    for group in groups:
        posterior.believe(group)
    known = [0, 3, 4]
    inside = covariance[np.ix_(known, known)] + 0.1 * np.eye(3)
    left = covariance - covariance[:, known] @ np.linalg.solve(inside, covariance[known])
    assert posterior.variance == pytest.approx(np.diag(left))
    assert (posterior.mean == mean).all()


@pytest.mark.parametrize("mean", [-1.0, 0.0, 0.5, 3.0, 5.9, 6.1, 8.0])
def test_the_logarithm_of_the_expected_improvement(mean):
    posterior = Posterior(np.array([mean]), np.array([1.0]), lambda i: np.ones((len(i), 1)), 0.0)
    expected, _ = quad(lambda y: -y * norm.pdf(y, mean), -40, 0, points=[-1, -0.1], epsabs=0)
    assert posterior.log_improvement(0.0)[0] == pytest.approx(math.log(expected), abs=0.09)


def test_improvement_is_told_apart_where_it_is_tiny():
    means = np.array([10.0, 30.0, 100.0])
    posterior = Posterior(means, np.ones(3), lambda i: np.ones((len(i), 3)), 0.0)
    assert (np.diff(posterior.log_improvement(0.0)) < 0).all()
