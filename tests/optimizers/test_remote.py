"""Optimizers in processes of their own."""

import os
import signal
import time
from pathlib import Path

import pytest

from supervisor.core.errors import InputError, OptimizerError
from supervisor.optimizers import Recipe
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.serving.messages import Ask, Points, Report, Stop, Tell
from supervisor.optimizers.serving.remote import Remote
from tests.contracts.optimizer import SPACE

SEARCHES = """
import os, time

from supervisor.optimizers.protocol import Continuation

def batches(space):
    results = yield [{"x": 0.25}, {"x": 0.5}]
    while True:
        results = yield [{"x": min(told.loss for told in results)}]

class Odd:
    def __init__(self, space):
        self.first = True
        print("hello from the optimizer")
    def ask(self, n):
        import numpy
        if self.first:
            self.first = False
            return [{"x": numpy.float64(0.5), "n": numpy.int64(3), "y": float("nan")}]
        return [Continuation({"x": 1.0}, parent=0)]
    def tell(self, results): pass
    def report(self, id, step, metrics): return metrics["y"] > step

class Raises:
    def __init__(self, space): pass
    def ask(self, n): return self.surrogate()
    def surrogate(self): raise FloatingPointError("not positive definite")
    def tell(self, results): pass

class Dies(Raises):
    def ask(self, n): os.kill(os.getpid(), 9)

class Exits(Raises):
    def ask(self, n): os._exit(7)

class Slow(Raises):
    def ask(self, n):
        time.sleep(60)

class Unsendable(Raises):
    def ask(self, n): return [{"x": object()}]

def broken(space): raise RuntimeError("no licence")
"""


def where(*path):
    return "w.yaml:5 " + ".".join(map(str, path))


@pytest.fixture
def start(tmp_path):
    (tmp_path / "far_searches.py").write_text(SEARCHES)
    started = []

    def start(kind, **settings):
        name = kind if kind == "random" else f"far_searches:{kind}"
        started.append(Remote(Recipe(name, settings, SPACE, where, tmp_path), os.environ))
        return started[-1]

    yield start
    for one in started:
        one.close()


def ask(remote, n=9):
    remote.send(Ask(n))
    [answer] = remote.wait()
    assert isinstance(answer, Points)
    return [(one.values, one.parent) for one in answer.points]


def test_points_are_those_of_the_same_optimizer_in_this_process(start):
    remote = start("random", evaluations=40, seed=3)
    here = Recipe("random", {"evaluations": 40, "seed": 3}, SPACE, where, Path()).build()
    assert [values for values, _ in ask(remote, 40)] == here.ask(40)
    assert remote.ready.independent


def test_a_generator_goes_on_with_what_it_is_told(start):
    remote = start("batches")
    points = ask(remote)
    assert points == [({"x": 0.25}, -1), ({"x": 0.5}, -1)]
    assert ask(remote) == [], "it waits for results"
    for id, (values, _) in enumerate(points):
        remote.send(Tell([Told(id, values, loss=id + 0.125)]))
    assert ask(remote) == [({"x": 0.125}, -1)]


def test_numbers_of_numpy_become_plain_and_nan_stays(start):
    remote = start("Odd")
    [(values, _)] = ask(remote)
    assert {name: type(value) for name, value in values.items()} == {
        "x": float,
        "n": int,
        "y": float,
    }
    assert values["y"] != values["y"]
    assert ask(remote) == [({"x": 1.0}, 0)], "a point that goes on from another one"


def test_what_an_optimizer_prints_is_no_message(start, capfd):
    assert len(ask(start("Odd"))) == 1
    assert "hello from the optimizer" in capfd.readouterr().err


def test_reports_are_judged(start):
    remote = start("Odd")
    remote.begin()
    assert remote.ready.judges
    remote.send(Report(4, 10, {"y": 1.0}))
    remote.send(Report(5, 10, {"y": 11.0}))
    assert remote.wait() == [Stop(5)]


@pytest.mark.parametrize(
    ("kind", "settings", "error", "message"),
    [
        ("random", {"evaluations": 0}, InputError, "w.yaml:5 optimizer.evaluations: 0: Expected"),
        ("broken", {}, OptimizerError, "broken: RuntimeError: no licence .*far_searches.py:"),
        ("nowhere", {}, InputError, "has no 'nowhere'"),
    ],
)
def test_an_optimizer_that_cannot_be_made_says_why(start, kind, settings, error, message):
    with pytest.raises(error, match=message):
        start(kind, **settings).begin()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Raises", "ask raised FloatingPointError: not positive definite"),
        ("Raises", "in surrogate\n"),
        ("Dies", "was killed by signal 9"),
        ("Exits", "ended with exit code 7"),
        ("Unsendable", "cannot be sent: .* is of type object"),
    ],
)
def test_an_optimizer_that_crashes_is_an_error_at_once(start, kind, message):
    remote = start(kind)
    remote.begin()
    remote.send(Ask(1))
    with pytest.raises(OptimizerError, match=message):
        remote.wait()


def test_more_than_a_pipe_holds_is_told_while_the_optimizer_thinks(start):
    remote = start("Slow")
    remote.begin()
    remote.send(Ask(1))
    began = time.monotonic()
    for id in range(20_000):
        remote.send(Tell([Told(id, {"x": 0.5}, loss=0.0)]))
    assert remote.take() == []
    assert time.monotonic() - began < 30, "nothing waited for the optimizer"


def test_signals_for_the_whole_job_leave_an_optimizer_alone(start):
    remote = start("batches")
    remote.begin()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        os.kill(remote._process.pid, number)
    assert len(ask(remote)) == 2


def test_a_thinking_optimizer_ends_when_it_is_closed(start):
    remote = start("Slow")
    remote.begin()
    remote.send(Ask(1))
    remote.close()
    assert remote._process.returncode is not None
