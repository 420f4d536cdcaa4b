"""Tasks and results: what the balancer carries between ranks."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

FailureKind = Literal[
    "raised",  # the user's code raised an exception
    "exited",  # the process ended with a non-zero exit code, or before it gave a result
    "signal",  # the process was killed by a signal, a segmentation fault for instance
    "timeout",  # the time limit was reached and the process group was killed
    "output",  # more was written to standard output than the limit allows
    "invalid",  # the result is not what the workflow asks for
    "cancelled",  # the run is ending; this says nothing about the task itself
]


class Task(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One unit of work, as the balancer sees it.

    Attributes:
        id: Unique among all tasks of a run.
        payload: What the executor needs; opaque to servers.
        priority: Larger runs first; equal priorities run in order of arrival.
        avoid: World rank that must not run the task while its server has other workers,
            or -1. A retry avoids the rank on which the last attempt failed.
        timeout_s: Wall-clock limit in seconds.

    Source:
        The fields of ADLB's work unit (swift-t, lb/code/src/workqueue.h).
    """

    id: int
    payload: bytes
    priority: int = 0
    avoid: int = -1
    timeout_s: float = math.inf


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
    """What became of a task: a value or a failure.

    Attributes:
        id: The task's.
        value: Encoded by the executor; empty after a failure.
        failure: Why there is no value, or None.
        rank: World rank of the worker.
        start_s: Seconds since the epoch when the task began, by the worker's clock.
        end_s: Likewise when it ended.
        note: Text worth keeping of a task that succeeded, e.g. that it was stopped early.
    """

    id: int
    value: bytes
    failure: Failure | None = None
    rank: int = -1
    start_s: float = 0.0
    end_s: float = 0.0
    note: str = ""


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
