"""A genetic search without generations: no worker waits for the results of others."""

from __future__ import annotations

import random
from collections.abc import Iterator

from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.evolution.breeding import Breeding
from supervisor.optimizers.evolution.evaluations import Evaluations
from supervisor.optimizers.evolution.individuals import Individual, draw, fitness_of, point
from supervisor.optimizers.flight import Flight
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.window import Window

_TRIES = 100  # to find a child, and then any point, that is new


class SteadyState:
    """Breed a child whenever a point is asked; its result takes the place of the worst one.

    Args:
        space: Where individuals live.
        initial: The first population; those with a fitness are not evaluated.
        known: What was evaluated before, and how much may be.
        breeding: Makes children of two parents.
        rng: Source of points while there are no parents, or no new children.

    Source:
        Whitley, The GENITOR algorithm and selection pressure, ICGA 1989.
    """

    def __init__(
        self,
        space: Space,
        initial: list[Individual],
        known: Evaluations,
        breeding: Breeding,
        rng: random.Random,
    ) -> None:
        self._space = space
        self._size = len(initial)
        self._population = [one for one in initial if one.fitness.valid]
        self._initial = [one for one in reversed(initial) if not one.fitness.valid]
        self._known = known
        self._breeding = breeding
        self._rng = rng
        self._flight: Flight[Individual] = Flight()
        self._window = Window(self._size)

    def ask(self, n: int) -> list[Values]:
        """Return up to ``n`` points; none if there are no new ones any more, or none may be."""
        n = self._window.open(n)
        points: list[Values] = []
        while len(points) < n and (child := self._new()) is not None:
            self._flight.start(child)
            points.append(point(self._space, child))
        self._window.asked(len(points))
        return points

    def tell(self, results: list[Told]) -> None:
        """Let the points join the population."""
        landed = self._flight.land(results)
        self._window.told(len(landed))
        for individual, result in landed:
            values = point(self._space, individual)
            self._known.note(values, result)
            individual.fitness = fitness_of(self._known.losses(values)[:1])
            self._population.append(individual)
        self._population.sort(key=lambda one: one.fitness, reverse=True)
        del self._population[self._size :]

    def _new(self) -> Individual | None:
        """Return an individual whose point is new, or None."""
        if self._known.spent:
            return None
        for child in self._candidates():
            if self._known.grant(point(self._space, child)):
                return child
        return None

    def _candidates(self) -> Iterator[Individual]:
        while self._initial:
            yield self._initial.pop()
        for _ in range(_TRIES if self._population else 0):
            yield from self._breeding.either(self._breeding.select(self._population, 2), 1)
        for _ in range(_TRIES):
            yield draw(self._space, self._rng)
