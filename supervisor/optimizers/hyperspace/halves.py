"""A parameter in two halves that overlap, and the sub-spaces that come of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from supervisor.core.parameter import Discrete, Int, Parameter, Range
from supervisor.core.space import Space
from supervisor.optimizers.narrowing import narrowed


def subspaces(space: Space, names: Sequence[str], overlap: float) -> list[Space]:
    """Return all combinations of halves; bit i of the index stands for the low one of names[i].

    Args:
        space: What is split.
        names: Parameters with more than one value.
        overlap: As ``halves`` takes it.

    Source:
        Young et al., HyperSpace: Distributed Bayesian Hyperparameter Optimization, SBAC-PAD 2018.
    """
    split = [halves(space.parameters[name], overlap) for name in names]
    return [
        narrowed(
            space,
            {
                name: low if index >> bit & 1 else high
                for bit, (name, (low, high)) in enumerate(zip(names, split, strict=True))
            },
        )
        for index in range(2 ** len(names))
    ]


def halves(parameter: Parameter, overlap: float) -> tuple[Parameter, Parameter]:
    """Return the low and the high half: 0..10 becomes 0..6 and 4..10, abcd becomes abc and bcd.

    Args:
        parameter: Has more than one value. A logarithmic one is split in the logarithm.
        overlap: By what part of itself a half is longer than half the parameter; below 1, and
            however large, a half never has all values.
    """
    share = (1 + overlap) / 2
    if isinstance(parameter, Discrete):
        size = min(math.ceil(share * len(parameter.values)), len(parameter.values) - 1)
        low, high = parameter.values[:size], parameter.values[-size:]
        return replace(parameter, values=low), replace(parameter, values=high)
    assert isinstance(parameter, Range), "a constant has one value"
    if not isinstance(parameter, Int):
        end, start = parameter.from_unit(share), parameter.from_unit(1 - share)
        return replace(parameter, upper=end), replace(parameter, lower=start)
    last, first = math.floor(_between(parameter, share)), math.ceil(_between(parameter, 1 - share))
    return replace(parameter, upper=last), replace(parameter, lower=first)


def _between(parameter: Int, share: float) -> float:
    """Return the number at that share of the way from the lower to the upper bound."""
    if parameter.log:
        return float(parameter.lower * (parameter.upper / parameter.lower) ** share)
    return parameter.lower + share * (parameter.upper - parameter.lower)
