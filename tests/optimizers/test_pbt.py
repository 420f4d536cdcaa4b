"""Population-based training."""

import math
import random

import pytest

from supervisor.core.errors import InputError, UnknownName
from supervisor.optimizers.fidelity.explore import Explorer
from supervisor.optimizers.fidelity.pbt import pbt
from supervisor.optimizers.protocol import Continuation, Told
from tests.contracts.optimizer import OptimizerContract
from tests.optimizers.halving_searches import parse
from tests.optimizers.virtual_workers import Unwrapped, Workers

RATE = parse(
    {"rate": {"float": [1e-4, 1.0], "log": True}, "units": 16, "epochs": {"int": [1, 40]}}
)
MIXED = parse(
    {
        "rate": {"float": [1e-4, 1.0], "log": True},
        "shift": {"float": [-1.0, 1.0]},
        "layers": {"int": [1, 6]},
        "batch": {"ordered": [16, 32, 64, 128]},
        "activation": {"choice": ["relu", "tanh"]},
        "slope": {"float": [0.0, 0.5], "when": "activation == 'relu'"},
        "units": 16,
        "epochs": {"int": [1, 40]},
    },
    ["layers > 4 and batch < 32"],
)


def search(space=RATE, **settings):
    return pbt(space, **{"resource": "epochs", "interval": 4} | settings)


def curve(values, epochs):
    """Stands for a loss: best at a rate of 0.03."""
    return abs(math.log10(values["rate"] / 0.03)) + 1 / epochs


class TestPopulation(OptimizerContract):
    def problem(self, values):
        return MIXED.problem(values)

    @pytest.fixture
    def make(self):
        return lambda seed: Unwrapped(search(MIXED, seed=seed))


class TestSmallPopulation(TestPopulation):
    @pytest.fixture
    def make(self):
        return lambda seed: Unwrapped(search(MIXED, seed=seed, population=2, interval=1))


def train(optimizer, workers=5, **settings):
    crew = Workers(curve, workers, **settings)
    crew.run(optimizer)
    return crew


def test_every_member_trains_every_generation():
    crew = train(search(population=6, generations=5))
    assert len(crew.trainings) <= 30
    assert sum(one.epochs == 20 for one in crew.trainings) == 6
    assert [one.parent for one in crew.trainings[:6]] == [None] * 6
    assert all(one.parent is not None for one in crew.trainings[6:])


def test_a_generation_trains_one_interval_on():
    for one in train(search(population=6)).trainings:
        assert one.epochs - one.began_at == 4
        assert one.epochs == one.values["epochs"]


def test_the_range_of_the_resource_gives_the_generations():
    crew = train(search(population=4))
    assert max(one.epochs for one in crew.trainings) == 40


def test_nobody_waits_for_the_population():
    optimizer = search(population=4)
    points = optimizer.ask(10)
    assert len(points) == 4
    optimizer.tell([Told(id=2, values=points[2], loss=1.0)])
    (point,) = optimizer.ask(10)
    assert point == Continuation(points[2] | {"epochs": 8}, parent=2)
    assert optimizer.ask(10) == []


def test_the_worst_go_on_from_the_best_with_other_parameters():
    optimizer = search(population=10, seed=3)
    points = optimizer.ask(10)
    losses = [5, 1, 9, 3, 4, 0, 8, 2, 6, 7]  # the best are 5 and 1, the worst 2 and 6
    optimizer.tell([Told(id=i, values=points[i], loss=loss) for i, loss in enumerate(losses)])
    following = optimizer.ask(10)
    for number, point in enumerate(following):
        if number in (2, 6):
            assert point.parent in (5, 1)
            assert point.values["rate"] != points[point.parent]["rate"]
        else:
            assert point == Continuation(points[number] | {"epochs": 8}, parent=number)


