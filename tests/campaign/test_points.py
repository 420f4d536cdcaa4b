"""Points that are evaluated once, several times, or from the checkpoint of another."""

import math

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.experiment.events import Finished, Repeated, Reused
from supervisor.optimizers.protocol import Continuation
from tests.campaign.bench import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def points(*values):
    return iter([{"x": value} for value in values])


class Recorder:
    """Suggests given points, and keeps what it is told."""

    def __init__(self, *points):
        self.points = list(points)
        self.told = {}

    def ask(self, n):
        asked, self.points = self.points[:n], self.points[n:]
        return asked

    def tell(self, results):
        self.told.update({result.id: result for result in results})


# --- equal points --------------------------------------------------------------------------


def test_a_point_that_was_evaluated_is_told_again_and_not_run(bench):
    recorder = Recorder({"x": 0.5}, {"x": 0.25}, {"x": 0.5}, {"x": 0.5})
    campaign = bench.run(recorder, reuse=True)
    assert sorted(bench.executor.log) == [(0, 1), (1, 1)]
    assert {id: told.loss for id, told in recorder.told.items()} == {
        0: 0.25,
        1: 0.0625,
        2: 0.25,
        3: 0.25,
    }
    assert [(event.point, event.of) for event in bench.events(Reused)] == [(2, 0), (3, 0)]
    assert campaign.state.counts() == {"open": 0, "finished": 4, "failed": 0}
    assert campaign.state.best() == 1


def test_points_are_equal_after_rounding(bench):
    bench.run(points(0.1 + 0.2, 0.3, 0.3001), reuse=True)
    assert sorted(bench.executor.log) == [(0, 1), (2, 1)]


def test_equal_points_run_again_if_wished(bench):
    bench.run(points(0.5, 0.5), reuse=False)
    assert len(bench.executor.log) == 2


def test_a_failure_is_no_result_to_be_told_again(bench):
    def fails_first(evaluation):
        if evaluation.point == 0:
            raise RuntimeError("no")
        return 1.0

    campaign = bench.run(points(0.5, 0.5, 0.5, 0.5), fails_first, reuse=True)
    assert sorted(bench.executor.log) == [(0, 1), (1, 1)]
    assert campaign.state.counts() == {"open": 0, "finished": 3, "failed": 1}
    assert [(event.point, event.of) for event in bench.events(Reused)] == [(2, 1), (3, 1)]


def test_a_search_that_suggests_one_point_for_ever_ends_with_its_evaluations(bench):
    def stubborn():
        while True:
            yield [{"x": 0.5}]

    campaign = bench.run(stubborn(), reuse=True, evaluations=500)
    assert campaign.state.counts()["finished"] == 500
    assert len(bench.executor.log) == 1


@pytest.mark.parametrize(
    "settings", [{"reuse": True}, {"repeats": 3}, {"reuse": True, "repeats": 2}]
)
def test_a_campaign_killed_after_any_event_ends_as_if_undisturbed(bench, settings):
    values = (0.5, 0.25, 0.5, 0.75, 0.25, 0.5)

    def model(evaluation):
        if evaluation.point == 1 and evaluation.attempt < 2:
            raise RuntimeError("not yet")
        return evaluation.values["x"]

    bench.run(points(*values), model, retries=1, **settings)
    whole = bench.path.read_bytes()
    for kept in range(1, len(whole.splitlines())):
        bench.path.write_bytes(whole)
        bench.truncate(kept)
        closed = {event.point for event in bench.events(Finished)}
        done = {(event.point, event.repeat) for event in bench.events(Repeated)}
        campaign = bench.run(points(*values), model, retries=1, **settings)
        losses = [campaign.state.points[id].loss for id in range(len(values))]
        assert losses == list(values), f"killed after event {kept}"
        again = {(e.point, e.name.rpartition("repeat")[2]) for e in bench.executor.evaluations}
        assert not {point for point, _ in again} & closed
        assert not again & {(point, str(repeat)) for point, repeat in done}


# --- repeats -------------------------------------------------------------------------------


