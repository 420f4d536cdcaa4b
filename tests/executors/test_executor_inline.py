"""Evaluation in the worker's own process."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import pytest

from supervisor.core.executor import Seat
from supervisor.core.objective import Objective
from supervisor.executors import build
from tests.contracts.executor import ExecutorContract, evaluate, metrics, task

MODEL = """
import math, os, sys, time

count = 0

def run(params, task):
    global count
    count += 1
    match params["do"]:
        case "square":
            return {"loss": params["x"] ** 2}
        case "raise":
            raise ValueError("no luck")
        case "exit":
            sys.exit(3)
        case "nan":
            return math.nan
        case "count":
            return count
        case "dir":
            os.chdir("/")
            task.dir.joinpath("mine.txt").write_text("x")
            return {"loss": math.inf, "note": "kept"}
        case "report":
            return sum(task.report(step, {"loss": step / 2}) for step in range(3))
        case "interrupt":
            raise KeyboardInterrupt
"""
numbers = itertools.count()


@pytest.fixture
def make(tmp_path):
    # Modules stay imported in this process, so every test needs a name of its own.
    module = f"inline_model_{next(numbers)}"
    (tmp_path / f"{module}.py").write_text(MODEL)
    objective = Objective(
        run="inline",
        python=f"{module}:run",
        metric="loss",
        source_dir=str(tmp_path),
        experiment_dir=str(tmp_path / "EXP"),
    )
    yield lambda: build(objective, Seat(3))
    if str(tmp_path) in sys.path:
        sys.path.remove(str(tmp_path))


class TestInline(ExecutorContract):
    def test_state_of_the_module_survives(self, executor):
        assert metrics(evaluate(executor, 0, {"do": "count"})) == {"loss": 1.0}
        assert metrics(evaluate(executor, 1, {"do": "count"})) == {"loss": 2.0}

    def test_a_traceback_begins_with_the_users_code(self, executor):
        failure = evaluate(executor, 0, {"do": "raise"}).failure
        assert (failure.kind, failure.message) == ("raised", "ValueError: no luck")
        assert "supervisor/executors" not in failure.details
        assert 'raise ValueError("no luck")' in failure.details

    def test_the_run_directory_holds_parameters_and_result(self, executor, tmp_path):
        home = Path.cwd()
        evaluate(executor, 5, {"do": "dir"})
        run = tmp_path / "EXP/runs/RUN000005"
        assert (run / "params.json").read_text() == '{"do": "dir"}\n'
        assert (run / "result.json").read_text() == '{"loss": "Infinity", "note": "kept"}\n'
        assert Path.cwd() == home

    def test_a_task_that_uses_no_directory_has_none(self, executor, tmp_path):
        evaluate(executor, 5, {"do": "square", "x": 1})
        assert not (tmp_path / "EXP").exists()

    def test_reports_come_with_the_result(self, executor):
        assert metrics(evaluate(executor, 9, {"do": "report"})) == {"loss": 0.0}
        assert [(report.id, report.step) for report in executor.reports()] == [
            (9, 0),
            (9, 1),
            (9, 2),
        ]
        assert executor.reports() == []

    def test_ctrl_c_is_not_swallowed(self, executor):
        with pytest.raises(KeyboardInterrupt):
            executor.start(task(0, {"do": "interrupt"}))

    def test_a_task_costs_microseconds(self, executor):
        work = task(0, {"do": "square", "x": 1})
        executor.start(work)
        before = time.perf_counter()
        for _ in range(1000):
            executor.start(work)
            executor.poll()
        assert time.perf_counter() - before < 0.5
