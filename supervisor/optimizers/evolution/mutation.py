"""Mutation of a point's parameters, each by the rule of its kind."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.parameter import Discrete, Float, Int, Ordered, Parameter, Range
from supervisor.core.space import Space
from supervisor.optimizers.evolution.individuals import Individual

_SHARE = 0.1  # of a parameter's width: the deviation of a step, where none is given


class Mutation:
    """Numbers and ordered values take a Gaussian step, others become another value.

    Args:
        space: What varies.
        sigma: Standard deviations of the steps of some parameters: in the parameter's own units,
            in powers of ten if it is logarithmic, in places if it is ordered.
        rng: Source of all randomness.

    Raises:
        InputError: If a sigma is not that of a parameter that takes steps, or is not positive.

    Source:
        The mutation of CANDLE Supervisor's GA: ``ga_utils`` of Wozniak et al., BMC
        Bioinformatics 19(18), 2018.
    """

    def __init__(self, space: Space, sigma: Mapping[str, float], rng: random.Random) -> None:
        for name, deviation in sigma.items():
            _check_sigma(space, name, deviation)
        self._rng = rng
        self._parameters = [space.parameters[name] for name in space.dims]
        self._steps = [
            _step(parameter, sigma.get(name))
            for name, parameter in zip(space.dims, self._parameters, strict=True)
        ]

    def __call__(self, individual: Individual, probability: float) -> tuple[Individual]:
        """Change each coordinate with a probability, in place."""
        for place, (parameter, step) in enumerate(zip(self._parameters, self._steps, strict=True)):
            if self._rng.random() < probability:
                unit = individual[place]
                if isinstance(parameter, Discrete) and not isinstance(parameter, Ordered):
                    individual[place] = self._other(parameter, unit)
                else:
                    centre = parameter.to_unit(parameter.from_unit(unit))
                    individual[place] = min(max(centre + self._rng.gauss(0, step), 0.0), 1.0)
        return (individual,)

    def _other(self, parameter: Discrete, unit: float) -> float:
        """Return the coordinate of another of the values, all equally likely."""
        count = len(parameter.values)
        index = min(int(unit * count), count - 1)
        return ((index + self._rng.randrange(1, count)) % count + 0.5) / count


def _check_sigma(space: Space, name: str, deviation: float) -> None:
    if name not in space.parameters:
        raise UnknownName("sigma", name, space.parameters, "parameter")
    parameter = space.parameters[name]
    if not isinstance(parameter, Range | Ordered):
        raise InputError(
            "sigma", f"{name} is a {parameter.kind}, which takes no steps; leave it out"
        )
    if not (math.isfinite(deviation) and deviation > 0):
        raise InputError("sigma", f"{name}: {deviation} is no deviation; give a number above 0")


def _step(parameter: Parameter, sigma: float | None) -> float:
    """Return a standard deviation in the unit interval."""
    if sigma is not None:
        return sigma / _width(parameter)
    if isinstance(parameter, Int) and not parameter.log:
        return _SHARE * (parameter.upper - parameter.lower) / _width(parameter)
    return _SHARE


def _width(parameter: Parameter) -> float:
    """Return how much of a parameter's own units the unit interval is."""
    match parameter:
        case Int(log=True):
            return math.log10(parameter.upper + 0.5) - math.log10(parameter.lower - 0.5)
        case Float(log=True):
            return math.log10(parameter.upper) - math.log10(parameter.lower)
        case Int():
            return parameter.upper - parameter.lower + 1
        case Float():
            return parameter.upper - parameter.lower
        case Discrete():
            return len(parameter.values)
    raise AssertionError(parameter)
