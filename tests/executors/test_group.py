"""Evaluation by a gang, seen from one member whose communicator is a stand-in."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import msgspec
import pytest

from supervisor.core.executor import Seat
from supervisor.core.gang import MemberFailed, OutOfStep, Stuck
from supervisor.core.objective import Evaluation, Objective
from supervisor.core.task import Gang, Task
from supervisor.executors import build
from tests.contracts.executor import ExecutorContract, evaluate, metrics

MODEL = """
import math, sys, time

def run(params, task):
    match params["do"]:
        case "square":
            return {"loss": params["x"] ** 2}
        case "raise":
            raise ValueError("no luck")
        case "exit":
            sys.exit(3)
        case "nan":
            return math.nan
        case "sleep":
            time.sleep(60)
        case "swallow":
            try:
                time.sleep(60)
            except BaseException:
                return 1.0
        case "meet":
            task.comm.Barrier()
            return float(task.rank)
        case "parent":
            return len(list(task.checkpoint_dir.iterdir()))
"""
modules = itertools.count()
TEAM = (5, 3, 8)


class Comm:
    """A communicator whose other members do as they are told."""

    def __init__(self, log, *, fails=None, parts=True):
        self.trouble = None
        self._log = log
        self._fails = fails
        self._parts = parts

    def Barrier(self):  # noqa: N802
        self._log.append("barrier")
        if self._fails is not None:
            self.trouble = self._fails
            raise self._fails

    def interrupt(self, error):
        self._log.append("interrupted")
        raise error

    def part(self, failed):
        self._log.append(("parted", failed))
        if not self._parts:
            raise Stuck("a gang failed, and rank 2 did not come")
        self.trouble = self.trouble or self._fails
        return not failed and self.trouble is None


@pytest.fixture
def objective(tmp_path):
    # Modules stay imported in this process, so every test needs a name of its own.
    module = f"group_model_{next(modules)}"
    (tmp_path / f"{module}.py").write_text(MODEL)
    yield Objective(
        run="group",
        python=f"{module}:run",
        metric="loss",
        source_dir=str(tmp_path),
        experiment_dir=str(tmp_path / "EXP"),
    )
    if str(tmp_path) in sys.path:
        sys.path.remove(str(tmp_path))


@pytest.fixture
def log():
    return []


@pytest.fixture
def run(objective, log):
    """Return what a member's executor makes of one task."""

    def run(rank, do, *, timeout_s=None, parent="", **comm):
        def form(ranks, number):
            log.append(("formed", tuple(ranks), number))
            return Comm(log, **comm)

        evaluation = Evaluation(0, "RUN", {"do": do, "x": 3}, seed=1, attempt=1, parent=parent)
        payload = msgspec.msgpack.encode(evaluation)
        executor = build(objective, Seat(rank), form)
        gang = Gang(3, number=41, team=TEAM)
        executor.start(Task(7, payload, gang=gang, timeout_s=timeout_s))
        return executor.poll()

    return run


class TestAlone(ExecutorContract):
    @pytest.fixture
    def make(self, objective):
        return lambda: build(objective, Seat(3))

    def test_a_time_limit_ends_python_code(self, executor):
        failure = evaluate(executor, 0, {"do": "sleep"}, timeout_s=0.2).failure
        assert failure.kind == "timeout"
        assert failure.message == "reached its time limit of 0.2 s and was killed"
        assert metrics(evaluate(executor, 1, {"do": "square", "x": 2})) == {"loss": 4.0}

    def test_a_time_limit_that_was_caught_still_counts(self, executor):
        failure = evaluate(executor, 0, {"do": "swallow"}, timeout_s=0.1).failure
        assert failure.kind == "timeout"

    def test_a_time_limit_that_is_not_reached_does_nothing_later(self, executor):
        assert metrics(evaluate(executor, 0, {"do": "square", "x": 2}, timeout_s=0.1))
        time.sleep(0.2)

    def test_outside_the_main_thread_there_is_no_limit(self, executor):
        found = []
        call = lambda: found.append(  # noqa: E731
            evaluate(executor, 0, {"do": "square", "x": 2}, timeout_s=5.0)
        )
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        assert metrics(found[0]) == {"loss": 4.0}


def test_a_member_forms_the_gang_and_parts_from_it(run, log):
    assert metrics(run(5, "square")) == {"loss": 9.0}
    assert log == [("formed", TEAM, 41), ("parted", False)]


def test_only_the_first_member_has_the_value(run):
    result = run(3, "square")
    assert (result.value, result.failure, result.rank) == (b"", None, 3)


def test_a_failure_names_the_member(run, log):
    failure = run(3, "raise").failure
    assert (failure.kind, failure.message) == (
        "raised",
        "rank 1 of 3 (world rank 3): ValueError: no luck",
    )
    assert log[-1] == ("parted", True)


def test_a_time_limit_goes_through_the_communicator(run, log):
    failure = run(8, "sleep", timeout_s=0.1).failure
    text = "rank 2 of 3 (world rank 8): reached its time limit of 0.1 s and was killed"
    assert (failure.kind, failure.message) == ("timeout", text)
    assert log[1:] == ["interrupted", ("parted", True)]


def test_who_fails_because_another_failed_says_so(run):
    failure = run(5, "meet", fails=MemberFailed("another one: rank 2")).failure
    assert (failure.kind, failure.message) == ("member", "another one: rank 2")
    assert "task.comm.Barrier()" in failure.details


def test_who_returned_before_another_failed_says_so(run):
    failure = run(5, "square", fails=MemberFailed("another one: rank 2")).failure
    assert (failure.kind, failure.message) == ("member", "another one: rank 2")


def test_members_out_of_step_have_no_other_cause(run):
    assert run(5, "square", fails=OutOfStep("rank 0 returned")).failure.kind == "raised"
    failure = run(5, "meet", fails=OutOfStep("rank 1 returned")).failure
    assert failure.kind == "raised"
    assert failure.message.endswith("OutOfStep: rank 1 returned"), failure


def test_a_gang_that_is_stuck_is_not_a_failure_of_the_task(run):
    with pytest.raises(Stuck, match="rank 2 did not come"):
        run(5, "raise", parts=False)


def test_a_copied_checkpoint_is_there_for_all(run, log, objective, tmp_path):
    saved = tmp_path / "EXP/runs/EARLIER/checkpoint"
    saved.mkdir(parents=True)
    (saved / "weights").write_text("1")
    assert metrics(run(5, "parent", parent="EARLIER")) == {"loss": 1.0}
    assert log[1] == "barrier"
