"""What happens in an experiment, as events."""

from __future__ import annotations

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.core.objective import Metrics, Values
from supervisor.core.task import FailureKind
from supervisor.experiment.step_events import BaseEvent, StepEvent
from supervisor.experiment.strict import encode_json, marked, unescape

FORMAT = 1
"""Version of the journal's format; a journal of a later version is refused."""


class Opened(BaseEvent, frozen=True, kw_only=True):
    """The experiment began; the first event of every journal.

    Attributes:
        version: Of the journal's format.
        name: The experiment's, e.g. ``digits``.
        seed: Of the optimizer.
        metric: The metric that is optimised; None for an ensemble without one.
        maximize: Whether losses are the negated metric.
        source: Path of the workflow file.
        source_dir: Its folder.
        steps: Names of the steps of a pipeline, in the order of the file; of others, none.
        time_s: Seconds since the epoch, here and in all events.
    """

    version: int = FORMAT
    name: str
    seed: int
    metric: str | None
    maximize: bool
    source: str
    source_dir: str
    time_s: float
    steps: list[str] = msgspec.field(default_factory=list)


class Session(BaseEvent, frozen=True, kw_only=True):
    """A run of the experiment began: the first one, or a resumed one.

    Attributes:
        number: From 0.
        hosts: Without repetition.
        walltime_s: Limit of the run, or None.
    """

    number: int
    time_s: float
    ranks: int
    workers: int
    servers: int
    hosts: list[str]
    walltime_s: float | None = None


class AskedPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A point that the optimizer suggested.

    Attributes:
        id: From 0, in the order in which points were asked.
        name: Of the run directory.
        values: The point's parameters.
        parent: Number of the point whose checkpoint it goes on from, or -1.
    """

    id: int
    name: str
    values: Values
    parent: int = -1


class Asked(BaseEvent, frozen=True, kw_only=True):
    """The optimizer was asked once.

    Attributes:
        n: How many points were requested; a replay must request as many.
        points: What it suggested, in its order; may be fewer or more than requested.
        after: How many results and reports it had been told when it was asked; it may have
            thought while further ones came. None in journals that do not say it: all before.
    """

    n: int
    points: list[AskedPoint]
    time_s: float
    after: int | None = None


class Reported(BaseEvent, frozen=True, kw_only=True):
    """A running point reported metrics."""

    point: int
    attempt: int
    step: int
    metrics: Metrics
    time_s: float


class Finished(BaseEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A point has its result.

    Attributes:
        attempt: From 1.
        loss: What the optimizer minimises; NaN is a result, None means that there is no metric.
        rank: World rank of the worker; of several, of the first one.
        start_s, end_s: By the worker's clock.
        ranks: Number of workers that evaluated it together.
        note: Text worth keeping, e.g. that the point was stopped early.
        losses: One for each of several objectives.
    """

    point: int
    attempt: int
    loss: float | None
    metrics: Metrics
    rank: int
    host: str
    start_s: float
    end_s: float
    ranks: int = 1
    note: str = ""
    losses: tuple[float, ...] = ()


class Repeated(BaseEvent, frozen=True, kw_only=True):
    """One of several evaluations of a point has its result; the last one is followed by the mean.

    Attributes:
        repeat: From 0.
        attempt: From 1, at this repeat.
        rank: World rank of the worker.
        start_s: By the worker's clock, as all of the following as of ``Finished``.
    """

    point: int
    repeat: int
    attempt: int
    metrics: Metrics
    rank: int
    host: str
    start_s: float
    end_s: float
    ranks: int = 1


class Reused(BaseEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A point has the result of an equal one, and is not evaluated.

    Attributes:
        of: Number of the point that was evaluated.
        loss: As of ``Finished``.
        losses: Likewise.
    """

    point: int
    of: int
    loss: float | None
    metrics: Metrics
    time_s: float
    losses: tuple[float, ...] = ()


class Failed(BaseEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt at a point failed.

    Attributes:
        attempt: From 1.
        final: The policy gave up: the point is closed.
        loss: What the optimizer is told in place of a result, or None.
        repeat: Which of several evaluations of the point it was, from 0.
    """

    point: int
    attempt: int
    kind: FailureKind
    message: str
    details: str = ""
    rank: int
    host: str
    start_s: float
    end_s: float
    final: bool
    loss: float | None = None
    repeat: int = 0
    ranks: int = 1


class Waited(BaseEvent, frozen=True, kw_only=True):
    """Workers had nothing to do because the optimizer was thinking.

    Attributes:
        seconds: Summed over the workers that waited.
    """

    seconds: float
    time_s: float


class Recommended(BaseEvent, frozen=True, kw_only=True):
    """The search has all its results, and the optimizer says which point is to be used.

    Attributes:
        point: Its number; it need not be the one with the lowest loss.
        loss: What another evaluation of it would give, as far as the optimizer knows.
    """

    point: int
    loss: float
    time_s: float


class Interrupted(BaseEvent, frozen=True, kw_only=True):
    """The run was ended by a signal or the walltime; it can be resumed."""

    reason: str
    time_s: float


class Closed(BaseEvent, frozen=True, kw_only=True):
    """The experiment came to its end."""

    reason: str
    time_s: float


SearchEvent = Asked | Reported | Repeated | Finished | Reused | Failed | Waited | Recommended
"""What happens only in searches."""

Event = Opened | Session | SearchEvent | StepEvent | Interrupted | Closed

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return an event as one JSON object, without a line break.

    Surrogates, which UTF-8 cannot hold, are replaced by their escape sequences.

    Raises:
        SupervisorError: A parameter or metric is of a type that JSON cannot hold.
    """
    try:
        return encode_json(event)
    except (TypeError, RecursionError) as error:
        kind = type(event).__name__.lower()
        raise SupervisorError(f"event {kind!r} cannot be written as JSON: {error}") from error


def decode(data: bytes) -> Event:
    """Return the event that ``encode`` encoded; unknown keys are ignored.

    Raises:
        msgspec.MsgspecError: The data are not a known event.
    """
    if not marked(data):
        return _decoder.decode(data)
    event: Event = msgspec.convert(unescape(msgspec.json.decode(data)), Event)
    return event
