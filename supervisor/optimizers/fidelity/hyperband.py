"""Hyperband: successive halving from several first rungs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, count, repeat

from supervisor.core.space import Space
from supervisor.optimizers.fidelity.asha import Amount, Choices, Mode, Reduction, halve
from supervisor.optimizers.fidelity.halving import Brackets, Halving
from supervisor.optimizers.fidelity.rungs import Ladder
from supervisor.optimizers.fidelity.samplers import SamplerName
from supervisor.optimizers.settings import AtLeastOne


def hyperband(
    space: Space,
    *,
    evaluations: AtLeastOne | None = None,
    resource: str | None = None,
    min_resource: Amount | None = None,
    max_resource: Amount | None = None,
    reduction: Reduction = 3,
    mode: Mode = "stop",
    metric: str | None = None,
    maximize: bool = False,
    sampler: SamplerName = "random",
    seed: int = 0,
) -> Halving:
    """Halve in brackets: one begins with many short trainings, the last one with few full ones.

    Brackets are filled one after the other, without waiting for results. What is promising early
    is thus told from what is good in the end, whichever it takes.

    Args:
        space: Where to search.
        evaluations: Number of points; None for one round of all brackets.
        resource: As of ``asha``, and so are the others.
        min_resource: The first rung of the first bracket.
        max_resource: A full training.
        reduction: One of so many goes on.
        mode: ``stop`` or ``promote``.
        metric: Which of the reported metrics decides.
        maximize: Whether more of it is better.
        sampler: Where new configurations come from.
        seed: The same seed and results give the same points.

    Raises:
        InputError: If the resource cannot have the levels.

    Source:
        Li et al., Journal of Machine Learning Research 18(185), 2018, algorithm 1; asynchronous
        as in Li et al., MLSys 2020, section 3: each bracket is halved by ASHA, and the next
        round goes on with the same rungs.
    """
    choices = Choices(
        resource=resource,
        min_resource=min_resource,
        max_resource=max_resource,
        reduction=reduction,
        mode=mode,
        metric=metric,
        maximize=maximize,
        sampler=sampler,
        evaluations=evaluations,
        seed=seed,
    )
    rounds = repeat(0, 1) if evaluations is None else count()

    def brackets(steps: Sequence[float], reduction: int) -> Brackets:
        ladders = [Ladder(steps[first:], reduction) for first in range(len(steps))]
        places = chain.from_iterable(_round(ladders) for _ in rounds)
        return Brackets(ladders, places)

    return halve(space, choices, brackets)


def _round(ladders: Sequence[Ladder]) -> Iterator[Ladder]:
    """Yield the ladder of each configuration of a round; line 3 of the algorithm."""
    for ladder in ladders:
        halvings = len(ladder.levels) - 1
        size = math.ceil(len(ladders) * ladder.reduction**halvings / (halvings + 1))
        yield from repeat(ladder, size)
