"""Population-based training."""

from __future__ import annotations

import math
import random as stdlib
from typing import Annotated

import msgspec

from supervisor.core.errors import UnknownName
from supervisor.core.space import Space
from supervisor.optimizers.fidelity.explore import Explorer
from supervisor.optimizers.fidelity.population import Course, Population
from supervisor.optimizers.fidelity.resource import changing
from supervisor.optimizers.settings import AtLeastOne

AtLeastTwo = Annotated[int, msgspec.Meta(ge=2)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Quantile = Annotated[float, msgspec.Meta(gt=0, le=0.5)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Factors = Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1)]


def pbt(
    space: Space,
    *,
    resource: str,
    interval: Positive,
    generations: AtLeastOne | None = None,
    evaluations: AtLeastOne | None = None,
    population: AtLeastTwo = 10,
    quantile: Quantile = 0.2,
    factors: Factors = (0.8, 1.2),
    resample: Probability = 0.25,
    fixed: tuple[str, ...] = (),
    seed: int = 0,
) -> Population:
    """Train a population whose worst members go on from the best ones, with other parameters.

    A member goes on as soon as its last point is told, whatever the others do.

    Args:
        space: Where parameters stay.
        resource: The parameter that says how long a point trains, in all and from its very
            beginning.
        interval: What a member is given of it between two looks at the population.
        generations: Intervals of a whole training; None for as many as the parameter allows.
        evaluations: The most points; None for those of all members and generations.
        population: Number of members.
        quantile: The part of the population that is left, and the part that replaces it.
        factors: A number of a copy is multiplied by one of them.
        resample: Probability that a parameter of a copy is drawn anew from all its values.
        fixed: Parameters that a copy keeps, because its checkpoint depends on them.
        seed: The same seed and results give the same points.

    Raises:
        InputError: If the intervals do not fit the resource, or ``fixed`` names no parameter.

    Source:
        Jaderberg et al., Population Based Training of Neural Networks, arXiv:1711.09846, 2017:
        algorithm 1 with truncation selection; who is not left keeps its parameters.
    """
    for index, name in enumerate(fixed):
        if name not in space.parameters:
            place = f"optimizer.fixed.{index}"
            raise UnknownName(place, name, space.parameters, "parameter")
    most = None if generations is None else generations * interval
    plan = changing(space, resource, interval, most, ("interval", "generations"))
    course = Course(plan, interval, generations or math.floor(plan.most / interval))
    rng = stdlib.Random(seed)
    explorer = Explorer(plan.space, fixed=fixed, factors=factors, resample=resample, rng=rng)
    return Population(
        course,
        explorer,
        rng,
        size=population,
        quantile=quantile,
        evaluations=evaluations or population * course.generations,
    )
