"""Counters: numbers that many calls fold theirs into, in any order."""

from __future__ import annotations

from typing import Any

from supervisor.core.calls import IDENTITY
from supervisor.core.operations import Fold, Update
from supervisor.core.pending import Pending, note_written
from supervisor.core.scope import Settings, current

Number = int | float


class Counter:
    """A number that ``main`` and apps change together, without waiting for each other.

    Calls that are given a counter may change it; when they have all ended, and ``main`` has closed
    it, ``value()`` has what came of it. Changes of different kinds do not commute, so use one.

    Args:
        initial: What it starts from; None for what does not change the first number.
        name: For diagnostics.
    """

    __slots__ = ("_id", "name")

    def __init__(self, initial: Number | None = None, name: str = "counter") -> None:
        self.name = name
        self._id = current().create("counter", name, initial)

    def increase(self, number: Number = 1) -> None:
        """Add a number."""
        self._fold("incr", number)

    def scale(self, number: Number) -> None:
        """Multiply by a number."""
        self._fold("scale", number)

    def minimum(self, number: Number) -> None:
        """Keep the smaller one of this number and the counter's."""
        self._fold("min", number)

    def maximum(self, number: Number) -> None:
        """Keep the larger one of this number and the counter's."""
        self._fold("max", number)

    def value(self) -> Pending:
        """Return the future of the number that is left when nobody changes it any more."""
        arguments: tuple[Any, ...] = ((Pending(self._id),), {})
        return current().call(IDENTITY, arguments, Settings(), f"value of {self.name}")

    def close(self) -> None:
        """Change it no more here; only in ``main``, whose end closes all counters."""
        current().close(self._id)

    def _fold(self, fold: Fold, number: Number) -> None:
        current().write([Update(self._id, fold, number)])

    def __reduce__(self) -> tuple[Any, ...]:
        note_written(self._id)
        return _restored, (self._id, self.name)


def _restored(id: int, name: str) -> Counter:
    counter = Counter.__new__(Counter)
    counter._id, counter.name = id, name
    return counter
