"""Calls Python functions in the worker's own process: for calls that are short and trusted."""

from __future__ import annotations

import math
import pickle
import reprlib
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from supervisor.core.calls import CallFailed, Wrapper, Written, decode_call
from supervisor.core.errors import InputError, SupervisorError
from supervisor.core.executor import Form, Seat
from supervisor.core.files import arrived, missing, note_arrivals
from supervisor.core.payload import Payload, pack
from supervisor.core.scope import enter
from supervisor.core.task import Failure, Gang, Report, Result, Task
from supervisor.executors.failures import TaskError
from supervisor.executors.gang import join, take_part
from supervisor.executors.nested import Nested

MOST_FUNCTIONS = 64  # that are kept unpickled


class FunctionExecutor:
    """Runs the tasks and parts that ``core.calls`` makes.

    A call that raises fails alone: a ``CallFailed`` stands in for its value. Limits of time
    cannot be enforced in the worker's own process.

    Apps that are called by them become tasks, which the result carries.

    Args:
        seat: The worker's.
        form: Gives the communicators of gangs; None if there are none.
        deadline_s: When the run must end, in seconds since the epoch; it ends calls of gangs.
    """

    def __init__(self, seat: Seat, form: Form | None = None, deadline_s: float = math.inf) -> None:
        note_arrivals()
        self._rank = seat.rank
        self._form = form
        self._deadline_s = deadline_s
        self.nested = Nested(seat)
        self._functions: dict[bytes, Callable[..., Any]] = {}
        self._assists = False  # another member of the gang has the value
        self._result: Result | None = None

    def start(self, task: Task) -> None:
        """Make the call of a task, or the calls of one part of a bulk."""
        if task.gang is not None:
            self._start_together(task, task.gang)
        else:
            self._start(task, {})

    def _start_together(self, task: Task, gang: Gang) -> None:
        """Make a call that the other members of a gang make too; rank 0's has the value."""
        comm = join(self._form, task, self._rank)

        def call() -> Failure | None:
            self._start(task, {"comm": comm})
            return None if self._result is None else self._result.failure

        start_s = time.time()
        self._assists = gang.place(self._rank) > 0
        try:
            failure = take_part(task, self._rank, comm, call, self._deadline_s)
        finally:
            self._assists = False
        if failure is not None:
            self._result = Result(task.id, b"", failure, self._rank, start_s, time.time())

    def _start(self, task: Task, further: dict[str, Any]) -> None:
        start_s = time.time()
        nested = self.nested
        value: Payload | None = b""
        failure = None
        before = enter(nested)
        try:
            value = self._call_each(task) if task.parts else self._call(task, further)
        except (Exception, SystemExit) as error:
            nested.clear()
            failure = failure_of(error)
        finally:
            enter(before)
        self._result = Result(
            task.id,
            b"" if value is None else value,
            failure,
            self._rank,
            start_s,
            time.time(),
            operations=tuple(nested.operations),
            tasks=tuple(nested.tasks),
            forwarded=value is None,
        )
        if nested.tasks or nested.operations:
            nested.clear()

    def _call(self, task: Task, further: dict[str, Any]) -> Payload | None:
        """Return the value of a task's call; None if another task will write it."""
        arrived.clear()
        encoded, arguments, named = decode_call(task)
        problem = next(filter(None, (one.problem() for one in arrived)), "") if arrived else ""
        function = self._function(encoded)
        if problem:
            raise InputError(name_of(function), problem)
        try:
            returned = function(*arguments, **named, **further)
        except (Exception, SystemExit) as error:
            if not isinstance(error, SupervisorError):  # that says where itself
                error.add_note(f"in the call {shown(function, arguments, named)}")
            raise
        if self._assists:
            self.nested.clear()
            return b""
        value = self.nested.forward(self._plain(returned), task)
        self.nested.complete()
        return value

    def _call_each(self, task: Task) -> Payload:
        """Return the values of a part's calls; a call that raises fails alone."""
        function = self._function(task.payload)
        values = []
        arrived.clear()
        arguments = pickle.loads(task.parts[0])
        lacking = any(one.problem() for one in arrived)
        for argument in arguments:
            try:
                if lacking and (problem := missing(argument)):
                    raise InputError(name_of(function), problem)
                values.append(self._plain(function(argument)))
            except (Exception, SystemExit) as error:
                error.add_note(f"in the call {shown(function, (argument,), {})}")
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

    def _plain(self, returned: Any) -> Any:
        """Return the value of a call; what it writes is kept for the result."""
        if type(returned) is not Written:
            return returned
        self.nested.operations.extend(returned.operations)
        return returned.value

    def _function(self, encoded: bytes) -> Callable[[Any], Any]:
        function = self._functions.get(encoded)
        if function is None:
            if len(self._functions) >= MOST_FUNCTIONS:
                self._functions.clear()
            found = pickle.loads(encoded)
            function = found.function if isinstance(found, Wrapper) else found
            self._functions[encoded] = function
        return function


def name_of(function: Callable[..., Any]) -> str:
    """Return what errors call a function."""
    return str(getattr(function, "__name__", "app"))


def shown(function: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return a call as people write it, with long arguments cut."""
    words = [reprlib.repr(one) for one in arguments]
    words += [f"{name}={reprlib.repr(value)}" for name, value in named.items()]
    return f"{name_of(function)}({', '.join(words)})"


def failure_of(error: BaseException) -> Failure:
    """Return the failure of a task whose call raised."""
    if isinstance(error, TaskError):
        return error.failure
    if isinstance(error, InputError):
        return Failure("invalid", str(error))
    return Failure("raised", f"{type(error).__name__}: {error}", text_of(error))


def text_of(error: BaseException) -> str:
    """Return the traceback of the user's code; none if the user is told without one."""
    if isinstance(error, TaskError | InputError):
        failure = failure_of(error)
        return f"{failure.message}\n{failure.details}".rstrip()
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


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
