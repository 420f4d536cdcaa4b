"""Optimizers that begin with points of the user's."""

import pytest

from supervisor.optimizers.designs.random import random
from supervisor.optimizers.initial import Initial
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import (
    Continuation,
    EarlyStopper,
    Learner,
    Recaller,
    Told,
)
from tests.contracts.optimizer import SPACE, OptimizerContract, StreamContract

GIVEN = [
    SPACE.complete({"x": x, "units": 2, "activation": "tanh"}) for x in (0.0, 0.25, 0.5, 0.75)
]


def result(number, values, loss=0.5):
    return Told(id=number, values=values, loss=loss)


class Recorder:
    """Asks 0, 1, 2, ... as ``n``, and remembers what it is told."""

    def __init__(self):
        self.asks, self.told, self.next = [], [], 0

    def ask(self, n):
        self.asks.append(n)
        first, self.next = self.next, self.next + n
        return [{"n": number} for number in range(first, self.next)]

    def tell(self, results):
        self.told += results


class Student(Recorder):
    """Learns, and is asked for recalled points by their number."""

    def __init__(self):
        super().__init__()
        self.learned, self.recalled, self.reports = [], [], []

    def learn(self, results):
        assert not self.asks, "it learns before the first ask"
        self.learned += results

    def recall(self, points):
        self.recalled.append(points)
        self.next += len(points)

    def report(self, id, step, metrics):
        self.reports.append((id, step, metrics))
        return True


class TestBeforeAStream(StreamContract):
    @pytest.fixture
    def make(self):
        return lambda seed: Initial(adapt(random(SPACE, evaluations=30, seed=seed)), GIVEN)


class TestBeforeALearner(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: Initial(Pupil(seed), GIVEN)


class Pupil:
    """A search that begins beside the best point that it learned."""

    def __init__(self, seed):
        self.inner, self.seed = None, seed

    def learn(self, results):
        losses = [one.loss for one in results if one.loss is not None]
        self.seed += len(losses)

    def _search(self):
        self.inner = self.inner or adapt(random(SPACE, evaluations=20, seed=self.seed))
        return self.inner

    def ask(self, n):
        return self._search().ask(n)

    def tell(self, results):
        self._search().tell(results)


def test_given_points_come_first_and_in_order():
    optimizer = Initial(Recorder(), GIVEN)
    assert optimizer.ask(3) == GIVEN[:3]
    assert optimizer.ask(3) == [GIVEN[3], {"n": 0}, {"n": 1}]
    assert optimizer.ask(1) == [{"n": 2}]


def test_the_numbers_of_others_are_counted_without_the_given_ones():
    inner = Recorder()
    optimizer = Initial(inner, GIVEN[:2])
    optimizer.ask(4)
    optimizer.tell([result(3, {"n": 1}), result(0, GIVEN[0])])
    assert inner.told == [result(1, {"n": 1})]


def test_given_points_may_be_changed_by_those_who_get_them():
    optimizer = Initial(Recorder(), [{"x": 1}])
    optimizer.ask(1)[0]["x"] = 2
    assert GIVEN[0]["x"] == 0.0


def test_a_learner_is_asked_when_it_has_learned_all():
    inner = Student()
    known = [result(9, GIVEN[3], 0.1)]
    optimizer = Initial(inner, GIVEN[:2], known)
    assert optimizer.ask(5) == GIVEN[:2]
    assert optimizer.ask(5) == []
    optimizer.tell([result(1, GIVEN[1])])
    assert optimizer.ask(5) == []
    assert inner.learned == []
    failed = Told(id=0, values=GIVEN[0], loss=None, error="raised")
    optimizer.tell([failed])
    assert inner.learned == [*known, failed, result(1, GIVEN[1])]
    assert optimizer.ask(2) == [{"n": 0}, {"n": 1}]


def test_known_results_alone_are_learned_at_once():
    inner = Student()
    optimizer = Initial(inner, [], [result(0, GIVEN[0])])
    assert inner.learned == [result(0, GIVEN[0])]
    assert optimizer.ask(1) == [{"n": 0}]
    optimizer.tell([result(0, {"n": 0})])
    assert inner.told == [result(0, {"n": 0})]


def test_nothing_given_is_nothing_learned():
    inner = Student()
    assert Initial(inner, []).ask(1) == [{"n": 0}]
    assert inner.learned == []


def test_results_of_other_campaigns_are_learned_too():
    inner = Student()
    optimizer = Initial(inner, GIVEN[:1])
    optimizer.learn([result(7, GIVEN[2])])
    optimizer.ask(1)
    optimizer.tell([result(0, GIVEN[0])])
    optimizer.learn([result(8, GIVEN[3])])
    assert inner.learned == [result(7, GIVEN[2]), result(0, GIVEN[0]), result(8, GIVEN[3])]


def test_it_can_do_what_the_other_one_can():
    can, cannot = Initial(Student(), GIVEN), Initial(Recorder(), GIVEN)
    for protocol in (EarlyStopper, Learner, Recaller):
        assert isinstance(can, protocol)
        assert not isinstance(cannot, protocol)


def test_a_given_point_never_stops_early():
    inner = Student()
    optimizer = Initial(inner, GIVEN[:2])
    optimizer.ask(2)
    assert optimizer.report(1, 5, {"y": 1.0}) is False
    assert inner.reports == []
    optimizer.tell([result(0, GIVEN[0]), result(1, GIVEN[1])])
    optimizer.ask(1)
    assert optimizer.report(2, 5, {"y": 1.0}) is True
    assert inner.reports == [(0, 5, {"y": 1.0})]


def test_continuations_refer_to_the_numbers_of_the_campaign():
    class Continuing(Recorder):
        def ask(self, n):
            return [Continuation({"n": 0}, 0)]

    optimizer = Initial(Continuing(), GIVEN[:3])
    optimizer.ask(3)
    assert optimizer.ask(1) == [Continuation({"n": 0}, 3)]


def test_a_resumed_search_goes_on_where_it_was():
    inner = Student()
    optimizer = Initial(inner, GIVEN[:2])
    optimizer.recall(GIVEN[:1])
    optimizer.recall(GIVEN[1:2])
    assert inner.recalled == []
    optimizer.tell([result(0, GIVEN[0]), result(1, GIVEN[1])])
    optimizer.recall([{"n": 0}, {"n": 1}])
    assert inner.recalled == [[{"n": 0}, {"n": 1}]]
    assert optimizer.ask(1) == [{"n": 2}]
    optimizer.tell([result(3, {"n": 1})])
    assert inner.told == [result(1, {"n": 1})]


def test_a_given_point_is_told_once():
    optimizer = Initial(Recorder(), GIVEN)
    optimizer.ask(1)
    optimizer.tell([result(0, GIVEN[0])])
    for number in (0, 1):
        with pytest.raises(KeyError):
            optimizer.tell([result(number, GIVEN[number])])
