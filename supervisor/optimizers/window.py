"""How many points of a search are in flight."""

from __future__ import annotations


class Window:
    """Keeps a search from being asked so far ahead that it learns nothing from results.

    Evaluations that take microseconds are asked in thousands. The first ask is for one point a
    worker; twice as many in flight keep the workers busy.

    Args:
        fewest: Points that may be in flight however few the workers are.
    """

    def __init__(self, fewest: int) -> None:
        self._fewest = fewest
        self._most: int | None = None
        self._in_flight = 0

    def open(self, n: int) -> int:
        """Return how many of ``n`` points may be asked."""
        if self._most is None and n > 0:
            self._most = max(self._fewest, 2 * n)
        return max(0, min(n, (self._most or 0) - self._in_flight))

    def asked(self, number: int) -> None:
        """Note points that are in flight now."""
        self._in_flight += number

    def told(self, number: int) -> None:
        """Note points that are in flight no more."""
        self._in_flight -= number
