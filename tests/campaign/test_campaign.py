"""A campaign on one process: the real balancer, and models that are functions of the test."""

import math

import pytest

from supervisor.balancer.client import Client
from supervisor.balancer.layout import split
from supervisor.balancer.messages import Put
from supervisor.campaign.campaign import Campaign
from supervisor.campaign.settings import Settings
from supervisor.campaign.suggestions import Suggestions
from supervisor.core.errors import CampaignFailed, Interrupted, OptimizerError
from supervisor.experiment.events import Failed, Finished
from supervisor.experiment.journal import Journal
from supervisor.experiment.state import State
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.serving.channel import Local
from tests.campaign.bench import SPACE, Bench, descent, sampled


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_every_point_is_asked_evaluated_recorded_and_told(bench):
    campaign = bench.run(sampled())
    assert campaign.ending is None
    assert campaign.state.counts() == {"open": 0, "finished": 12, "failed": 0}
    assert sorted(bench.executor.log) == [(point, 1) for point in range(12)]
    assert campaign.state.closed == "complete"


def test_more_can_be_maximised(bench):
    campaign = bench.run(sampled(), maximize=True)
    best = max(bench.events(Finished), key=lambda event: event.metrics["y"])
    assert campaign.state.best() == best.point


def test_nan_is_a_result_and_never_the_best(bench):
    campaign = bench.run(sampled(), lambda e: math.nan if e.point == 0 else 1.0)
    assert campaign.state.counts()["finished"] == 12
    assert campaign.state.best() == 1


def test_the_number_of_evaluations_bounds_a_search_that_does_not_end(bench):
    def endless():
        while True:
            yield {"x": 0.5}

    assert bench.run(endless(), evaluations=7).state.asked == 7


@pytest.mark.parametrize("optimizer", [sampled, descent])
def test_a_campaign_killed_after_any_event_ends_as_if_undisturbed(bench, tmp_path, optimizer):
    bench.run(optimizer())
    whole, expected = bench.path.read_bytes(), bench.results()
    lines = whole.splitlines(keepends=True)
    for kept in range(1, len(lines)):
        bench.path.write_bytes(b"".join(lines[:kept]) + lines[kept][:9])
        before = bench.results()
        bench.run(optimizer())
        assert bench.results() == expected, f"killed after event {kept}"
        again = {point for point, _ in bench.executor.log}
        assert not again & before.keys(), "a finished point ran again"


def test_a_failure_is_tried_again_and_then_final(bench):
    def fails(evaluation):
        raise RuntimeError("no")

    campaign = bench.run(sampled(3), fails, retries=2)
    assert campaign.state.counts() == {"open": 0, "finished": 0, "failed": 3}
    assert sorted(bench.executor.log) == [(p, a) for p in range(3) for a in (1, 2, 3)]
    assert [event.final for event in bench.events(Failed)].count(True) == 3
    assert campaign.state.best() is None


def test_attempts_before_a_kill_count(bench):
    def fails(evaluation):
        raise RuntimeError("no")

    bench.run(sampled(1), fails, retries=2)
    lines = bench.path.read_bytes().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if b'"failed"' in line)
    bench.path.write_bytes(b"".join(lines[: first + 1]))
    bench.run(sampled(1), fails, retries=2)
    assert bench.executor.log == [(0, 2), (0, 3)]


def test_an_imputed_failure_is_the_worst_so_far_and_not_the_best(bench):
    losses = []

    class Recorder:
        def __init__(self):
            self.points = [{"x": 0.1 * i} for i in range(5)]

        def ask(self, n):
            return [self.points.pop(0)] if self.points else []

        def tell(self, results):
            losses.extend(told.loss for told in results)

    def model(evaluation):
        if evaluation.point == 2:
            raise RuntimeError("no")
        return 10.0 - evaluation.point

    campaign = bench.run(Recorder(), model, on_failure="impute")
    assert losses == [10.0, 9.0, 10.0, 7.0, 6.0]
    assert campaign.state.counts() == {"open": 0, "finished": 4, "failed": 1}


