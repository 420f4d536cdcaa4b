"""What happens in pipelines, as events; and the base of all events."""

from __future__ import annotations

from typing import Any

import msgspec

from supervisor.core.objective import Values
from supervisor.core.task import FailureKind


class BaseEvent(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag=str.lower):
    """Base of all events: the key ``event`` holds the class's name in lower case."""


class Expanded(BaseEvent, frozen=True, kw_only=True):
    """A step of a pipeline has its instances.

    Attributes:
        count: How many there are.
        files: What its globs matched, by variable; files may come and go.
    """

    step: str
    count: int
    files: dict[str, list[str]] = {}
    time_s: float


class StepFinished(BaseEvent, frozen=True, kw_only=True):
    """An instance of a step has its value.

    Attributes:
        step: The step's name.
        index: Number of the instance, from 0; -1 for a step without foreach.
        each: The values of its variables, shortened for people.
        attempts: How often it was run in this session; None in journals of older versions.
        value: What it returned, if JSON can hold it.
        file: Name of the file in the experiment's folder that holds the pickled value; empty if
            ``value`` is it.
        work_s: Seconds that workers have worked for it, if not all the time from start to end.
    """

    step: str
    index: int = -1
    each: Values = {}
    attempts: int | None = None
    value: Any = None
    file: str = ""
    work_s: float | None = None
    rank: int
    host: str
    start_s: float
    end_s: float


class StepFailed(BaseEvent, frozen=True, kw_only=True):
    """An instance of a step failed for good, or a step cannot run as a whole.

    Attributes:
        kind: As of tasks; "unwritten" if what it needs failed.
        place: File and line of the step.
    """

    step: str
    index: int = -1
    each: Values = {}
    attempts: int | None = None
    kind: FailureKind
    message: str
    details: str = ""
    place: str = ""
    rank: int = -1
    host: str = ""
    start_s: float | None = None
    end_s: float | None = None


class StepSkipped(BaseEvent, frozen=True, kw_only=True):
    """An instance of a step, or a step as a whole, is not to run."""

    step: str
    index: int = -1
    each: Values = {}
    reason: str
    time_s: float


StepEvent = Expanded | StepFinished | StepFailed | StepSkipped
"""What happens only in pipelines."""
