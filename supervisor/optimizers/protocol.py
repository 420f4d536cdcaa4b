"""What a campaign and an optimizer say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from supervisor.core.objective import Metrics, Values


class Told(msgspec.Struct, frozen=True):
    """What became of a point.

    Attributes:
        id: The point's number, from 0 in the order in which points were asked.
        values: Its parameters.
        loss: What is minimised, or None if the evaluation failed; NaN is a result. Of several
            objectives, the first one's.
        metrics: All that the objective returned.
        error: Why the evaluation failed, or None.
        losses: One for each of several objectives, all minimised; else empty.
    """

    id: int
    values: Values
    loss: float | None
    metrics: Metrics = {}
    error: str | None = None
    losses: tuple[float, ...] = ()


class Continuation(msgspec.Struct, frozen=True):
    """A point that goes on from the checkpoint of an earlier one.

    Attributes:
        values: Its parameters.
        parent: Number of the point whose ``task.checkpoint_dir`` it begins with a copy of.
    """

    values: Values
    parent: int


class Recommendation(msgspec.Struct, frozen=True):
    """The point to use, which need not be the one with the lowest loss: that may be luck.

    Attributes:
        id: Its number.
        loss: What another evaluation of it would give, as far as the optimizer knows.
    """

    id: int
    loss: float


Suggestion = Values | Continuation
"""What an optimizer asks to evaluate."""


class Optimizer(Protocol):
    """Chooses points, knowing the results of earlier ones.

    The same calls with the same results always give the same points: a campaign is resumed by
    repeating them.
    """

    def ask(self, n: int) -> Sequence[Suggestion]:
        """Return up to ``n`` points; fewer, or none, while it awaits results.

        No points with no evaluation in flight end the search.
        """

    def tell(self, results: list[Told]) -> None:
        """Take results, in any order.

        Raises:
            KeyError: If a point was never asked, or was told before.
        """


@runtime_checkable
class EarlyStopper(Optimizer, Protocol):
    """An optimizer that also looks at trials while they run."""

    def report(self, id: int, step: int, metrics: Metrics) -> bool:
        """Take the metrics that a trial reports; True stops it early."""


@runtime_checkable
class Learner(Optimizer, Protocol):
    """An optimizer that can use results of points that it did not suggest."""

    def learn(self, results: list[Told]) -> None:
        """Take results of other campaigns, before the first ask; their ids mean nothing."""


@runtime_checkable
class Recaller(Optimizer, Protocol):
    """An optimizer whose asks cost much, and need not be computed again when it is resumed."""

    def recall(self, points: list[Values]) -> None:
        """Take what it answered to an ask in an earlier session, in place of that ask.

        All that follows is the same as if it had been asked.
        """


@runtime_checkable
class Recommender(Optimizer, Protocol):
    """An optimizer that tells points that are good from points that were lucky."""

    def recommend(self, points: list[Told]) -> Recommendation | None:
        """Return which of some points to use, at the end of the search; None if it cannot tell.

        What it asks later is the same as without.

        Args:
            points: With the results that it was told; others than these may have failed.
        """