def test_a_campaign_can_stop_at_the_first_failure(bench):
    def model(evaluation):
        if evaluation.point == 4:
            raise RuntimeError("no")
        return 0.0

    campaign = bench.run(sampled(), model, on_failure="stop")
    assert isinstance(campaign.ending, CampaignFailed)
    assert "RUN000004 failed: no" in str(campaign.ending)
    assert campaign.state.counts()["open"] + campaign.state.counts()["finished"] < 12


def test_a_crashing_optimizer_stops_the_campaign_with_its_line(bench):
    def search():
        yield [{"x": 0.1}]
        raise KeyError("surrogate")

    campaign = bench.run(search())
    assert isinstance(campaign.ending, OptimizerError)
    assert "KeyError: 'surrogate'" in str(campaign.ending)
    assert "test_campaign.py:" in str(campaign.ending)
    assert campaign.state.counts()["finished"] == 1, "the journal is intact"


def test_an_optimizer_object_that_raises_is_blamed(bench):
    class Bad:
        def ask(self, n):
            return [{"x": 0.0}]

        def tell(self, results):
            raise ZeroDivisionError("in tell")

    campaign = bench.run(Bad())
    assert "tell raised ZeroDivisionError: in tell" in str(campaign.ending)


def test_a_point_outside_the_space_is_an_error_of_the_optimizer(bench):
    campaign = bench.run(iter([{"x": 7.0}]))
    assert isinstance(campaign.ending, OptimizerError)
    assert "outside the space: x: 7.0" in str(campaign.ending)


def test_an_optimizer_can_stop_a_trial_early(bench):
    class Stopper:
        def __init__(self):
            self.points = [{"x": 0.0}]
            self.seen = []

        def ask(self, n):
            return [self.points.pop()] if self.points else []

        def tell(self, results):
            self.seen.append("told")

        def report(self, id, step, metrics):
            self.seen.append((id, step, metrics["y"]))
            return step >= 3

    stopper = Stopper()
    campaign = bench.run(stopper, lambda evaluation: None)
    assert campaign.state.counts()["finished"] == 1
    assert stopper.seen[:3] == [(0, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0)]
    assert stopper.seen[-1] == "told"


def test_an_interruption_ends_resumably_and_costs_no_attempt(bench):
    state = {}

    def model(evaluation):
        if evaluation.point == 5 and "campaign" in state:
            state.pop("campaign").interrupt("enough")
        return evaluation.values["x"]

    original = Campaign.__init__

    def remember(self, *args, **kwargs):
        original(self, *args, **kwargs)
        state["campaign"] = self

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Campaign, "__init__", remember)
        campaign = bench.run(sampled(), model)
    assert isinstance(campaign.ending, Interrupted)
    assert campaign.state.interrupted == "enough"
    assert campaign.state.counts()["finished"] < 12
    assert not bench.events(Failed)
    assert bench.run(sampled(), model).state.counts()["finished"] == 12


def test_another_optimizer_is_noticed_on_resume(bench):
    bench.run(sampled(seed=1))
    with pytest.raises(CampaignFailed, match="does not give point 0"):
        bench.run(sampled(seed=2))


def test_seeds_of_tasks_depend_on_seed_and_point_only():
    one, other = Settings(metric="y", seed=1), Settings(metric="y", seed=2)
    assert one.task_seed(3) == Settings(metric="y", seed=1, retries=5).task_seed(3)
    assert len({one.task_seed(point) for point in range(1000)}) > 990
    assert one.task_seed(3) != other.task_seed(3)


def test_points_are_asked_for_the_workers_of_the_tasks_kind(tmp_path):
    chosen = Settings(metric="y", kind=1)
    journal = Journal.create(tmp_path / "journal.jsonl")
    client = Client(split(12, 1, {"gpu": 2}))
    suggestions = Suggestions(Local(adapt(sampled(99))), chosen, SPACE)
    campaign = Campaign(client, suggestions, journal, State(), chosen, hosts=["here"] * 12)
    [(_, put)] = [send for send in campaign.poll(0.0) if isinstance(send[1], Put)]
    assert {task.kind for task in put.tasks} == {1}
    assert len(put.tasks) == 4, "one for each gpu worker, and as many ahead"
    journal.close()
