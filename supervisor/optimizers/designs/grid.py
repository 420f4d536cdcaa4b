"""All combinations of the parameters' values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from supervisor.core.errors import InputError
from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.settings import AtLeastOne

_CHEAP = 20_000  # combinations


class Count(NamedTuple):
    """Number of points of a grid; if not exact, there may be fewer."""

    points: int
    exact: bool


def grid(
    space: Space,
    *,
    steps: AtLeastOne | None = None,
    evaluations: AtLeastOne | None = None,
    seed: int = 0,
) -> Iterator[Values]:
    """Go through the full product in order of declaration, the last parameter fastest.

    Args:
        space: Each point appears once, also where inactive parameters have no value.
        steps: Values of each range that has no ``steps`` of its own.
        evaluations: The most points.
        seed: Not used; accepted so that a workflow can change its kind of optimizer.

    Raises:
        InputError: If a float has no ``steps``.
    """
    axes = _axes(space, steps)  # now, not at the first point
    return itertools.islice(_points(space, axes), evaluations)


def count(space: Space, steps: int | None = None) -> Count:
    """Return the number of points; exact if that is cheap to find out."""
    axes = _axes(space, steps)
    combinations = math.prod(len(axis) for axis in axes)
    if not space.constrained:
        return Count(combinations, exact=True)
    if combinations > _CHEAP:
        return Count(combinations, exact=False)
    return Count(sum(1 for _ in _points(space, axes)), exact=True)


def _axes(space: Space, steps: int | None) -> list[Sequence[Any]]:
    axes = []
    for name, parameter in space.parameters.items():
        try:
            axes.append(parameter.grid(steps))
        except ValueError as error:
            raise InputError(space.place(name), str(error)) from error
    return axes


def _points(space: Space, axes: list[Sequence[Any]]) -> Iterator[Values]:
    """Yield the points without holding them; axes may be long ranges, so no itertools.product."""
    lengths = [len(axis) for axis in axes]
    for number in range(math.prod(lengths)):
        digits = _digits(number, lengths)
        combination = {
            name: axis[digit]
            for name, axis, digit in zip(space.parameters, axes, digits, strict=True)
        }
        values = space.active(combination)
        # of the combinations that differ in inactive parameters only, the first one counts
        repeated = any(
            digit and name not in values
            for name, digit in zip(space.parameters, digits, strict=True)
        )
        if not repeated and not space.forbidden(values):
            yield values


def _digits(number: int, lengths: list[int]) -> list[int]:
    """Write ``number`` with a base for each place, the last place fastest."""
    digits = []
    for length in reversed(lengths):
        number, digit = divmod(number, length)
        digits.append(digit)
    return digits[::-1]
