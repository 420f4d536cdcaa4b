"""The point that a search recommends: the best one, and not the luckiest."""

import os
import random as stdlib
from pathlib import Path

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.optimizers import Recipe
from supervisor.optimizers.bayes.search import bayes
from supervisor.optimizers.initial import Initial
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import Recommendation, Recommender, Told
from supervisor.optimizers.serving.channel import Local
from supervisor.optimizers.serving.messages import Advice, Ask, Recommend, Tell
from supervisor.optimizers.serving.remote import Remote
from supervisor.optimizers.serving.session import Session
from tests.optimizers.searching import ONED, oned, parse

VALLEY = parse({"x": {"int": [-10, 10]}, "y": {"int": [-10, 10]}})


def valley(values):
    return ((values["x"] - 3) / 10) ** 2 + ((values["y"] + 4) / 10) ** 2


def searched(seed, *, noise=0.0, space=VALLEY, function=valley, evaluations=40, search=None):
    """Return a search at its end, and what it was told."""
    search = search or bayes(space, evaluations=evaluations, seed=seed)
    luck, told = stdlib.Random(seed), []
    while asked := search.ask(1):
        loss = function(asked[0]) + luck.gauss(0, noise)
        told.append(Told(id=len(told), values=asked[0], loss=loss))
        search.tell(told[-1:])
    return search, told


def luckiest(told):
    return min(told, key=lambda one: one.loss)


def roof(values):
    return (abs(values["x"] - 3) + abs(values["y"] + 4)) / 10


def scattered(seed, noise=0.3):
    """Return a search that knows noisy results all over the space, and these results."""
    rng, told = stdlib.Random(seed), []
    for number in range(60):
        values = {name: rng.randint(-10, 10) for name in ("x", "y")}
        told.append(Told(id=number, values=values, loss=roof(values) + rng.gauss(0, noise)))
    search = bayes(VALLEY, seed=seed)
    search.learn(told)
    return search, told


def test_of_noisy_results_the_better_one_is_recommended_and_not_the_luckiest():
    better, worse, observed, recommended, off = 0, 0, 0.0, 0.0, [0.0, 0.0]
    for seed in range(16):
        search, told = scattered(seed)
        lucky, best = luckiest(told), search.recommend(told)
        first, second = roof(lucky.values), roof(told[best.id].values)
        better, worse = better + (second < first), worse + (second > first)
        observed, recommended = observed + first, recommended + second
        off = [off[0] + lucky.loss - first, off[1] + best.loss - second]
    assert better >= 3 > worse
    assert recommended < 0.8 * observed
    assert abs(off[1]) < 0.7 * abs(off[0]), "what is expected is nearer to the truth"


@pytest.mark.parametrize(("space", "function"), [(VALLEY, valley), (ONED, oned)])
@pytest.mark.parametrize("seed", range(6))
def test_without_noise_the_lowest_loss_is_recommended(space, function, seed):
    search, told = searched(seed, space=space, function=function)
    best = search.recommend(told)
    assert told[best.id].loss == pytest.approx(luckiest(told).loss, abs=1e-8)
    assert best.loss == pytest.approx(luckiest(told).loss, abs=0.02)


@pytest.mark.parametrize("surrogate", ["mixed", "forest", "gp"])
def test_points_without_a_number_are_not_recommended(surrogate):
    search = bayes(VALLEY, evaluations=12, surrogate=surrogate)
    points = search.ask(8)
    bad = [None, float("nan"), float("inf"), float("-inf")]
    losses = [
        bad[number] if number < 4 else valley(values) for number, values in enumerate(points)
    ]
    told = [
        Told(id=number, values=values, loss=loss)
        for number, (values, loss) in enumerate(zip(points, losses, strict=True))
    ]
    search.tell(told)
    assert search.recommend(told).id >= 4
    assert search.recommend(told[:4]) is None
    assert search.recommend([]) is None


def test_too_few_results_tell_nothing():
    search = bayes(VALLEY, evaluations=2)
    told = [Told(id=n, values=values, loss=n) for n, values in enumerate(search.ask(2))]
    search.tell(told)
    assert search.recommend(told) is None


def test_only_what_is_shown_is_recommended():
    search, told = searched(1, noise=0.1)
    best = search.recommend(told)
    others = [one for one in told if one.id != best.id]
    assert search.recommend(others).id != best.id
    assert search.recommend(told[5:6]).id == 5


def test_points_after_a_recommendation_are_the_same_as_without():
    searches = [bayes(VALLEY, seed=2) for _ in range(2)]
    found = []
    for search in searches:
        told = []
        for number in range(14):
            (values,) = search.ask(1)
            told.append(Told(id=number, values=values, loss=valley(values)))
            search.tell(told[-1:])
            if search is searches[0]:
                search.recommend(told)
        found.append([one.values for one in told])
    assert found[0] == found[1]


def test_a_resumed_search_recommends_the_same_bit_by_bit():
    search, told = searched(3, noise=0.1)
    again = bayes(VALLEY, evaluations=40, seed=3)
    for one in told:
        again.recall([one.values])
        again.tell([one])
    assert again.recommend(told) == search.recommend(told)


def test_given_points_are_recommended_and_those_of_others_are_not():
    best = {"x": 3, "y": -4}
    elsewhere = [Told(id=0, values={"x": 3, "y": -3}, loss=-1.0)]
    search, told = searched(
        0, search=Initial(bayes(VALLEY, evaluations=15), [{"x": -9, "y": 9}, best], elsewhere)
    )
    assert told[1].values == best
    assert search.recommend(told).id == 1
    assert not isinstance(Initial(adapt(iter([{"x": 1, "y": 1}])), [best]), Recommender)


# --- over a channel ------------------------------------------------------------------------


def where(*path):
    return "w.yaml:1"


def test_a_process_of_its_own_recommends_the_same():
    recipe = Recipe("bayes", {"evaluations": 12, "seed": 5}, VALLEY, where, Path())
    remote, found = Remote(recipe, os.environ), []
    try:
        remote.begin()
        for channel in (remote, Local(recipe.build())):
            assert channel.ready.recommends
            channel.send(Ask(12))
            (points,) = channel.wait()
            told = [
                Told(id=number, values=one.values, loss=valley(one.values))
                for number, one in enumerate(points.points)
            ]
            channel.send(Tell(told))
            channel.send(Recommend(told))
            found += channel.wait()
    finally:
        remote.close()
    assert found[0] == found[1]
    assert found[0].best.id == luckiest(told).id


class Says:
    def __init__(self, answer):
        self.answer = answer

    def ask(self, n):
        return []

    def tell(self, results):
        pass

    def recommend(self, points):
        return self.answer


def test_what_a_user_recommends_may_be_nothing_but_not_something_else():
    assert Session(Says(None)).handle(Recommend([])) == Advice(None)
    best = Recommendation(2, 0.5)
    assert Session(Says(best)).handle(Recommend([])) == Advice(best)
    with pytest.raises(OptimizerError, match=r"\{'x': 1\}, which is no Recommendation"):
        Session(Says({"x": 1})).handle(Recommend([]))
