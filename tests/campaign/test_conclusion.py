"""The end of a campaign: its optimizer is asked once which point is to be used."""

import json
import os
from pathlib import Path

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.experiment.events import Asked, Closed, Finished, Recommended
from supervisor.experiment.journal import read_journal
from supervisor.optimizers import Recipe
from supervisor.optimizers.bayes.search import bayes
from supervisor.optimizers.protocol import Recommendation
from supervisor.optimizers.serving.channel import Local
from supervisor.optimizers.serving.remote import Remote
from tests.campaign.bench import SPACE, Bench, sampled
from tests.campaign.test_thinking import Chain, Thinking


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


class Advisor(Chain):
    """Recommends a point, whatever the results are."""

    def __init__(self, best=3):
        super().__init__()
        self.best = best
        self.shown = []

    def recommend(self, points):
        self.shown.append([(one.id, one.values, one.loss) for one in points])
        return None if self.best is None else Recommendation(self.best, 0.125)


def square(evaluation):
    if evaluation.point == 1:
        raise ValueError("no")
    return evaluation.values["x"] ** 2


@pytest.mark.parametrize("channel", [Local, Thinking])
def test_an_optimizer_is_shown_all_results_once_at_the_end(bench, channel):
    advisor = Advisor()
    campaign = bench.run(advisor, square, channel=channel, evaluations=6)
    points = {one.id: one.values for event in bench.events(Asked) for one in event.points}
    results = bench.results()
    assert set(results) == {0, 2, 3, 4, 5}
    assert advisor.shown == [[(id, points[id], results[id]) for id in sorted(results)]]
    (advice,) = bench.events(Recommended)
    assert (advice.point, advice.loss) == (3, 0.125)
    kinds = [type(event) for event in read_journal(bench.path)]
    assert kinds.index(Recommended) > len(kinds) - kinds[::-1].index(Finished) - 1
    assert kinds[-1] is Closed
    assert campaign.state.recommended == advice
    assert campaign.ending is None


def test_points_that_were_not_evaluated_are_not_shown(bench):
    class Twice(Advisor):
        def ask(self, n):
            return [{"x": float(round(point["x"]))} for point in super().ask(n)]

    advisor = Twice(best=None)
    bench.run(advisor, evaluations=9, reuse=True)
    (shown,) = advisor.shown
    assert [id for id, _, _ in shown] == sorted(bench.results())
    assert len(shown) == len({values["x"] for _, values, _ in shown}) < 9


def test_one_that_cannot_tell_leaves_no_event(bench):
    advisor = Advisor(best=None)
    assert bench.run(advisor, evaluations=4).ending is None
    assert len(advisor.shown) == 1
    assert bench.events(Recommended) == []


def test_one_that_never_recommends_is_not_asked(bench):
    assert bench.run(sampled(evaluations=4)).ending is None
    assert bench.events(Recommended) == []


@pytest.mark.parametrize("best", [1, 99, -1])
def test_a_point_without_a_result_is_an_error(bench, best):
    campaign = bench.run(Advisor(best), square, evaluations=4)
    assert isinstance(campaign.ending, OptimizerError)
    assert f"recommends point {best}, which has no result" in str(campaign.ending)
    assert bench.events(Recommended) == []


def test_what_its_code_raises_is_said(bench):
    class Broken(Chain):
        def recommend(self, points):
            return 1 / 0

    campaign = bench.run(Broken(), evaluations=4)
    assert "the optimizer's recommend raised ZeroDivisionError" in str(campaign.ending)
    assert len(bench.results()) == 4


def test_a_search_that_ended_is_not_asked_again(bench):
    bench.run(Advisor(), evaluations=5)
    again = Advisor(best=0)
    campaign = bench.run(again, evaluations=5)
    assert again.shown == []
    assert campaign.state.recommended.point == 3
    assert len(bench.events(Recommended)) == 1


@pytest.mark.parametrize("channel", [Local, Thinking])
def test_a_campaign_killed_after_any_event_comes_to_a_recommendation_bit_by_bit(bench, channel):
    def search():
        return bayes(SPACE, evaluations=14, design=4, seed=1)

    def noisy(evaluation):
        return evaluation.values["x"] ** 2 + (evaluation.point * 37 % 11) / 20

    bench.run(search(), noisy, channel=channel)
    whole = bench.path.read_bytes()
    (first,) = bench.events(Recommended)
    lines = len(whole.splitlines())
    for kept in [*range(2, lines, 7), lines - 2, lines - 1]:
        found = []
        for _ in range(2):
            bench.path.write_bytes(whole)
            bench.truncate(kept)
            bench.run(search(), noisy, channel=channel)
            (again,) = bench.events(Recommended)
            found.append((again.point, again.loss))
        assert found[0] == found[1], f"killed after event {kept}"
    assert found[0] == (first.point, first.loss)


def test_a_journal_of_before_is_continued(bench):
    """Its search had ended; only its optimizer has something to add now."""
    bench.run(Chain(), evaluations=4)
    before = bench.path.read_text()
    assert all(json.loads(line)["event"] != "recommended" for line in before.splitlines())
    campaign = bench.run(Advisor(), evaluations=4)
    assert bench.path.read_text().startswith(before)
    assert campaign.state.recommended.point == 3
    assert len(bench.events(Finished)) == 4


def where(*path):
    return "w.yaml:1"


def test_thinking_in_a_process_of_its_own(bench):
    def channel(search):
        recipe = Recipe("bayes", {"evaluations": 12}, SPACE, where, Path())
        remote = Remote(recipe, os.environ)
        remote.begin()
        return remote

    campaign = bench.run(bayes(SPACE), channel=channel)
    assert campaign.ending is None
    best = campaign.state.best()
    assert campaign.state.recommended.point == best
    assert campaign.state.recommended.loss == pytest.approx(bench.results()[best], abs=0.05)


def test_several_objectives_have_no_best_point(bench):
    advisor = Advisor()
    bench.run(
        advisor,
        lambda e: {"y": e.values["x"], "z": -e.values["x"]},
        evaluations=4,
        objectives=(("y", False), ("z", False)),
    )
    assert advisor.shown == []


def test_an_interrupted_search_is_not_asked(bench):
    advisor = Advisor()
    campaign = bench.run(advisor, evaluations=4, deadline_s=0.0)
    assert campaign.ending is not None
    assert advisor.shown == []
