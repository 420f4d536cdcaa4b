"""A population of models in training, whose worst members are replaced by copies of the best."""

from __future__ import annotations

import math
import random as stdlib
import sys
from collections import deque
from dataclasses import dataclass

from supervisor.core.objective import Values
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.fidelity.explore import Explorer
from supervisor.optimizers.fidelity.resource import Resource
from supervisor.optimizers.flight import Flight, trained_loss
from supervisor.optimizers.protocol import Continuation, Suggestion, Told


@dataclass(frozen=True)
class Course:
    """What every model goes through.

    Attributes:
        resource: What it is given.
        interval: How much of it in a generation.
        generations: Number of intervals of a whole training.
    """

    resource: Resource
    interval: float
    generations: int

    def values(self, parameters: Values, generation: int) -> Values:
        """Return the point that trains to the end of a generation, from 1."""
        amount = self.resource.level(generation * self.interval)
        return self.resource.give(parameters, amount)


@dataclass(frozen=True)
class Model:
    """What a successful point leaves behind.

    Attributes:
        loss: Not NaN, and below infinity.
        point: Its number.
        generation: The last one that the model went through, from 1.
        parameters: Of the point.
    """

    loss: float
    point: int
    generation: int
    parameters: Values


@dataclass(eq=False)
class _Member:
    """A place in the population.

    Attributes:
        number: From 0.
        model: The last one, or None before the first.
        lost: Whether the point after it failed or diverged.
    """

    number: int
    model: Model | None = None
    lost: bool = False

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Sorts the best members first; who lost a model comes after all who did not."""
        return self.lost, self.model.loss if self.model else math.inf, self.number


@dataclass(frozen=True)
class _Segment:
    """A point in flight: who trains what, to the end of which generation."""

    member: _Member
    generation: int
    parameters: Values


class Population:
    """Members that train, each at its own pace.

    Args:
        course: Of every model.
        explorer: Changes the parameters of copies.
        rng: Source of the first generation, and of what is copied.
        size: Number of members.
        quantile: The part of them that is left, and the part that replaces it.
        evaluations: The most points.
    """

    def __init__(
        self,
        course: Course,
        explorer: Explorer,
        rng: stdlib.Random,
        *,
        size: int,
        quantile: float,
        evaluations: int,
    ) -> None:
        self._course = course
        self._explorer = explorer
        self._rng = rng
        self._evaluations = evaluations
        self._cut = max(1, math.floor(quantile * size))
        self._members = [_Member(number) for number in range(size)]
        self._ready = deque(self._members)
        self._flight: Flight[_Segment] = Flight()
        space, seed = course.resource.space, rng.getrandbits(32)
        self._beginners = random(space, evaluations=sys.maxsize, seed=seed)

    def ask(self, n: int) -> list[Suggestion]:
        """Return the next points of members that are ready, at most ``n``."""
        count = min(n, self._evaluations - self._flight.asked, len(self._ready))
        return [self._next(self._ready.popleft()) for _ in range(count)]

    def tell(self, results: list[Told]) -> None:
        """Take what became of members' points; unless trained to the end, they are ready."""
        for segment, result in self._flight.land(results):
            member = segment.member
            loss = trained_loss(result)
            member.lost = loss is None or not loss < math.inf
            if loss is not None and not member.lost:
                member.model = Model(loss, result.id, segment.generation, segment.parameters)
            if member.lost or segment.generation < self._course.generations:
                self._ready.append(member)

    def _next(self, member: _Member) -> Suggestion:
        own = member.model
        if member.lost or member in self._left():
            bar = math.inf if member.lost or not own else own.loss
            donors = [model for model in self._donors() if model.loss < bar]
            if donors:
                donor = self._rng.choice(donors)
                return self._go_on(member, donor, self._explorer.near(donor.parameters))
        if own:
            return self._go_on(member, own, own.parameters)
        parameters = next(self._beginners)
        self._flight.start(_Segment(member, 1, parameters))
        return self._course.values(parameters, 1)

    def _go_on(self, member: _Member, model: Model, parameters: Values) -> Continuation:
        generation = model.generation + 1
        self._flight.start(_Segment(member, generation, parameters))
        return Continuation(self._course.values(parameters, generation), model.point)

    def _left(self) -> list[_Member]:
        """Return the worst members, once enough have a result to tell them from the best."""
        ranked = sorted(
            (one for one in self._members if one.model or one.lost), key=lambda one: one.rank
        )
        return ranked[-self._cut :] if len(ranked) >= 2 * self._cut else []

    def _donors(self) -> list[Model]:
        """Return the best models that are not trained to the end."""
        models = [one.model for one in self._members if one.model]
        models = [one for one in models if one.generation < self._course.generations]
        return sorted(models, key=lambda one: (one.loss, one.point))[: self._cut]
