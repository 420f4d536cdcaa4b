"""What a campaign and an optimizer say to each other."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from supervisor.core.objective import Metrics, Values


class Told(msgspec.Struct, frozen=True):
    """What became of a point.

    Attributes:
        id: The point's number, from 0 in the order in which points were asked.
        values: Its parameters.
        loss: What is minimised, or None if the evaluation failed; NaN is a result.
        metrics: All that the objective returned.
        error: Why the evaluation failed, or None.
    """

    id: int
    values: Values
    loss: float | None
    metrics: Metrics = {}
    error: str | None = None


class Optimizer(Protocol):
    """Chooses points, knowing the results of earlier ones.

    The same calls with the same results always give the same points: a campaign is resumed by
    repeating them.
    """

    def ask(self, n: int) -> list[Values]:
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
