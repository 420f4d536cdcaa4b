"""What a worker must know to evaluate points: the objective, and one point's evaluation."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

from supervisor.core.payload import Payload

Values = dict[str, Any]
"""Parameter names to values: bool, int, float, str, None, and lists of them."""

Metrics = dict[str, Any]
"""Metric names to values; the objective's is a float. NaN and infinities are values."""


Run = Literal["inline", "process", "shell", "group", "launch"]
"""The executors that evaluate points."""

Runtime = Literal["apptainer", "singularity", "podman", "charliecloud"]
"""The programs that run containers."""


class Program(msgspec.Struct, frozen=True, tag=True):
    """A run of apps instead of points.

    Attributes:
        source_dir: Folder of the script; modules are looked for here first.
        output_limit_mb: An isolated call that writes more than this to its output is stopped
            and fails.
        deadline_s: When the run must end, in seconds since the epoch.
    """

    source_dir: str
    output_limit_mb: float = 64.0
    deadline_s: float = math.inf


class Bind(msgspec.Struct, frozen=True, array_like=True):
    """A file or folder of the host that a container shows, at a path of its own."""

    source: str
    target: str
    writable: bool = True


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What shell commands run in.

    Attributes:
        image: An absolute path, or a name for the runtime.
        runtime: Which program runs it, or None for one that the worker's host has.
        binds: What it shows of the host, beside the workflow's folder and the run's.
        devices: Whether it gets the accelerators; None if the worker has any.
        options: Of the runtime.
    """

    image: str
    runtime: Runtime | None = None
    binds: tuple[Bind, ...] = ()
    devices: bool | None = None
    options: tuple[str, ...] = ()


class Objective(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How points are evaluated; the same for every point of a campaign.

    Attributes:
        run: Which executor evaluates.
        python: ``module:function``, or None for a shell objective.
        shell: Command template, with ``${name}`` for parameters, or None.
        result: For shell: a file name in the task's directory, or ``stdout``.
        metric: The metric that is optimised; None for an ensemble without one.
        further: The other metrics that are optimised, if there are several.
        source_dir: Folder of the workflow file; the objective's module is looked for here
            first, and shell commands start here.
        modules: Python files there, by their paths in it, as they are when the run begins;
            imports take them from here.
        experiment_dir: The experiment folder; run directories are made inside.
        container: For shell: what the command runs in, or None.
        output_limit_mb: A task that writes more than this to its output is stopped and fails.
        deadline_s: When the run must end, in seconds since the epoch.
    """

    run: Run
    python: str | None = None
    shell: str | None = None
    result: str = "stdout"
    metric: str | None = None
    further: tuple[str, ...] = ()
    source_dir: str
    modules: dict[str, bytes] = {}
    experiment_dir: str
    container: Container | None = None
    output_limit_mb: float = math.inf
    deadline_s: float = math.inf

    @property
    def required(self) -> tuple[str, ...]:
        """The metrics that every result must hold."""
        return () if self.metric is None else (self.metric, *self.further)


class Evaluation(msgspec.Struct, frozen=True, array_like=True):
    """The payload of a task that evaluates one point.

    Attributes:
        point: The point's number, from 0 in the order in which points were asked.
        name: Name of the run directory, e.g. ``RUN000042``; may have several components.
        values: The point's parameters.
        seed: For the objective's own randomness; the same in every attempt.
        attempt: From 1.
        parent: Name of the run directory whose checkpoint this one goes on from, or empty.
    """

    point: int
    name: str
    values: Values
    seed: int
    attempt: int
    parent: str = ""


POINT = b"\1"
"""Stands before what ``encode_point`` returns; no encoded call begins so."""


def encode_point(objective: bytes, evaluation: Evaluation) -> bytes:
    """Return the payload of a task that evaluates a point and brings its objective along."""
    return POINT + msgspec.msgpack.encode((objective, msgspec.msgpack.encode(evaluation)))


def decode_point(payload: bytes) -> tuple[bytes, bytes]:
    """Return the objective and the evaluation, both encoded."""
    return msgspec.msgpack.decode(memoryview(payload)[len(POINT) :], type=tuple[bytes, bytes])


def encode_metrics(metrics: Metrics) -> bytes:
    """Return metrics as MessagePack, which keeps NaN and infinities."""
    return msgspec.msgpack.encode(metrics)


def decode_metrics(data: Payload) -> Metrics:
    """Return the metrics that ``encode_metrics`` encoded, which are always small."""
    assert isinstance(data, bytes)
    metrics: Metrics = msgspec.msgpack.decode(data)
    return metrics
