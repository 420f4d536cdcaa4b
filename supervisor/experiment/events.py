"""What happens in an experiment, as events, and their form as JSON.

JSON has no NaN, no infinities, and readers that lose integers past 64 bits. Such values are
written as ``{"float": "nan"}``, ``{"float": "-inf"}`` and ``{"int": "0x1f..."}``; a user's own
mapping that looks like one of these is written inside ``{"literal": ...}``.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.core.objective import Metrics, Values
from supervisor.core.task import FailureKind

FORMAT = 1
"""Version of the journal's format; a journal of a later version is refused."""


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag=str.lower):
    """Base of all events: the key ``event`` holds the class's name in lower case."""


class Opened(_Event, frozen=True, kw_only=True):
    """The experiment began; the first event of every journal.

    Attributes:
        version: Of the journal's format.
        name: The experiment's, e.g. ``digits``.
        seed: Of the optimizer.
        metric: The metric that is optimised; None for an ensemble without one.
        maximize: Whether losses are the negated metric.
        source: Path of the workflow file.
        source_dir: Its folder.
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


class Session(_Event, frozen=True, kw_only=True):
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


class AskedPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A point that the optimizer suggested.

    Attributes:
        id: From 0, in the order in which points were asked.
        name: Of the run directory.
        values: The point's parameters.
    """

    id: int
    name: str
    values: Values


class Asked(_Event, frozen=True, kw_only=True):
    """The optimizer was asked once.

    Attributes:
        n: How many points were requested; a replay must request as many.
        points: What it suggested, in its order; may be fewer or more than requested.
    """

    n: int
    points: list[AskedPoint]
    time_s: float


class Reported(_Event, frozen=True, kw_only=True):
    """A running point reported metrics."""

    point: int
    attempt: int
    step: int
    metrics: Metrics
    time_s: float


class Finished(_Event, frozen=True, kw_only=True):
    """A point has its result.

    Attributes:
        attempt: From 1.
        loss: What the optimizer minimises; NaN is a result, None means that there is no metric.
        rank: World rank of the worker.
        start_s: By the worker's clock.
        end_s: Likewise.
        note: Text worth keeping, e.g. that the point was stopped early.
    """

    point: int
    attempt: int
    loss: float | None
    metrics: Metrics
    rank: int
    host: str
    start_s: float
    end_s: float
    note: str = ""


class Failed(_Event, frozen=True, kw_only=True):
    """An attempt at a point failed.

    Attributes:
        attempt: From 1.
        final: The policy gave up: the point is closed.
        loss: What the optimizer is told in place of a result, or None.
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


class Waited(_Event, frozen=True, kw_only=True):
    """Workers had nothing to do because the optimizer was thinking.

    Attributes:
        seconds: Summed over the workers that waited.
    """

    seconds: float
    time_s: float


class Interrupted(_Event, frozen=True, kw_only=True):
    """The run was ended by a signal or the walltime; it can be resumed."""

    reason: str
    time_s: float


class Closed(_Event, frozen=True, kw_only=True):
    """The experiment came to its end."""

    reason: str
    time_s: float


Event = Opened | Session | Asked | Reported | Finished | Failed | Waited | Interrupted | Closed

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_marked = re.compile(rb'\{"(?:float|int|literal)":').search
_zeros = bytes.maketrans(b"123456789", b"000000000")


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
    if not _marked(data):
        return _decoder.decode(data)
    event: Event = msgspec.convert(unescape(msgspec.json.decode(data)), Event)
    return event


def encode_json(record: Any) -> bytes:
    """Return structs, mappings, lists and scalars as strict JSON that ``unescape`` understands."""
    try:
        data = _encoder.encode(record)
    except ValueError:
        # Surrogates, or more digits than Python turns into text.
        return _encode_with_marks(record)
    return _encode_with_marks(record) if _may_need_marks(data) else data


def _may_need_marks(data: bytes) -> bool:
    """Return whether JSON may have lost a value, or hold a mapping that looks like a mark.

    Nearly no record does, and to see that in the bytes is several times faster than to walk
    through the record. Values that are not finite become ``null``; integers past 64 bits have
    19 digits at least.
    """
    digits = data.translate(_zeros)
    return b"null" in data or b"0" * 19 in digits or _marked(data) is not None


def _encode_with_marks(record: Any) -> bytes:
    """Return a record as JSON by walking through it."""
    plain = escape(msgspec.to_builtins(record, str_keys=True, enc_hook=_simplify))
    try:
        return msgspec.json.encode(plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(plain))


def escape(value: Any) -> Any:
    """Return a value of built-in types in the form that strict JSON can hold."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is int:
        return value if -(2**63) <= value < 2**63 else {"int": hex(value)}
    if kind is dict:
        items = {key: escape(item) for key, item in value.items()}
        return {"literal": items} if _looks_marked(value) else items
    if kind is list or kind is tuple:
        return [escape(item) for item in value]
    return value


def unescape(value: Any) -> Any:
    """Return the value that ``escape`` was given; tuples have become lists."""
    if isinstance(value, list):
        return [unescape(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _looks_marked(value):
        ((mark, inner),) = value.items()
        if mark == "float":
            return float(inner)
        if mark == "int":
            return int(inner, 16)
        value = inner
    return {key: unescape(item) for key, item in value.items()}


def _looks_marked(mapping: dict[str, Any]) -> bool:
    """Return whether a mapping would be read as a mark."""
    if len(mapping) != 1:
        return False
    ((key, value),) = mapping.items()
    return key == "literal" or (key in ("float", "int") and isinstance(value, str))


def _simplify(value: Any) -> Any:
    """Return what msgspec does not encode as a type that it does.

    Libraries hand out subclasses of float, int and str, and arrays and scalars of NumPy.
    """
    for base in (float, int, str):
        if isinstance(value, base):
            return base(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} is of type {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_simplify)


def _without_surrogates(value: Any) -> Any:
    """Return a value of built-in types whose texts can be encoded as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(value[key]) for key in value}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
