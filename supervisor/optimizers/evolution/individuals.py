"""Individuals for DEAP: where they are drawn, how they stay in the space, and their dice."""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from deap import base

from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.rejection import draw_allowed

_REDRAWS = 100  # variations of the same parents that are tried for an allowed one


class Individual(list[float]):
    """A place in the unit cube, one coordinate for each dimension of the space.

    Dimensions that are inactive there have a coordinate too, for when they become active.

    Attributes:
        fitness: DEAP's; empty until the individual is evaluated.
    """

    def __init__(self, coordinates: Sequence[float]) -> None:
        super().__init__(coordinates)
        self.fitness = fitness_of(())


def fitness_of(losses: Sequence[float], objectives: int = 1) -> Any:
    """Return a fitness whose values are all minimised; invalid if there are none."""
    return _fitness_type(objectives)(tuple(losses))


@functools.cache
def _fitness_type(objectives: int) -> type:
    return type("Fitness", (base.Fitness,), {"weights": (-1.0,) * objectives})


def draw(space: Space, rng: random.Random) -> Individual:
    """Return an individual drawn uniformly, which is not forbidden.

    Raises:
        OptimizerError: If the space seems to be empty.
    """
    unit, _ = draw_allowed(lambda: [rng.random() for _ in space.dims], space.decode)
    return Individual(unit)


def spread(space: Space, number: int, rng: random.Random) -> list[Individual]:
    """Return individuals of a Latin hypercube; forbidden ones are drawn uniformly instead.

    Raises:
        OptimizerError: If the space seems to be empty.
    """
    slices = [rng.sample(range(number), number) for _ in space.dims]
    units = [[(one[index] + rng.random()) / number for one in slices] for index in range(number)]
    return [draw(space, rng) if space.decode(unit) is None else Individual(unit) for unit in units]


def of_values(space: Space, values: Mapping[str, Any], rng: random.Random) -> Individual:
    """Return the individual of a point; coordinates of inactive dimensions are drawn."""
    encoded = zip(space.dims, space.encode(values), strict=True)
    return Individual([unit if name in values else rng.random() for name, unit in encoded])


def point(space: Space, individual: Sequence[float]) -> Values:
    """Return the point of an allowed individual."""
    values = space.decode(individual)
    assert values is not None
    return values


Variation = Callable[..., Sequence[Individual]]


def staying_in(space: Space) -> Callable[[Variation], Variation]:
    """Return a decorator for DEAP's toolbox: variations are repeated until they are allowed.

    Where no repetition helps, the parents stay as they are.
    """

    def decorate(vary: Variation) -> Variation:
        def redraw(*parents: Individual, **settings: Any) -> Sequence[Individual]:
            for _ in range(_REDRAWS):
                children = vary(*copy.deepcopy(parents), **settings)
                if all(space.decode(child) is not None for child in children):
                    return children
            return parents

        return redraw

    return decorate


@contextmanager
def dice(rng: random.Random) -> Iterator[None]:
    """Let code that uses the global generator, as DEAP does, draw from ``rng`` for a while."""
    outside = random.getstate()
    random.setstate(rng.getstate())
    try:
        yield
    finally:
        rng.setstate(random.getstate())
        random.setstate(outside)
