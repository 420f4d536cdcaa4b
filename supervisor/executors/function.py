"""Calls Python functions in the worker's own process: for calls that are short and trusted."""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Callable
from typing import Any

from supervisor.core.calls import CallFailed
from supervisor.core.task import Failure, Report, Result, Task

MOST_FUNCTIONS = 64  # that are kept unpickled


class FunctionExecutor:
    """Runs the tasks and parts that ``core.calls`` makes.

    A call that raises fails alone: a ``CallFailed`` stands in for its value. Limits of time
    cannot be enforced in the worker's own process.

    Args:
        rank: World rank of the worker.
    """

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self._functions: dict[bytes, Callable[[Any], Any]] = {}
        self._result: Result | None = None

    def start(self, task: Task) -> None:
        """Make the calls of a task, or of one part of a bulk."""
        start_s = time.time()
        try:
            if task.parts:
                encoded, arguments = task.payload, pickle.loads(task.parts[0])
            else:
                encoded, argument = pickle.loads(task.payload)
                arguments = [argument]
            function = self._function(encoded)
        except Exception as error:
            failure = Failure(
                "invalid", f"{type(error).__name__}: {error}", traceback.format_exc()
            )
            self._result = Result(task.id, b"", failure, self._rank, start_s, time.time())
            return
        values = []
        for argument in arguments:
            try:
                values.append(function(argument))
            except (Exception, SystemExit) as error:
                values.append(failed(error))
        try:
            value = pickle.dumps(values, protocol=5)
        except Exception:  # one of them cannot be pickled; the others can
            value = pickle.dumps([sendable(one) for one in values], protocol=5)
        self._result = Result(task.id, value, None, self._rank, start_s, time.time())

    def poll(self) -> Result | None:
        """Return the result of what was started."""
        result, self._result = self._result, None
        return result

    def reports(self) -> list[Report]:
        """Return nothing: calls do not report."""
        return []

    def stop_early(self, task_id: int) -> None:
        """Do nothing: calls do not report."""

    def cancel(self) -> None:
        """Do nothing: a call in this process cannot be ended from outside."""

    def filenos(self) -> list[int]:
        """Return nothing: results are there at once."""
        return []

    def close(self) -> None:
        """Forget the functions."""
        self._functions.clear()

    def _function(self, encoded: bytes) -> Callable[[Any], Any]:
        function = self._functions.get(encoded)
        if function is None:
            if len(self._functions) >= MOST_FUNCTIONS:
                self._functions.clear()
            function = self._functions[encoded] = pickle.loads(encoded)
        return function


def failed(error: BaseException) -> CallFailed:
    """Return what stands in for the value of a call that raised."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error, protocol=5))
    except Exception:  # the error itself cannot travel; what it says can
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return CallFailed(error, text)


def sendable(value: Any) -> Any:
    """Return a value, or what stands in for one that cannot be pickled."""
    try:
        pickle.dumps(value, protocol=5)
    except Exception as error:
        return failed(error)
    return value