def test_repeats_have_seeds_and_folders_of_their_own_and_their_mean_counts(bench):
    recorder = Recorder({"x": 0.5}, {"x": 0.25})

    def noisy(evaluation):
        folder = int(evaluation.name[-1])
        return {"y": evaluation.values["x"] + folder, "n": folder, "text": "a"}

    campaign = bench.run(recorder, noisy, repeats=3)
    assert recorder.told[0].loss == 1.5
    assert recorder.told[1].metrics == {"y": 1.25, "n": 1.0, "text": "a"}
    made = [one for one in bench.executor.evaluations if one.point == 0]
    assert [one.name for one in made] == [f"RUN000000/repeat{i}" for i in range(3)]
    assert len({one.seed for one in made}) == 3
    assert campaign.state.counts()["finished"] == 2
    assert len(bench.events(Repeated)) == 6
    assert [event.note for event in bench.events(Finished)] == ["mean of 3 evaluations"] * 2
    assert campaign.state.busy_s == 6.0, "each took a second"


def test_the_evaluations_of_a_search_count_points_and_not_repeats(bench):
    recorder = Recorder(*({"x": i / 10} for i in range(9)))
    assert bench.run(recorder, repeats=4, evaluations=5).state.asked == 5
    assert len(bench.executor.log) == 20


def test_a_repeat_that_fails_for_good_fails_the_point(bench):
    def fails_second(evaluation):
        if evaluation.name.endswith("repeat1"):
            raise RuntimeError("no")
        return 1.0

    recorder = Recorder({"x": 0.5})
    campaign = bench.run(recorder, fails_second, repeats=3)
    assert recorder.told[0].error == "no"
    assert campaign.state.counts() == {"open": 0, "finished": 0, "failed": 1}
    assert not bench.events(Finished)


# --- several objectives --------------------------------------------------------------------

TWO = {"objectives": (("y", False), ("accuracy", True))}


def test_several_objectives_are_told_as_losses(bench):
    recorder = Recorder({"x": 0.5}, {"x": 0.25}, {"x": 0.75}, {"x": 1.0})

    def model(evaluation):
        x = evaluation.values["x"]
        return {"y": x, "accuracy": {0.25: 0.5, 0.5: 0.9, 0.75: 0.7, 1.0: math.nan}[x]}

    campaign = bench.run(recorder, model, **TWO)
    assert recorder.told[0].losses == (0.5, -0.9)
    assert recorder.told[0].loss == 0.5
    assert campaign.state.front() == [1, 0], "RUN000002 is beaten by RUN000000 in both"


# --- checkpoints ---------------------------------------------------------------------------


def test_a_point_can_go_on_from_another(bench):
    recorder = Recorder({"x": 0.5}, Continuation({"x": 0.25}, parent=0))
    campaign = bench.run(recorder, reuse=True)
    assert [(one.name, one.parent) for one in bench.executor.evaluations] == [
        ("RUN000000", ""),
        ("RUN000001", "RUN000000"),
    ]
    assert campaign.state.points[1].parent == 0


def test_a_point_that_goes_on_equals_no_other(bench):
    recorder = Recorder(
        {"x": 0.5}, Continuation({"x": 0.5}, parent=0), Continuation({"x": 0.5}, parent=0)
    )
    bench.run(recorder, reuse=True)
    assert len(bench.executor.log) == 3


def test_a_point_goes_on_where_an_equal_one_was_evaluated(bench):
    bench.run(Recorder({"x": 0.5}, {"x": 0.5}, Continuation({"x": 0.25}, parent=1)), reuse=True)
    assert bench.executor.evaluations[-1].parent == "RUN000000"


@pytest.mark.parametrize("parent", [1, 7, -2])
def test_a_point_cannot_go_on_from_one_that_was_never_asked(bench, parent):
    recorder = Recorder({"x": 0.5}, Continuation({"x": 0.25}, parent=parent))
    campaign = bench.run(recorder)
    assert isinstance(campaign.ending, OptimizerError)
    assert f"continues point {parent}, which was never asked" in str(campaign.ending)


def test_repeats_go_on_from_the_same_repeat(bench):
    bench.run(Recorder({"x": 0.5}, Continuation({"x": 0.25}, parent=0)), repeats=2)
    assert [one.parent for one in bench.executor.evaluations[2:]] == [
        "RUN000000/repeat0",
        "RUN000000/repeat1",
    ]
