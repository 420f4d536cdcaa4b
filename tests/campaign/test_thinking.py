"""A campaign whose optimizer thinks while evaluations go on."""

import hashlib
import os

import pytest

from supervisor.core.errors import OptimizerError
from supervisor.experiment.events import Asked, Finished, Reported, Waited
from supervisor.optimizers import Recipe
from supervisor.optimizers.serving.channel import Local
from supervisor.optimizers.serving.messages import Points
from supervisor.optimizers.serving.remote import Remote
from tests.campaign.bench import SPACE, Bench


def where(*path):
    return "w.yaml:1"


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


class Thinking(Local):
    """Answers come when the campaign has looked for them a few times."""

    patience = 3

    def __init__(self, optimizer):
        super().__init__(optimizer)
        self.looked = 0

    def take(self):
        self.looked += 1
        return super().take() if self.looked % self.patience == 0 else []

    def wait(self):
        return super().take()


class Chain:
    """Every point depends on all that was asked and told before it, in its order."""

    def __init__(self):
        self.seen = hashlib.blake2b(digest_size=6)
        self.judged = 0

    def ask(self, n):
        points = []
        for _ in range(n):
            self.seen.update(b"ask")
            points.append({"x": int.from_bytes(self.seen.digest()) / 2**47 - 1})
        return points

    def tell(self, results):
        for told in results:
            self.seen.update(repr((told.id, told.loss)).encode())

    def report(self, id, step, metrics):
        self.seen.update(repr((id, step)).encode())
        return step >= 2


class Remembering(Chain):
    """Can do without asks of earlier sessions, but for the last."""

    def __init__(self):
        super().__init__()
        self.asks = 0

    def ask(self, n):
        self.asks += 1
        return super().ask(n)

    def recall(self, points):
        for _ in points:
            self.seen.update(b"ask")


def some_report(evaluation):
    return None if evaluation.point % 3 == 2 else evaluation.values["x"]


@pytest.mark.parametrize("make", [Chain, Remembering])
@pytest.mark.parametrize("channel", [Local, Thinking])
def test_a_campaign_killed_after_any_event_goes_on_with_the_same_suggestions(bench, make, channel):
    bench.run(make(), some_report, channel=channel, evaluations=9)
    whole = bench.path.read_bytes()
    assert bench.events(Reported)
    for kept in range(1, len(whole.splitlines())):
        runs = []
        for _ in range(2):
            bench.path.write_bytes(whole)
            bench.truncate(kept)
            before = {event.point for event in bench.events(Finished)}
            campaign = bench.run(make(), some_report, channel=channel, evaluations=9)
            assert campaign.ending is None, f"killed after event {kept}"
            assert campaign.state.counts() == {"open": 0, "finished": 9, "failed": 0}
            assert not before & {point for point, _ in bench.executor.log}
            runs.append([point for event in bench.events(Asked) for point in event.points])
        assert runs[0] == runs[1]


def test_an_ask_is_repeated_after_what_the_optimizer_knew(bench):
    """Results that came while it thought are told after the ask, also when it is repeated."""
    bench.run(Chain(), channel=Thinking, evaluations=9)
    told = 0
    late = 0
    for event in [*bench.events(Asked), *bench.events(Finished)]:
        assert not isinstance(event, Asked) or event.after is not None
    from supervisor.experiment.journal import read_journal

    for event in read_journal(bench.path):
        told += isinstance(event, Finished)
        late += isinstance(event, Asked) and event.after < told
    assert late, "some results came while it thought"


def test_nothing_is_computed_again_by_optimizers_that_recall(bench):
    bench.run(Remembering(), evaluations=9)
    asks = len(bench.events(Asked))
    assert asks > 3
    again = Remembering()
    bench.truncate(len(bench.path.read_bytes().splitlines()) - 1)
    bench.run(again, evaluations=9)
    assert again.asks == 0


def test_one_that_recalls_may_round_otherwise_on_another_machine(bench):
    class Rounded(Remembering):
        def ask(self, n):
            return [{"x": point["x"] * (1 + 1e-15)} for point in super().ask(n)]

    bench.run(Remembering(), evaluations=9)
    before = [point for event in bench.events(Asked) for point in event.points]
    bench.truncate(len(bench.path.read_bytes().splitlines()) - 1)
    campaign = bench.run(Rounded(), evaluations=9)
    assert campaign.ending is None
    assert [point for event in bench.events(Asked) for point in event.points] == before


def test_time_that_workers_wait_for_the_optimizer_is_journaled(bench):
    class Slow(Thinking):
        patience = 400  # looks; with nothing to do, one in a few milliseconds at most

    campaign = bench.run(Chain(), channel=Slow, evaluations=4)
    waits = bench.events(Waited)
    assert waits
    assert campaign.state.waited_s == pytest.approx(sum(event.seconds for event in waits))
    assert campaign.state.waited_s > 0.05


def test_an_optimizer_in_its_own_process_gives_the_same_campaign(bench, tmp_path):
    (tmp_path / "chained.py").write_text(
        "from tests.campaign.test_thinking import Chain\n"
        "def chain(space): return Chain()\n"
        "def crash(space):\n"
        "    yield [{'x': 0.5}, {'x': 0.25}]\n"
        "    raise ArithmeticError('the fit diverged')\n"
    )

    def remote(kind):
        recipe = Recipe(f"chained:{kind}", {}, SPACE, where, tmp_path)
        return lambda _: Remote(recipe, os.environ)

    campaign = bench.run(Chain(), channel=remote("chain"), evaluations=6)
    assert campaign.ending is None
    assert campaign.state.counts()["finished"] == 6
    bench.truncate(len(bench.path.read_bytes().splitlines()) // 2)
    assert bench.run(Chain(), channel=remote("chain"), evaluations=6).state.asked == 6

    bench.path.unlink()
    campaign = bench.run(Chain(), channel=remote("crash"))
    assert isinstance(campaign.ending, OptimizerError)
    assert "ArithmeticError: the fit diverged" in str(campaign.ending)
    assert "chained.py:5" in str(campaign.ending)
    assert campaign.state.counts()["finished"] == 2, "the journal is intact"


def test_stops_reach_the_trial(bench):
    campaign = bench.run(Chain(), lambda evaluation: None, channel=Thinking, evaluations=3)
    assert campaign.state.counts()["finished"] == 3


def test_the_answer_to_an_ask_is_a_batch_of_points():
    channel = Local(Chain())
    from supervisor.optimizers.serving.messages import Ask

    channel.send(Ask(2))
    [answer] = channel.take()
    assert isinstance(answer, Points) and len(answer.points) == 2