def test_a_copy_goes_on_where_its_source_is():
    optimizer = search(population=5)
    points = optimizer.ask(5)
    optimizer.tell([Told(id=0, values=points[0], loss=0.5)])
    (ahead,) = optimizer.ask(1)
    optimizer.tell([Told(id=5, values=ahead.values, loss=0.1)])
    optimizer.tell([Told(id=i, values=points[i], loss=i) for i in range(1, 5)])
    following = optimizer.ask(5)
    assert following[0].parent == 5
    assert (following[-1].parent, following[-1].values["epochs"]) == (5, 12)


def test_it_ends_near_the_best_parameters():
    crew = train(search(population=10, interval=2, seed=1))
    final = sorted(one.loss for one in crew.trainings if one.epochs == 40)
    first = sorted(one.loss for one in crew.trainings[:10])
    assert len(final) == 10
    assert final[0] < 0.2
    assert final[5] < first[1]


def test_evaluations_end_it():
    assert len(train(search(evaluations=23)).trainings) == 23


def test_a_failed_member_goes_on_from_a_better_one():
    optimizer = search(population=5)
    points = optimizer.ask(5)
    optimizer.tell([Told(id=0, values=points[0], loss=None, error="raised")])
    optimizer.tell([Told(id=1, values=points[1], loss=1.0)])
    failed, other = optimizer.ask(2)
    assert failed.parent == other.parent == 1
    assert other.values["rate"] == points[1]["rate"]


def test_an_imputed_failure_is_a_failure():
    optimizer = search(population=2)
    points = optimizer.ask(2)
    optimizer.tell([Told(id=0, values=points[0], loss=0.1, error="raised")])
    optimizer.tell([Told(id=1, values=points[1], loss=1.0)])
    assert [one.parent for one in optimizer.ask(2)] == [1, 1]


def test_a_member_that_fails_alone_begins_anew():
    optimizer = search(population=3)
    points = optimizer.ask(3)
    optimizer.tell([Told(id=0, values=points[0], loss=math.nan)])
    (point,) = optimizer.ask(5)
    assert point["epochs"] == 4
    assert point != points[0]


def test_a_member_that_fails_later_goes_on_from_what_it_had():
    optimizer = search(population=2)
    points = optimizer.ask(2)
    optimizer.tell([Told(id=0, values=points[0], loss=1.0)])
    (second,) = optimizer.ask(2)
    optimizer.tell([Told(id=2, values=second.values, loss=None, error="raised")])
    (third,) = optimizer.ask(2)
    assert (third.parent, third.values["epochs"]) == (0, 8)


@pytest.mark.parametrize("seed", range(5))
def test_failures_and_nan_do_not_stop_it(seed):
    rng = random.Random(seed)

    def diverging(values, epochs):
        return math.nan if rng.random() < 0.1 else curve(values, epochs)

    crew = Workers(diverging, 4, fails=lambda values: rng.random() < 0.05, seed=seed)
    crew.run(search(population=6, interval=2, seed=seed, evaluations=1_000))
    assert sum(one.epochs == 40 and one.loss is not None for one in crew.trainings) >= 6
    assert len(crew.trainings) < 400


def test_a_search_of_failures_ends():
    crew = train(search(population=3, generations=4), fails=lambda values: True)
    assert len(crew.trainings) == 12


