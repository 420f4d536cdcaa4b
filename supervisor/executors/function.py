"""Calls Python functions in the worker's own process: for calls that are short and trusted."""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Callable
from typing import Any

from supervisor.core.calls import CallFailed, Written, stored
from supervisor.core.operations import Operation
from supervisor.core.payload import Payload, pack
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
        """Make the call of a task, or the calls of one part of a bulk."""
        start_s = time.time()
        operations: list[Operation] = []
        value: Payload = b""
        failure = None
        try:
            if task.parts:
                value = self._call_each(task, operations)
            else:
                encoded, argument = pickle.loads(task.payload)
                inputs = [stored(one) for one in task.values]
                returned = self._function(encoded)(argument, *inputs)
                value = pack(plain(returned, operations))
        except (Exception, SystemExit) as error:
            operations.clear()
            failure = Failure("raised", f"{type(error).__name__}: {error}", text_of(error))
        self._result = Result(
            task.id,
            value,
            failure,
            self._rank,
            start_s,
            time.time(),
            operations=tuple(operations),
        )

    def _call_each(self, task: Task, operations: list[Operation]) -> Payload:
        """Return the values of a part's calls; a call that raises fails alone."""
        function = self._function(task.payload)
        values = []
        for argument in pickle.loads(task.parts[0]):
            try:
                returned = function(argument)
                values.append(
                    plain(returned, operations) if type(returned) is Written else returned
                )
            except (Exception, SystemExit) as error:
                values.append(failed(error))
        try:
            return pack(values)
        except Exception:  # one of them cannot be pickled; the others can
            return pack([sendable(one) for one in values])

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


def plain(returned: Any, operations: list[Operation]) -> Any:
    """Return the value of a call; what it writes is added to the operations."""
    if isinstance(returned, Written):
        operations.extend(returned.operations)
        return returned.value
    return returned


def text_of(error: BaseException) -> str:
    """Return the traceback of the user's code."""
    trace = error.__traceback__
    own = trace.tb_next if trace is not None and trace.tb_next is not None else trace
    return "".join(traceback.format_exception(type(error), error, own))


def failed(error: BaseException) -> CallFailed:
    """Return what stands in for the value of a call that raised."""
    text = text_of(error)
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
