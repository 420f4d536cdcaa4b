"""Points that a search may go to next: all over the space, and around good ones."""

from __future__ import annotations

import math
from collections.abc import Set

import numpy as np

from supervisor.optimizers.bayes.coordinates import Coordinates, Floats, Rows, join

_ENUMERATED = 2_048  # combinations of values; of so few, all are candidates
_ANYWHERE = 500
_NEARBY = 400
_DRAWS = 40  # in a row, of as many candidates, after which the space counts as empty
_WALKED = 1_000_000  # combinations that are looked at one by one when draws find nothing new
_NARROWEST, _WIDEST = 1e-3, 0.5  # standard deviations of steps in the unit cube


class Candidates:
    """Draws points that are not forbidden, and not taken.

    Args:
        coordinates: Of the space.
    """

    def __init__(self, coordinates: Coordinates) -> None:
        self._coordinates = coordinates
        self._all: Rows | None = None
        if coordinates.size <= _ENUMERATED:
            combinations = [*coordinates.all(_ENUMERATED)]
            self._all = coordinates.allowed(combinations[0])

    @property
    def enumerated(self) -> bool:
        """Whether ``anywhere`` gives all points there are."""
        return self._all is not None

    def anywhere(self, taken: Set[bytes], rng: np.random.Generator) -> Rows:
        """Return points all over the space; none if there are no more."""
        if self._all is not None:
            return untaken(self._all, taken)
        dims = len(self._coordinates.steps)
        for _ in range(_DRAWS):
            drawn = self._coordinates.allowed(rng.random((_ANYWHERE, dims)))
            if len((found := untaken(drawn, taken)).units):
                return found
        return self._walk(taken)

    def around(self, parents: Floats, taken: Set[bytes], rng: np.random.Generator) -> Rows:
        """Return points that differ from one of ``parents`` in some parameters.

        Steps are of all sizes, from the finest to half of the space, but not smaller than the
        distance of neighbouring values.
        """
        dims = len(self._coordinates.steps)
        units = parents[rng.integers(len(parents), size=_NEARBY)]
        changes = rng.random(units.shape) < 1 / dims
        changes[np.arange(_NEARBY), rng.integers(dims, size=_NEARBY)] = True
        width = np.exp(rng.uniform(math.log(_NARROWEST), math.log(_WIDEST), (_NEARBY, 1)))
        steps = rng.normal(size=units.shape) * np.maximum(width, self._coordinates.steps)
        others = rng.random(units.shape)
        moved = np.where(self._coordinates.unordered, others, units + steps)
        return untaken(self._coordinates.allowed(np.where(changes, moved, units)), taken)

    def _walk(self, taken: Set[bytes]) -> Rows:
        """Return the first points in order that are left."""
        for index, units in enumerate(self._coordinates.all(_ANYWHERE)):
            if len((found := untaken(self._coordinates.allowed(units), taken)).units):
                return found
            if index * _ANYWHERE >= _WALKED:
                break
        return self._coordinates.nowhere()


def untaken(rows: Rows, taken: Set[bytes]) -> Rows:
    """Return the rows that are not taken."""
    return rows.take(np.array([key not in taken for key in rows.identities()], bool))


def union(first: Rows, second: Rows) -> Rows:
    """Return the rows of both, without those of the second that the first has."""
    return join([first, untaken(second, frozenset(first.identities()))])
