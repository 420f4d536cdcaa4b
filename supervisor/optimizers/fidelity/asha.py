"""Asynchronous successive halving."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Annotated, Literal

import msgspec

from supervisor.core.errors import InputError
from supervisor.core.space import Space
from supervisor.optimizers.fidelity.halving import Brackets, Halving, Measure, Promoting, Stopping
from supervisor.optimizers.fidelity.resource import Resource, changing, steady
from supervisor.optimizers.fidelity.rungs import Ladder, levels
from supervisor.optimizers.fidelity.samplers import SamplerName, make_sampler
from supervisor.optimizers.settings import AtLeastOne

Amount = Annotated[float, msgspec.Meta(gt=0)]
Reduction = Annotated[int, msgspec.Meta(ge=2)]
Mode = Literal["stop", "promote"]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The settings that ASHA and Hyperband share; see ``asha``."""

    resource: str | None
    min_resource: float | None
    max_resource: float | None
    reduction: int
    mode: Mode
    metric: str | None
    maximize: bool
    sampler: SamplerName
    evaluations: int | None
    seed: int


def asha(
    space: Space,
    *,
    evaluations: AtLeastOne,
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
    """Train many configurations a little, and the best of them longer, without ever waiting.

    Args:
        space: Where to search.
        evaluations: Number of points. With ``mode: promote``, those that go on count too.
        resource: The parameter that says how long a point trains, in all and from its very
            beginning. With ``mode: stop``, it may be left out.
        min_resource: The first rung; None for the lower bound of the parameter, or 1.
        max_resource: A full training; None for the upper bound of the parameter.
        reduction: One of so many goes on to the next rung, and is given so many times more.
        mode: ``stop``: points begin as full trainings, and are stopped at a rung if they are not
            among the best. ``promote``: points end at a rung, and the best go on from their
            checkpoints.
        metric: Which of the reported metrics decides; None for the only one.
        maximize: Whether more of it is better.
        sampler: Where new configurations come from.
        seed: The same seed and results give the same points.

    Raises:
        InputError: If the resource cannot have the levels.

    Source:
        Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020.
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
    return halve(space, choices, _single)


def _single(steps: Sequence[float], reduction: int) -> Brackets:
    ladder = Ladder(steps, reduction)
    return Brackets([ladder], repeat(ladder))


def halve(
    space: Space, choices: Choices, brackets: Callable[[Sequence[float], int], Brackets]
) -> Halving:
    """Return the search that ``choices`` describe.

    Args:
        space: Where to search.
        choices: Checked here.
        brackets: Makes the ladders, from the levels of the resource and the reduction.

    Raises:
        InputError: If the resource cannot have the levels.
    """
    resource = _resource(space, choices)
    amounts = levels(resource.least, resource.most, choices.reduction)
    if len(amounts) < 2:
        raise InputError(
            "optimizer.max_resource",
            f"{resource.most:g} is less than {choices.reduction} times the least resource, "
            f"{resource.least:g}, so there is nothing to halve",
        )
    made = brackets([resource.level(amount) for amount in amounts], choices.reduction)
    source = make_sampler(choices.sampler, resource.space, choices.seed)
    limit = math.inf if choices.evaluations is None else choices.evaluations
    if choices.mode == "promote":
        return Promoting(resource, made, source, limit)
    measure = Measure(choices.metric, choices.maximize)
    return Stopping(resource, made, source, limit, measure)


def _resource(space: Space, choices: Choices) -> Resource:
    least, most = choices.min_resource, choices.max_resource
    if choices.mode == "stop":
        return steady(space, choices.resource, least, most)
    if choices.resource is None:
        raise InputError(
            "optimizer.resource",
            "is missing; mode promote sets the parameter that says how long a point trains",
        )
    return changing(space, choices.resource, least, most)
