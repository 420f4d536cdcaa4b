"""Everything that ranks say to each other while a run goes on.

A message type has exactly one kind of receiver, so that several roles can share a rank.

client  -> server   Put, Withdraw, Reprioritise, Forget, Discontinue, Inquire, Ask, Drain
server  -> client   Finished, Reported, Load, Answered, Told, Trouble, Ended
worker  -> server   Ready, Parted, Progress, Returned, Fetch, Stopped
server  -> worker   Assign, Join, Recall, Cancel, StopEarly, Fetched, Stop
server  -> server   see ``talk``

Before and after the run, ranks as such: rank -> 0 Hello, 0 -> rank Setup, Dismiss.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from supervisor.core.operations import Answer, Notice, Operation
from supervisor.core.payload import Payload
from supervisor.core.task import Report, Result, Task


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Base of all messages."""


Send: TypeAlias = tuple[int, Message]
"""A receiver's world rank, and what it is sent."""


class Put(Message, frozen=True):
    """New tasks to queue.

    Attributes:
        tasks: In order.
        first: Operations on data, done before.
        then: Operations on data, done after the tasks wait for their inputs. None is answered.
    """

    tasks: list[Task]
    first: list[Operation] = []
    then: list[Operation] = []


class Withdraw(Message, frozen=True):
    """End these tasks: the queued ones at once and, if asked for, the running ones too.

    Attributes:
        every: Whether all tasks are meant, also those that are put from now on, by tasks say.
    """

    ids: list[int]
    running: bool
    every: bool = False


class Reprioritise(Message, frozen=True):
    """Give these tasks another priority, wherever they are queued."""

    ids: list[int]
    priority: int


class Forget(Message, frozen=True):
    """These tasks, which were withdrawn or changed, have their results: they are nowhere now."""

    ids: list[int]


class Discontinue(Message, frozen=True):
    """Let the task stop early, at its next report."""

    id: int


class Inquire(Message, frozen=True):
    """Ask a server for its load."""


class Ask(Message, frozen=True):
    """An operation on a datum that the receiver owns, to be answered."""

    request: int
    operation: Operation


class Drain(Message, frozen=True):
    """The client puts nothing more."""


class Finished(Message, frozen=True):
    """Results for the client, in the order in which the server learnt of them."""

    results: list[Result]


class Reported(Message, frozen=True):
    """What running tasks report, for the client."""

    reports: list[Report]


class Load(Message, frozen=True):
    """A server's load.

    Attributes:
        queued: Units of work that wait for a worker.
        running: Workers that hold at least one task.
        workers: Workers at home on this server.
        busy_s: Seconds that its workers have worked, summed: the lengths of finished tasks, and
            the time since the last news of workers that hold tasks.
        elapsed_s: Seconds since the server got its first message.
        held_s: Seconds that workers rested until their gangs were complete, summed.
    """

    queued: int
    running: int
    workers: int
    busy_s: float
    elapsed_s: float
    held_s: float = 0.0


class Answered(Message, frozen=True):
    """The answer to an operation."""

    request: int
    answer: Answer


class Told(Message, frozen=True):
    """Something that the client subscribed to is there, or never will be."""

    notice: Notice


class Trouble(Message, frozen=True):
    """Something that nobody asked about went wrong: a double write by a task, a deadlock."""

    text: str


class Ended(Message, frozen=True):
    """Every task is finished, every worker and server has stopped."""


class Ready(Message, frozen=True):
    """A worker's results, and whether it wants more tasks."""

    results: list[Result]
    wanted: bool


class Parted(Message, frozen=True):
    """A member of a gang tells the master what came of its task; it can be given another."""

    result: Result


class Progress(Message, frozen=True):
    """A worker forwards what its task reports."""

    reports: list[Report]


class Returned(Message, frozen=True):
    """Recalled units of work that a worker had not begun: task id, first part, number."""

    slices: list[tuple[int, int, int]]


class Fetch(Message, frozen=True):
    """A worker wants the value of a task's input that is too large to travel with tasks."""

    id: int
    key: int | str | None


class Stopped(Message, frozen=True):
    """A worker has stopped; its last message."""


class Assign(Message, frozen=True):
    """Tasks for a worker, to be run in this order."""

    tasks: list[Task]


class Join(Message, frozen=True):
    """The master gives a worker that was lent a task, to be run with the others of its gang."""

    task: Task


class Recall(Message, frozen=True):
    """Give back so many units of work, the last ones first, as far as they are not begun."""

    width: int


class Cancel(Message, frozen=True):
    """End these tasks, begun or not."""

    ids: list[int]


class StopEarly(Message, frozen=True):
    """Answer the task's next report with "stop"."""

    id: int


class Fetched(Message, frozen=True):
    """The value of an input; or why there is none."""

    id: int
    key: int | str | None
    value: Payload | int | float | None
    failure: str = ""


class Stop(Message, frozen=True):
    """No more work will come; a server's last message to a worker."""


class Hello(Message, frozen=True):
    """A rank is there.

    Attributes:
        host: What its host calls itself.
        node: What the scheduler calls it; empty if it does not say so.
    """

    host: str
    node: str = ""


class Setup(Message, frozen=True):
    """What a rank needs to play its roles.

    Attributes:
        size, servers, kinds: Numbers of ranks, of servers and of the workers of custom kinds;
            the layout follows from them.
        hosts: Number of the host of each rank that the receiver must know: of a server's workers,
            of all workers for the master.
        names: The names of the hosts, by number, for the master.
        neighbours: Number of workers on the receiver's host.
        slot, slots, host: As of ``Seat``.
        objective: For the executor; opaque here.
    """

    size: int
    servers: int
    kinds: dict[str, int]
    hosts: dict[int, int]
    names: list[str]
    neighbours: int
    slot: int
    slots: int
    host: str
    objective: bytes


class Dismiss(Message, frozen=True):
    """The receiver's process may end; the last message of a run."""
