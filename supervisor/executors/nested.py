"""Calls that a task makes while it runs: collected, and put along with its result."""

from __future__ import annotations

from typing import Any

import msgspec

from supervisor.core.calls import IDENTITY, encode_call
from supervisor.core.errors import SupervisorError, nearest
from supervisor.core.executor import Seat
from supervisor.core.ids import Ids
from supervisor.core.operations import Create, Operation
from supervisor.core.payload import Payload
from supervisor.core.pending import Pending, pack_complete
from supervisor.core.scope import Settings
from supervisor.core.task import Task


class Nested:
    """The scope of the calls of one worker's tasks.

    Data that are made here are read by the tasks that are put here only, which wait for them
    before any of them can run. So nobody else holds a reference, and their memory is given back
    as soon as these tasks have them.

    Args:
        seat: The worker's.
    """

    def __init__(self, seat: Seat) -> None:
        self.tasks: list[Task] = []
        self.operations: list[Operation] = []
        self._home = seat.home
        self._kinds = seat.kinds
        self._ids = Ids(seat.rank, seat.ranks + 1, seat.servers)

    def clear(self) -> None:
        """Forget what was called."""
        self.tasks = []
        self.operations = []

    def call(self, function: bytes, arguments: Any, settings: Settings, label: str) -> Pending:
        """Put a call and return its value, which is pending."""
        id = self._ids.take(self._home)
        payload, waits = encode_call(function, *arguments)
        self.operations.append(Create(id, "value", label, 0))
        self.tasks.append(
            Task(
                id,
                payload,
                kind=number_of(settings.kind, self._kinds),
                priority=settings.priority,
                target=settings.target,
                timeout_s=settings.timeout_s,
                patience_s=settings.patience_s,
                attempts=settings.attempts,
                inputs=tuple((one, None) for one in waits),
                output=id,
                quiet=True,
            )
        )
        return Pending(id)

    def forward(self, returned: Any, task: Task) -> Payload | None:
        """Return what a task returns, as it travels; None if it is pending.

        Then one of the calls, which may be a new one, writes the output of the task.
        """
        if not isinstance(returned, Pending):
            packed = pack_complete(returned)
            if packed is not None:
                return packed
        if not task.output:
            raise SupervisorError("it returned a future, and has no future of its own")
        if not (isinstance(returned, Pending) and self._redirect(returned.id, task)):
            payload, waits = encode_call(IDENTITY, (returned,))
            inputs = tuple((one, None) for one in waits)
            id = self._ids.take(self._home)
            self.tasks.append(
                Task(
                    id,
                    payload,
                    kind=task.kind,
                    priority=task.priority,
                    inputs=inputs,
                    output=task.output,
                    quiet=True,
                )
            )
        return None

    def _redirect(self, id: int, task: Task) -> bool:
        """Let the call that makes this datum write the task's output; False if others wait."""
        wanted = any((id, None) in one.inputs for one in self.tasks)
        for number, one in enumerate(self.tasks):
            if one.output == id and not wanted:
                self.tasks[number] = msgspec.structs.replace(one, output=task.output)
                self.operations = [o for o in self.operations if o.id != id]
                return True
        return False


def number_of(kind: str, kinds: tuple[str, ...]) -> int:
    """Return the number of a kind; an empty name is that of regular tasks.

    Raises:
        SupervisorError: If there is no such kind.
    """
    if not kind:
        return 0
    if kind not in kinds:
        raise SupervisorError(
            f"there is no kind {kind!r} of workers; give it some with --workers {kind}=N."
            f"{nearest(kind, kinds)}"
        )
    return kinds.index(kind)
