"""Points as rows of numbers: where they are in the unit cube, and what surrogates see of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from supervisor.core.parameter import Choice, Discrete, Int, Parameter
from supervisor.core.space import Space

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_COUNTABLE = 1_024  # values of an integer; one with more is searched like a real number
_DIGITS = 12  # of coordinates, beyond which points are the same


class Rows(NamedTuple):
    """Points of a space, one a row.

    Attributes:
        units: Coordinates in the unit cube; those of parameters without a value are 0.5.
        active: Which parameters have a value.
    """

    units: Floats
    active: Flags

    def take(self, index: Any) -> Rows:
        """Return some of the rows."""
        return Rows(self.units[index], self.active[index])

    def identities(self) -> list[bytes]:
        """Return what is the same for equal points only."""
        return [row.tobytes() for row in np.round(self.units, _DIGITS)]


def join(parts: list[Rows]) -> Rows:
    """Return all rows, in this order."""
    return Rows(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


class Coordinates:
    """How a space's points are written as numbers.

    Attributes:
        steps: For each of the space's ``dims``, the distance of neighbouring values; 0 for real
            numbers.
        unordered: For each of them, whether its values have no order.
        size: Combinations of values, allowed or not; infinite if a parameter is a real number.
        blocks: The columns of each parameter in ``features``.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._parameters = [space.parameters[name] for name in space.dims]
        self._axes = [_axis(parameter) for parameter in self._parameters]
        self.steps = np.array([0.0 if axis is None else 1 / len(axis) for axis in self._axes])
        self.unordered = np.array([isinstance(one, Choice) for one in self._parameters], bool)
        self.size = math.prod(math.inf if axis is None else len(axis) for axis in self._axes)
        self.blocks: list[list[int]] = []
        for parameter, axis in zip(self._parameters, self._axes, strict=True):
            first = self.blocks[-1][-1] + 1 if self.blocks else 0
            self.blocks.append(list(range(first, first + _columns(parameter, axis))))

    def place(self, values: Mapping[str, Any]) -> Rows:
        """Return where one point is."""
        active = [name in values for name in self._space.dims]
        units = np.array(self._space.encode(values), float)
        return Rows(units.reshape(1, -1), np.array(active, bool).reshape(1, -1))

    def allowed(self, units: Floats) -> Rows:
        """Return the points next to ``units`` that are not forbidden, each once."""
        units = self._snap(units)
        if self._space.constrained:
            found = [self._space.decode(row) for row in units.tolist()]
            placed = [self.place(values) for values in found if values is not None]
            rows = join([self.nowhere(), *placed])
        else:
            rows = Rows(units, np.ones(units.shape, bool))
        first = {key: index for index, key in reversed([*enumerate(rows.identities())])}
        return rows.take(np.array(sorted(first.values()), int))

    def nowhere(self) -> Rows:
        """Return no points."""
        shape = (0, len(self._parameters))
        return Rows(np.empty(shape), np.empty(shape, bool))

    def all(self, count: int) -> Iterator[Floats]:
        """Yield the coordinates of all combinations of values, so many at a time.

        There are none if a parameter is a real number.
        """
        axes = [() if axis is None else axis.tolist() for axis in self._axes]
        combinations = itertools.product(*axes)
        while chunk := list(itertools.islice(combinations, count)):
            yield np.array(chunk, float).reshape(len(chunk), len(axes))

    def features(self, rows: Rows) -> Floats:
        """Return what surrogates see: columns between 0 and 1.

        Categories of a choice have a column each and are at distance 1 from each other. A
        parameter that may have no value has one more column, which says whether it has one.
        """
        columns: list[Floats] = [np.empty((len(rows.units), 0))]
        for index, (parameter, axis) in enumerate(zip(self._parameters, self._axes, strict=True)):
            unit, active = rows.units[:, index], rows.active[:, index]
            if axis is None:
                columns.append(unit[:, None])
            elif _one_hot(parameter):
                hot = np.abs(unit[:, None] - axis) < 0.5 / len(axis)
                columns.append((hot & active[:, None]) / math.sqrt(2))
            else:
                columns.append(((unit - axis[0]) / (axis[-1] - axis[0]))[:, None])
            if parameter.when:
                columns.append(active[:, None].astype(float))
        return np.concatenate(columns, axis=1)

    def _snap(self, units: Floats) -> Floats:
        """Return coordinates of values, next to ``units``."""
        snapped = np.clip(units, 0.0, 1.0)
        for index, (parameter, axis) in enumerate(zip(self._parameters, self._axes, strict=True)):
            column = snapped[:, index]
            if axis is not None:
                column[:] = axis[np.searchsorted((axis[1:] + axis[:-1]) / 2, column)]
            elif isinstance(parameter, Int):
                values = [parameter.from_unit(unit) for unit in column.tolist()]
                column[:] = [parameter.to_unit(value) for value in values]
        return snapped


def _axis(parameter: Parameter) -> Floats | None:
    """Return the coordinates of the values, or None if they are real numbers or too many."""
    if isinstance(parameter, Discrete):
        return (np.arange(len(parameter.values)) + 0.5) / len(parameter.values)
    if isinstance(parameter, Int) and parameter.upper - parameter.lower < _COUNTABLE:
        values = range(parameter.lower, parameter.upper + 1)
        return np.array([parameter.to_unit(value) for value in values])
    return None


def _one_hot(parameter: Parameter) -> bool:
    return isinstance(parameter, Choice) and len(parameter.values) > 2


def _columns(parameter: Parameter, axis: Floats | None) -> int:
    own = len(axis) if axis is not None and _one_hot(parameter) else 1
    return own + (parameter.when is not None)
