"""Calls that a task makes while it runs: collected, and put along with its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from supervisor.core.calls import IDENTITY, encode_call
from supervisor.core.errors import SupervisorError, nearest
from supervisor.core.executor import Seat
from supervisor.core.ids import Ids
from supervisor.core.operations import Create, Hold, Insert, Kind, Operation, Reference, References
from supervisor.core.payload import Payload
from supervisor.core.pending import Pending, pack_complete
from supervisor.core.scope import Settings
from supervisor.core.task import Task

LABELLED = b"\2"
"""Stands behind a payload that has labels; no pickle ends like this."""

LENGTH_BYTES = 4


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
        self._open: dict[int, None] = {}  # what was created here
        self._home = seat.home
        self._kinds = seat.kinds
        self.ids = Ids(seat.rank, seat.ranks + 1, seat.servers)

    def clear(self) -> None:
        """Forget what was called."""
        self.tasks = []
        self.operations = []
        self._open = {}

    def call(self, function: bytes, arguments: Any, settings: Settings, label: str) -> Pending:
        """Put a call and return its value, which is pending."""
        id = self.ids.take(self._home)
        payload, found = encode_call(function, *arguments)
        self.operations.append(Create(id, "value", label, 0))
        self.operations.extend(Hold(container, id) for container in found.written)
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
                gang=settings.gang,
                inputs=tuple(found.inputs),
                output=id,
                quiet=True,
                writes=tuple(found.written),
            )
        )
        return Pending(id)

    def create(self, kind: Kind, name: str, initial: int | float | None = None) -> int:
        """Create what stays open until this task and those that it gives it to end."""
        id = self.ids.take(self._home)
        self.operations.append(Create(id, kind, name, initial=initial))
        self._open[id] = None
        return id

    def write(self, operations: Sequence[Operation]) -> None:
        """Do operations on data along with the result."""
        self.operations.extend(operations)

    def close(self, id: int) -> None:
        """Close what was created here; what others created stays as it is."""
        if id in self._open:
            del self._open[id]
            self.operations.append(References(id, writers=-1))

    def complete(self) -> None:
        """Close what is still open."""
        for id in list(self._open):
            self.close(id)

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
        if not (isinstance(returned, Pending) and self._redirect(returned, task)):
            payload, found = encode_call(IDENTITY, (returned,))
            id = self.ids.take(self._home)
            self.tasks.append(
                Task(
                    id,
                    payload,
                    kind=task.kind,
                    priority=task.priority,
                    inputs=tuple(found.inputs),
                    output=task.output,
                    quiet=True,
                )
            )
        return None

    def _redirect(self, returned: Pending, task: Task) -> bool:
        """Let the call that makes a value write the task's output; False if others need it."""
        id = returned.id
        wanted = returned.key is not None or any((id, None) in one.inputs for one in self.tasks)
        wanted = wanted or any(
            isinstance(o, Insert) and o.value == Reference(id) for o in self.operations
        )
        for number, one in enumerate(self.tasks):
            if one.output == id and not wanted:
                labels = [o.name for o in self.operations if isinstance(o, Create) and o.id == id]
                payload = labelled(one.payload, [*labels, *labels_of(task.payload)])
                self.tasks[number] = msgspec.structs.replace(
                    one, payload=payload, output=task.output
                )
                self.operations = [o for o in self.operations if o.id != id]
                return True
        return False


def labelled(payload: bytes, labels: Sequence[str]) -> bytes:
    """Return the payload of a call that writes the output of others, with its label and theirs.

    They stand behind the pickle, where nobody who unpickles it looks. Of a long recursion each
    label is kept once.
    """
    told = msgspec.msgpack.encode(list(dict.fromkeys(labels)))
    return b"".join((payload, told, len(told).to_bytes(LENGTH_BYTES), LABELLED))


def labels_of(payload: bytes) -> list[str]:
    """Return the labels behind a payload, that of the call first; none if it has none."""
    if not payload.endswith(LABELLED):
        return []
    end = len(payload) - len(LABELLED) - LENGTH_BYTES
    length = int.from_bytes(payload[end : end + LENGTH_BYTES])
    return msgspec.msgpack.decode(payload[end - length : end], type=list[str])


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
