"""The task that does nothing, in a module of its own so that all workers can import it."""

from __future__ import annotations

from collections.abc import Iterable


def nothing(argument: int) -> int:
    """Return the argument."""
    return argument


def check(values: Iterable[int], tasks: int) -> None:
    """Raise AssertionError unless the values are 0 to ``tasks`` - 1, in any order."""
    assert sorted(values) == list(range(tasks)), "a result is missing, wrong or there twice"
