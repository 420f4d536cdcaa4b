"""What servers say to each other.

about tasks  Steal, Loot
about gangs  Wide, Claim, Lend, GiveBack
about data   Apply, Noticed
at the end   Quiet, Census, Tally, Diagnose, Diagnosis, Abandon, Halt, Halted
"""

from __future__ import annotations

from supervisor.balancer.messages import Message
from supervisor.balancer.release import Stuck
from supervisor.core.operations import Notice, OpenDatum, Operation
from supervisor.core.task import Task


class Quiet(Message, frozen=True):
    """A server tells the master that it has neither queued nor running tasks."""


class Census(Message, frozen=True):
    """The master asks every server for its ledger; rounds are numbered."""

    round: int


class Tally(Message, frozen=True):
    """How a server stands at one moment.

    Attributes:
        round: That of the census it answers.
        idle: Whether nothing can happen there unless another server sends something, and the
            client puts nothing more.
        waiting: Number of tasks there that wait for data.
        sent: Number of messages to other servers that count, by receiver.
        received: Likewise, by sender.
    """

    round: int
    idle: bool
    waiting: int
    sent: dict[int, int]
    received: dict[int, int]


class Steal(Message, frozen=True):
    """A server asks for tasks of these kinds.

    Attributes:
        kinds: Numbers of the kinds that its workers want.
        have: Units of work that it has itself; it gets what makes both have the same.
        remember: Whether to give tasks later if there are none now; else the answer is at once.
    """

    kinds: list[int]
    have: int
    remember: bool


class Loot(Message, frozen=True):
    """Tasks for a server that asked; none if there are none."""

    tasks: list[Task]


class Wide(Message, frozen=True):
    """Tasks that want several workers; the master keeps them."""

    tasks: list[Task]


class Claim(Message, frozen=True):
    """The master wants workers for a gang; of each kind, the newest claim counts.

    Attributes:
        kind: Number of the kind of workers.
        wanted: How many; each server lends so many at most: those that are idle now with its
            answer, others when they fall idle. 0 ends the claim, and is not answered.
        priority: Tasks for one worker go first if theirs is higher.
        only: If not empty, these workers and no others.
    """

    kind: int
    wanted: int
    priority: int
    only: list[int]


class Lend(Message, frozen=True):
    """These workers are idle; the master may use them, and gives them back.

    Attributes:
        workers: Which.
        answers: The kinds whose newest claims this answers.
    """

    workers: list[int]
    answers: list[int]


class GiveBack(Message, frozen=True):
    """The master needs these workers no more; they are idle."""

    workers: list[int]


class Apply(Message, frozen=True):
    """An operation on a datum that the receiver owns, on behalf of a task; not answered."""

    operation: Operation


class Noticed(Message, frozen=True):
    """Something that tasks at the receiver wait for is there, or never will be."""

    notice: Notice


class Diagnose(Message, frozen=True):
    """Nothing moves any more: say which tasks wait for what."""


class Abandon(Message, frozen=True):
    """Give up the tasks that wait for data."""


class Diagnosis(Message, frozen=True):
    """The first tasks that wait, their number, and the data that are not closed."""

    stuck: list[Stuck]
    tasks: int
    data: list[OpenDatum]


class Halt(Message, frozen=True):
    """The master asks a server to stop its workers, then itself."""


class Halted(Message, frozen=True):
    """A server and all its workers have stopped; its last message."""
