"""What every executor promises; a new one passes this by writing two fixtures."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from supervisor.core.executor import Executor
from supervisor.core.objective import Evaluation, decode_metrics
from supervisor.core.task import Result, Task

PATIENCE_S = 30.0


def task(number: int, values: dict[str, Any], *, attempt: int = 1, **fields: Any) -> Task:
    """Return a task that evaluates one point."""
    name = f"RUN{number:06d}"
    evaluation = Evaluation(number, name, values, seed=1000 + number, attempt=attempt)
    return Task(number, msgspec.msgpack.encode(evaluation), **fields)


def finish(executor: Executor) -> Result:
    """Poll as a worker does until the task in progress ends."""
    end = time.monotonic() + PATIENCE_S
    while (result := executor.poll()) is None:
        assert time.monotonic() < end, "the task does not end"
        select.select(executor.filenos(), [], [], 0.02)
    return result


def evaluate(executor: Executor, number: int, values: dict[str, Any], **fields: Any) -> Result:
    """Start a task and return its result."""
    executor.start(task(number, values, **fields))
    return finish(executor)


def metrics(result: Result) -> dict[str, Any]:
    """Return the metrics of a task that succeeded."""
    assert result.failure is None, result.failure
    return decode_metrics(result.value)


class ExecutorContract:
    """Inherit, and give fixtures ``make`` and ``x``.

    ``make()`` returns an executor of rank 3 whose objective minimises "loss" and does what
    the parameter "do" says: "square" returns the square of ``x``, "raise" fails, "exit"
    exits with code 3, "nan" returns NaN, "sleep" sleeps for a minute.
    """

    @pytest.fixture
    def executor(self, make: Callable[[], Executor]) -> Any:
        executor = make()
        yield executor
        executor.close()

    def test_a_task_has_a_result(self, executor: Executor) -> None:
        before = time.time()
        result = evaluate(executor, 7, {"do": "square", "x": 3})
        assert metrics(result)["loss"] == 9.0
        assert (result.id, result.rank) == (7, 3)
        assert before <= result.start_s <= result.end_s <= time.time()

    def test_nothing_is_in_progress_before_the_first_task(self, executor: Executor) -> None:
        assert executor.poll() is None
        assert executor.reports() == []

    def test_a_result_is_returned_once(self, executor: Executor) -> None:
        evaluate(executor, 0, {"do": "square", "x": 1})
        assert executor.poll() is None

    def test_tasks_follow_each_other(self, executor: Executor) -> None:
        results = [evaluate(executor, i, {"do": "square", "x": i}) for i in range(4)]
        assert [metrics(result)["loss"] for result in results] == [0.0, 1.0, 4.0, 9.0]

    def test_a_failure_is_told_and_the_next_task_runs(self, executor: Executor) -> None:
        failure = evaluate(executor, 0, {"do": "raise"}).failure
        assert failure is not None
        assert "no luck" in failure.message + failure.details
        assert metrics(evaluate(executor, 1, {"do": "square", "x": 2})) == {"loss": 4.0}

    def test_an_exit_is_a_failure_and_the_next_task_runs(self, executor: Executor) -> None:
        failure = evaluate(executor, 0, {"do": "exit"}).failure
        assert failure is not None
        assert (failure.kind, failure.message) == ("exited", "exited with code 3")
        assert metrics(evaluate(executor, 1, {"do": "square", "x": 2})) == {"loss": 4.0}

    def test_nan_is_a_result(self, executor: Executor) -> None:
        assert math.isnan(metrics(evaluate(executor, 0, {"do": "nan"}))["loss"])

    def test_close_may_be_called_again(self, executor: Executor) -> None:
        evaluate(executor, 0, {"do": "square", "x": 1})
        executor.close()
        executor.close()


class IsolatedExecutorContract(ExecutorContract):
    """What executors promise beyond that if they can end a task."""

    def test_a_cancelled_task_ends(self, executor: Executor) -> None:
        executor.start(task(0, {"do": "sleep"}))
        assert executor.poll() is None
        executor.cancel()
        failure = finish(executor).failure
        assert failure is not None
        assert failure.kind == "cancelled"
        assert metrics(evaluate(executor, 1, {"do": "square", "x": 2})) == {"loss": 4.0}

    def test_a_time_limit_ends_the_task(self, executor: Executor) -> None:
        failure = evaluate(executor, 0, {"do": "sleep"}, timeout_s=0.5).failure
        assert failure is not None
        assert failure.kind == "timeout"
        assert failure.message == "reached its time limit of 0.5 s and was killed"
        assert metrics(evaluate(executor, 1, {"do": "square", "x": 2})) == {"loss": 4.0}

    def test_close_ends_a_task_in_progress(self, executor: Executor) -> None:
        executor.start(task(0, {"do": "sleep"}))
        before = time.monotonic()
        executor.close()
        assert time.monotonic() - before < 10
