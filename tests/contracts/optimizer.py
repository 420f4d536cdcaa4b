"""What every optimizer promises; a new one passes this by writing one fixture."""

from __future__ import annotations

import pytest

from supervisor.core.space import Space
from supervisor.optimizers.protocol import Told

SPACE = Space.parse(
    {
        "x": {"float": [-1.0, 1.0], "steps": 3},
        "units": {"int": [1, 64], "log": True, "steps": 4},
        "activation": {"choice": ["relu", "tanh", [1, 2]]},
        "nesterov": {"bool": [True, False], "when": "activation == 'relu'"},
        "epochs": 20,
    },
    lambda *path: ".".join(map(str, path)),
    forbid=["units > 32 and x < 0"],
)


def told(number, values):
    """Return a result that depends on the point only."""
    loss = (len(repr(values)) * 37 + number) % 101 / 101
    return Told(id=number, values=values, loss=loss, metrics={"loss": loss})


def run(optimizer, *, width, limit=60):
    """Return the points of a search; every answer is told in reverse order."""
    points = []
    while len(points) < limit:
        asked = optimizer.ask(min(width, limit - len(points)))
        if not asked:
            break
        first = len(points)
        points += asked
        results = [told(first + index, values) for index, values in enumerate(asked)]
        optimizer.tell(results[::-1])
    return points


class OptimizerContract:
    """Subclasses have a fixture ``make``: seed to optimizer, over ``SPACE`` if they can."""

    def problem(self, values):
        return SPACE.problem(values)

    def test_same_seed_same_points(self, make):
        assert make(seed=7).ask(5) == make(seed=7).ask(5)

    def test_the_same_answers_give_the_same_points(self, make):
        points = run(make(seed=3), width=4)
        assert points
        assert points == run(make(seed=3), width=4)

    def test_no_more_points_than_asked(self, make):
        optimizer = make(seed=0)
        assert optimizer.ask(0) == []
        assert len(optimizer.ask(1)) == 1
        assert len(optimizer.ask(2)) <= 2

    def test_all_points_lie_in_the_space(self, make):
        points = run(make(seed=1), width=3)
        assert [self.problem(values) for values in points] == [""] * len(points)

    def test_a_failed_point_is_told_like_others(self, make):
        optimizer = make(seed=2)
        (values,) = optimizer.ask(1)
        optimizer.tell([Told(id=0, values=values, loss=None, error="raised")])

    def test_a_loss_may_be_nan(self, make):
        optimizer = make(seed=2)
        points = optimizer.ask(2)
        optimizer.tell([Told(id=i, values=p, loss=float("nan")) for i, p in enumerate(points)])
        optimizer.ask(1)

    def test_telling_what_was_not_asked_is_an_error(self, make):
        optimizer = make(seed=0)
        with pytest.raises(KeyError):
            optimizer.tell([told(0, {})])
        optimizer.ask(1)
        with pytest.raises(KeyError):
            optimizer.tell([told(999, {})])

    def test_telling_twice_is_an_error(self, make):
        optimizer = make(seed=0)
        points = optimizer.ask(2)
        optimizer.tell([told(0, points[0])])
        with pytest.raises(KeyError):
            optimizer.tell([told(0, points[0])])
        with pytest.raises(KeyError):
            optimizer.tell([told(1, points[1]), told(1, points[1])])

    def test_telling_nothing_is_fine(self, make):
        make(seed=0).tell([])


class RecommenderContract(OptimizerContract):
    """For optimizers that can say in the end which point is to be used."""

    def test_one_of_the_points_that_it_is_shown_is_recommended(self, make):
        optimizer, results = make(seed=4), []
        while len(results) < 12 and (asked := optimizer.ask(3)):
            new = [told(len(results) + index, values) for index, values in enumerate(asked)]
            optimizer.tell(new)
            results += new
        best = optimizer.recommend(results)
        losses = [one.loss for one in results]
        assert min(losses) <= best.loss <= max(losses)
        assert best.id in range(len(results))
        assert optimizer.recommend(results) == best
        assert optimizer.recommend([results[5]]).id == 5
        assert optimizer.recommend([]) is None

    def test_nothing_is_recommended_without_results(self, make):
        assert make(seed=0).recommend([]) is None


class StreamContract(OptimizerContract):
    """For optimizers that need no results."""

    @pytest.mark.parametrize("width", [1, 2, 7, 100])
    def test_the_size_of_asks_does_not_matter(self, make, width):
        assert run(make(seed=5), width=width) == run(make(seed=5), width=3)

    def test_results_do_not_matter(self, make):
        silent, heard = make(seed=5), make(seed=5)
        assert [*silent.ask(2), *silent.ask(2)] == run(heard, width=2, limit=4)
