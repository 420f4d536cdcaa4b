"""Calls of Python functions as tasks and bulks, and their values.

The function is pickled once and is what all parts of a bulk share; each part holds the arguments
of a few calls. Servers look into neither.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from supervisor.core.operations import Operation
from supervisor.core.payload import Payload, unpack
from supervisor.core.pending import Found, Place, dumps, loads
from supervisor.core.task import Result, Task

CALLS_PER_PART = 16
"""Enough to make a part cheap to handle, and few enough to share out calls of a second each."""


class CallFailed:
    """What stands in for the value of a call that raised.

    Attributes:
        error: What was raised.
        text: Its traceback.
    """

    __slots__ = ("error", "text")

    def __init__(self, error: BaseException, text: str) -> None:
        self.error = error
        self.text = text


class Written:
    """What a function returns that also writes data.

    Attributes:
        value: The value of the call.
        operations: Applied by the data store when the call has ended.
    """

    __slots__ = ("operations", "value")

    def __init__(self, value: Any, *operations: Operation) -> None:
        self.value = value
        self.operations = operations


class Wrapper:
    """Something that stands for a function where it was defined; workers call the function.

    Attributes:
        function: What is called.
    """

    function: Callable[..., Any]


class Callee:
    """A function to be called on workers, pickled once for all its calls.

    Args:
        function: Importable by the workers, or whatever cloudpickle can carry. It takes one
            argument, and one more for each input of the task, and returns a value, or ``Written``.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.encoded = encode_function(function)

    def task(self, task_id: int, argument: Any, **fields: Any) -> Task:
        """Return a single task that makes one call.

        Args:
            task_id: Unique among all tasks of the run.
            argument: Of the call.
            fields: Others of the task, e.g. ``priority``.
        """
        inputs = (Place(number) for number in range(len(fields.get("inputs", ()))))
        return Task(task_id, encode_call(self.encoded, (argument, *inputs))[0], **fields)

    def bulk(
        self,
        task_id: int,
        arguments: Iterable[Any],
        *,
        calls_per_part: int = CALLS_PER_PART,
        **fields: Any,
    ) -> Task:
        """Return a bulk that makes one call for each argument, of which there is one at least.

        Args:
            task_id: Unique among all tasks of the run.
            arguments: Of the calls; a range is never made a list.
            calls_per_part: Number of calls that are never separated.
            fields: Others of the task, e.g. ``priority``.
        """
        parts = batches(arguments, calls_per_part)
        encoded = tuple(pickle.dumps(part, protocol=5) for part in parts)
        return Task(task_id, self.encoded, encoded, **fields)


def batches(items: Iterable[Any], length: int) -> Iterator[Sequence[Any]]:
    """Yield the items in sequences of this length; those of a range are ranges."""
    if isinstance(items, range):
        yield from (items[begin : begin + length] for begin in range(0, len(items), length))
        return
    each = iter(items)
    yield from iter(lambda: list(islice(each, length)), [])


ISOLATED = b"\0"
"""Stands before an encoded function, and so before what is encoded with it, that is to run in a
child process. No pickle begins like this."""


def encode_call(
    function: bytes, arguments: Sequence[Any], named: Mapping[str, Any] | None = None
) -> tuple[bytes, Found]:
    """Return the payload of a task that makes a call, and what it waits for and may write."""
    if function.startswith(ISOLATED):
        payload, found = dumps((function[len(ISOLATED) :], tuple(arguments), named or {}))
        return ISOLATED + payload, found
    return dumps((function, tuple(arguments), named or {}))


def decode_call(
    task: Task,
) -> tuple[bytes, tuple[Any, ...], dict[str, Any]]:
    """Return the encoded function, the arguments and the named arguments of a task's call."""
    call: tuple[bytes, tuple[Any, ...], dict[str, Any]]
    call = loads(task.payload, [stored(one) for one in task.values] if task.values else ())
    return call


def identity(value: Any) -> Any:
    """Return the argument."""
    return value


IDENTITY = pickle.dumps(identity, protocol=5)


def stored(value: Payload | int | float | None) -> Any:
    """Return the value that a task was given as an input, or that was retrieved."""
    return unpack(value) if isinstance(value, Payload) else value


def values(result: Result) -> Iterator[Any]:
    """Yield the values of the calls that a result stands for, in order; none that is stored."""
    if result.value:
        yield unpack(result.value)
    for part in result.parts:
        yield from unpack(part)


def returns(result: Result) -> Iterator[Any]:
    """Yield the values of a part's calls; what stands in for them if the part itself failed."""
    if result.failure is None:
        yield from values(result)
    else:
        text = f"{result.failure.message}\n{result.failure.details}".rstrip()
        yield CallFailed(RuntimeError(result.failure.message), text)


def encode_function(function: Callable[..., Any]) -> bytes:
    """Return a function as bytes: by reference if it can be imported, else by value."""
    try:
        encoded = pickle.dumps(function, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        encoded = b""
    if encoded and b"__main__" not in encoded:
        return encoded
    import cloudpickle  # late: importable functions do without

    by_value: bytes = cloudpickle.dumps(function, protocol=5)
    return by_value
