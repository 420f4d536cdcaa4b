"""Changes of a point's parameters while its model is trained."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Any

from supervisor.core.objective import Values
from supervisor.core.parameter import Int, Ordered, Parameter, Range
from supervisor.core.space import Space

_TRIES = 1_000


class Explorer:
    """Draws points near others.

    Args:
        space: Of all points.
        fixed: Parameters that stay as they are.
        factors: A number is multiplied by one of them.
        resample: Probability that a parameter is drawn anew from all its values.
        rng: Source of all randomness.
    """

    def __init__(
        self,
        space: Space,
        *,
        fixed: Collection[str],
        factors: Sequence[float],
        resample: float,
        rng: random.Random,
    ) -> None:
        self._space = space
        self._fixed = fixed
        self._factors = factors
        self._resample = resample
        self._rng = rng

    def near(self, values: Values) -> Values:
        """Return a point of the space near another one, or that one if all draws are forbidden.

        A parameter that had no value, and needs one now, is drawn from all its values.
        """
        for _ in range(_TRIES):
            changed = self._space.active(
                {
                    name: self._change(name, parameter, values)
                    for name, parameter in self._space.parameters.items()
                }
            )
            if not self._space.forbidden(changed):
                return changed
        return values

    def _change(self, name: str, parameter: Parameter, values: Values) -> Any:
        if name in values and (name in self._fixed or not parameter.varies):
            return values[name]
        if name not in values or self._rng.random() < self._resample:
            return parameter.from_unit(self._rng.random())
        if isinstance(parameter, Range):
            return _scaled(parameter, values[name], self._rng.choice(self._factors))
        if isinstance(parameter, Ordered):
            place = parameter.to_unit(values[name])
            return parameter.from_unit(place + self._rng.choice((-1, 1)) / len(parameter.values))
        return values[name]


def _scaled(parameter: Range, value: float, factor: float) -> float:
    """Return a number times ``factor``; where zero is inside the range, move it as far as half
    the width would be, since a product never changes the sign."""
    if parameter.lower < 0:
        scaled = value + (factor - 1) * (parameter.upper - parameter.lower) / 2
    else:
        scaled = value * factor
    if isinstance(parameter, Int):
        whole = round(scaled)
        if whole == value and factor != 1:
            whole += 1 if factor > 1 else -1
        scaled = whole
    return min(max(scaled, parameter.lower), parameter.upper)