@pytest.mark.parametrize("workers", [1, 3, 20])
def test_all_points_lie_in_the_space_and_the_same_calls_give_them_again(workers):
    def loss(values, epochs):
        return curve(values, epochs) + values["layers"] * 0.1

    runs = [
        Workers(loss, workers, seed=2).run(search(MIXED, population=8, interval=1, seed=4))
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert {MIXED.problem(one.values) for one in runs[0]} == {""}
    assert len(runs[0]) > 200


def test_fixed_parameters_come_with_the_checkpoint():
    crew = train(search(MIXED, population=8, interval=1, fixed=("layers", "activation")))
    for one in crew.trainings:
        if one.parent is not None:
            before = crew.trainings[one.parent].values
            assert one.values["layers"] == before["layers"]
            assert one.values["activation"] == before["activation"]
    assert len({one.values["rate"] for one in crew.trainings}) > 8


# --- near points ---------------------------------------------------------------------------


def explorer(space, seed=0, resample=0.0, fixed=()):
    rng = random.Random(seed)
    return Explorer(space, fixed=fixed, factors=(0.8, 1.2), resample=resample, rng=rng)


def test_numbers_are_multiplied_and_stay_in_their_bounds():
    space = parse({"rate": {"float": [1e-4, 1.0], "log": True}, "layers": {"int": [1, 40]}})
    changed = [explorer(space, seed).near({"rate": 0.1, "layers": 10}) for seed in range(40)]
    assert {one["rate"] for one in changed} == {0.1 * 0.8, 0.1 * 1.2}
    assert {one["layers"] for one in changed} == {8, 12}
    edge = [explorer(space, seed).near({"rate": 0.9, "layers": 1}) for seed in range(40)]
    assert {one["rate"] for one in edge} == {0.9 * 0.8, 1.0}
    assert {one["layers"] for one in edge} == {1, 2}, "a small integer moves by one"


def test_a_range_around_zero_is_crossed():
    space = parse({"shift": {"float": [-1, 1]}})
    changed = {explorer(space, seed).near({"shift": 0.1})["shift"] for seed in range(40)}
    assert sorted(changed) == pytest.approx([0.1 - 0.2, 0.1 + 0.2])


def test_ordered_values_move_to_a_neighbour_and_choices_stay():
    space = parse({"batch": {"ordered": [16, 32, 64]}, "kind": {"choice": ["a", "b", "c"]}})
    changed = [explorer(space, seed).near({"batch": 32, "kind": "b"}) for seed in range(40)]
    assert {one["batch"] for one in changed} == {16, 64}
    assert {one["kind"] for one in changed} == {"b"}
    edge = [explorer(space, seed).near({"batch": 16, "kind": "b"}) for seed in range(40)]
    assert {one["batch"] for one in edge} == {16, 32}


def test_any_parameter_may_be_drawn_anew():
    space = parse({"kind": {"choice": ["a", "b", "c"]}, "x": {"float": [0, 1]}})
    changed = [
        explorer(space, seed, resample=0.5).near({"kind": "b", "x": 0.5}) for seed in range(80)
    ]
    assert {one["kind"] for one in changed} == {"a", "b", "c"}
    assert 20 < sum(one["x"] not in (0.4, 0.6) for one in changed) < 60


def test_a_parameter_that_becomes_active_is_drawn():
    space = parse(
        {"kind": {"choice": ["a", "b"]}, "slope": {"float": [0, 1], "when": "kind == 'a'"}}
    )
    for seed in range(40):
        changed = explorer(space, seed, resample=1.0).near({"kind": "b"})
        assert space.problem(changed) == ""


def test_where_all_around_is_forbidden_a_point_stays():
    space = parse({"layers": {"int": [1, 9]}}, ["layers != 5"])
    assert explorer(space).near({"layers": 5}) == {"layers": 5}


# --- settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"resource": "epoch"}, UnknownName, "optimizer.resource: .*Did you mean 'epochs'"),
        ({"fixed": ("rates",)}, UnknownName, "optimizer.fixed.0: .*Did you mean 'rate'"),
        ({"resource": "units"}, InputError, "a constant; .*units: {int"),
        ({"interval": 41}, InputError, "optimizer.interval"),
        ({"interval": 0.5}, InputError, r"optimizer.interval: epochs would be 0.5"),
        ({"generations": 11}, InputError, r"optimizer.generations: epochs would be 44"),
    ],
)
def test_settings_that_do_not_fit_are_explained(settings, error, message):
    with pytest.raises(error, match=message):
        search(**settings)
