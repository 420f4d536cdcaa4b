"""The messages between a campaign and the process that its optimizer runs in."""

from __future__ import annotations

from typing import Any

import msgspec

from supervisor.core.objective import Metrics, Values
from supervisor.core.plain import plain
from supervisor.optimizers.protocol import Recommendation, Told


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Base of all messages."""


class Ask(_Message, frozen=True):
    """Suggest up to ``n`` points."""

    n: int


class Tell(_Message, frozen=True):
    """Results of points that were asked."""

    results: list[Told]


class Learn(_Message, frozen=True):
    """Results of points of other campaigns."""

    results: list[Told]


class Report(_Message, frozen=True):
    """A running trial reports metrics."""

    id: int
    step: int
    metrics: Metrics


class Recall(_Message, frozen=True):
    """An ask of an earlier session, and what it was answered."""

    points: list[Values]


class Recommend(_Message, frozen=True):
    """The search has ended: which of these points is to be used?"""

    points: list[Told]


class Ready(_Message, frozen=True):
    """The optimizer is at its first point.

    Attributes:
        independent: Its points do not depend on results.
        judges: It looks at reports.
        learns: It can use results of other campaigns.
        recalls: It can do without the asks of earlier sessions.
        recommends: It can say which point is to be used.
    """

    independent: bool = False
    judges: bool = False
    learns: bool = False
    recalls: bool = False
    recommends: bool = False


class Suggested(_Message, frozen=True):
    """A point, and the number of the point whose checkpoint it goes on from, or -1."""

    values: Values
    parent: int = -1


class Points(_Message, frozen=True):
    """The answer to ``Ask``, and how long it took."""

    points: list[Suggested]
    seconds: float


class Advice(_Message, frozen=True):
    """The answer to ``Recommend``."""

    best: Recommendation | None


class Stop(_Message, frozen=True):
    """A trial is to stop early."""

    id: int


class Refused(_Message, frozen=True):
    """The settings are wrong: an InputError's place and problem."""

    where: str
    problem: str


class Crashed(_Message, frozen=True):
    """The optimizer raised, or broke its protocol."""

    text: str


Request = Ask | Tell | Learn | Report | Recall | Recommend
Answer = Ready | Points | Advice | Stop | Refused | Crashed

requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder(enc_hook=plain)


def encode(message: Any) -> bytes:
    """Return a message as MessagePack, which keeps NaN and infinities.

    Raises:
        TypeError: If a value in it cannot be sent.
        OverflowError: If an integer is too large.
    """
    return _encoder.encode(message)
