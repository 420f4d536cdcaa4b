"""Points in flight, by their numbers."""

from __future__ import annotations

from typing import Generic, TypeVar

from supervisor.optimizers.protocol import Told

T = TypeVar("T")


class Flight(Generic[T]):
    """What an optimizer knows of each point between its ask and its tell.

    Attributes:
        asked: Points so far; the number of the next one.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._open: dict[int, T] = {}

    def start(self, item: T) -> int:
        """Return the number of a point that is being asked."""
        number = self.asked
        self._open[number] = item
        self.asked += 1
        return number

    def get(self, number: int) -> T | None:
        """Return what is known of a point; None if it is not in flight."""
        return self._open.get(number)

    def land(self, results: list[Told]) -> list[tuple[T, Told]]:
        """Return results with what was known of their points, which are in flight no more.

        Raises:
            KeyError: If a point is not in flight, or has two results; nothing is changed then.
        """
        seen: set[int] = set()
        for result in results:
            if result.id not in self._open or result.id in seen:
                raise KeyError(f"point {result.id} was never asked, or was told before")
            seen.add(result.id)
        return [(self._open.pop(result.id), result) for result in results]


def trained_loss(result: Told) -> float | None:
    """Return the loss that a point trained to; None if it failed, also where one is imputed."""
    return None if result.error is not None else result.loss
