"""Tasks and results: what the balancer carries between ranks."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from supervisor.core.operations import Operation
from supervisor.core.payload import Payload

FailureKind = Literal[
    "raised",  # the user's code raised an exception
    "exited",  # the process ended with a non-zero exit code, or before it gave a result
    "signal",  # the process was killed by a signal, a segmentation fault for instance
    "timeout",  # the time limit was reached and the process group was killed
    "output",  # more was written to standard output than the limit allows
    "invalid",  # the result is not what the workflow asks for
    "cancelled",  # the run is ending; this says nothing about the task itself
    "late",  # it had not begun when its patience was over
    "unwritten",  # data that it waits for will never be there
    "member",  # another worker that ran it at the same time failed; its failure tells why
]


class Target(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a task is to run: on one rank, or on any worker of one host.

    Attributes:
        rank: World rank of a worker, or -1.
        host: Number of a host in the run's hostmap, or -1.
        hard: Whether it may run nowhere else; a soft target is left when the task would wait
            while other workers have nothing to do.

    Source:
        ADLB's strictness (hard, soft) and accuracy (rank, node).
    """

    rank: int = -1
    host: int = -1
    hard: bool = True


class Gang(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The workers that run one task together.

    Attributes:
        size: How many there are; 0 if ``nodes`` says it.
        nodes: All workers of so many hosts, or 0.
        joint: Whether each of them runs the task; else the first one does, and the others rest
            so that it has their cores.
        number: Unique among all gangs of a run; 0 before they are chosen.
        team: World ranks of those that were chosen, host by host.
        hosts: Names of their hosts, one for each.
        rendezvous: ``host:port`` where processes of theirs that start themselves can meet.
    """

    size: int
    nodes: int = 0
    joint: bool = True
    number: int = 0
    team: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    rendezvous: str = ""

    def place(self, rank: int) -> int:
        """Return which member a world rank is, from 0."""
        return self.team.index(rank)


class Task(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One unit of work, as the balancer sees it; or a bulk, many units that share a header.

    A bulk is queued, split, stolen and answered by its parts, which nobody but the executor
    looks into. A single task has no parts. Both obey the same rules.

    Attributes:
        id: Unique among all tasks of a run; slices of a bulk share it.
        payload: What the executor needs; opaque to servers. Of a bulk, what all parts share.
        parts: The parts of a bulk, or of a slice of it.
        first: The number of ``parts[0]`` in the whole bulk.
        kind: Number of the work type; only workers of this kind get the task.
        priority: Larger runs first; equal priorities run in order of arrival.
        target: Where to run, or None for anywhere.
        avoid: World rank that must not run the task while its server has other workers of the
            kind, or -1. A retry avoids the rank on which the last attempt failed.
        timeout_s: Wall-clock limit of one run in seconds, or None.
        patience_s: Seconds after which a task that waits in a queue fails instead, or None. What
            is left of it goes with the task, to other servers and into further attempts.
        attempts: How often the balancer may run a single task before it counts as failed.
        inputs: Data, or members of containers, that must be there before it runs: ids and keys.
        values: The inputs' values, in the same order; None until they are known.
        output: Id of the datum that a single task's value is stored as, or 0.
        writes: Ids of containers that stay open until it has ended.
        gang: The workers that run a single task together, or None for one worker.
        quiet: Whether the client hears nothing of it: its output is all that anybody wants.

    Source:
        The fields of ADLB's work unit (swift-t, lb/code/src/workqueue.h); bulks are ours.
    """

    id: int
    payload: bytes
    parts: tuple[bytes, ...] = ()
    first: int = 0
    kind: int = 0
    priority: int = 0
    target: Target | None = None
    avoid: int = -1
    timeout_s: float | None = None
    patience_s: float | None = None
    attempts: int = 1
    inputs: tuple[tuple[int, int | str | None], ...] = ()
    values: tuple[Payload | int | float | None, ...] = ()
    output: int = 0
    quiet: bool = False
    writes: tuple[int, ...] = ()
    gang: Gang | None = None

    @property
    def width(self) -> int:
        """Number of units of work in it: 1, or the number of parts."""
        return len(self.parts) or 1

    @property
    def limit_s(self) -> float:
        """The wall-clock limit as a number, infinite if there is none."""
        return math.inf if self.timeout_s is None else self.timeout_s

    @property
    def key(self) -> int | tuple[int, int]:
        """What tells it from all other tasks and slices."""
        return (self.id, self.first) if self.parts else self.id

    def slice(self, begin: int, end: int) -> Task:
        """Return the slice of a bulk from part ``begin`` to before part ``end`` of this one."""
        return msgspec.structs.replace(self, parts=self.parts[begin:end], first=self.first + begin)


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """Why a task has no result.

    Attributes:
        kind: What happened, for policies.
        message: One line for people.
        details: The traceback and the end of the task's output, as far as there is any.
    """

    kind: FailureKind
    message: str
    details: str = ""


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What became of a task: a value or a failure. Of a bulk: of some consecutive parts.

    Attributes:
        id: The task's.
        value: Encoded by the executor; empty after a failure, and if it is stored as a datum and
            large.
        failure: Why there is no value, or None.
        rank: World rank of the worker.
        start_s: Seconds since the epoch when the task began, by the worker's clock.
        end_s: Likewise when it ended.
        note: Text worth keeping of a task that succeeded, e.g. that it was stopped early.
        first: Number of the first part in the whole bulk; 0 for a single task.
        parts: The values of the parts; empty for a single task, or after a failure.
        width: Number of units of work this stands for.
        operations: What the task writes into the data store.
        tasks: What the task puts itself; queued after the operations are done.
        forwarded: Whether one of these tasks writes this task's output, in its place.
    """

    id: int
    value: Payload
    failure: Failure | None = None
    rank: int = -1
    start_s: float = 0.0
    end_s: float = 0.0
    note: str = ""
    first: int = 0
    parts: tuple[Payload, ...] = ()
    width: int = 1
    operations: tuple[Operation, ...] = ()
    tasks: tuple[Task, ...] = ()
    forwarded: bool = False


class Report(msgspec.Struct, frozen=True, array_like=True):
    """Metrics that a running task reports, e.g. after an epoch.

    Attributes:
        id: The task's.
        step: The task's own counter of progress.
        metrics: Encoded by the executor, like a result's value.
    """

    id: int
    step: int
    metrics: bytes
