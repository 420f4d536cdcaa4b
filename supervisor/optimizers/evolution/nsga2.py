"""NSGA-II: a population spread along the front of several objectives."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Annotated

import msgspec
from deap import base, tools

from supervisor.core.errors import InputError
from supervisor.core.objective import Values
from supervisor.core.parameter import Discrete, Ordered
from supervisor.core.space import Space
from supervisor.optimizers.evolution.breeding import Probability
from supervisor.optimizers.evolution.evaluations import Evaluations, key
from supervisor.optimizers.evolution.individuals import (
    Individual,
    dice,
    fitness_of,
    point,
    spread,
    staying_in,
)
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.settings import AtLeastOne

MultipleOfFour = Annotated[int, msgspec.Meta(ge=4, multiple_of=4)]
Eta = Annotated[float, msgspec.Meta(ge=0)]


def nsga2(
    space: Space,
    *,
    evaluations: AtLeastOne | None = None,
    generations: AtLeastOne | None = None,
    population: MultipleOfFour = 20,
    crossover_probability: Probability = 0.9,
    crossover_eta: Eta = 20.0,
    mutation_eta: Eta = 20.0,
    seed: int = 0,
) -> Generator[list[Values], list[Told], None]:
    """Evolve a population by dominance, and by distance along the front among equals.

    Numbers and ordered values vary by simulated binary crossover and polynomial mutation in the
    unit cube, others by exchange and redrawing; one coordinate of a child mutates on average. A
    point that failed, or one of whose losses is not finite, is dominated by all others.

    Args:
        space: Variations that are forbidden are drawn again.
        evaluations: Points to evaluate at most.
        generations: With the first one; without, as many as ``evaluations`` allows.
        population: Individuals of a generation, and of the front in the end.
        crossover_probability: That a pair is crossed.
        crossover_eta: The larger, the more children are like their parents.
        mutation_eta: The larger, the smaller mutations are.
        seed: The same seed and the same results give the same points.

    Raises:
        InputError: If nothing ends the search.

    Source:
        Deb, Pratap, Agarwal & Meyarivan, IEEE Transactions on Evolutionary Computation 6(2),
        2002.
    """
    if evaluations is None and generations is None:
        raise InputError("optimizer.evaluations", "is missing; nothing else would end the search")
    toolbox = base.Toolbox()
    variation = _Variation(space, crossover_probability, crossover_eta, mutation_eta)
    toolbox.register("mate", variation.mate)
    toolbox.register("mutate", variation.mutate)
    for operator in ("mate", "mutate"):
        toolbox.decorate(operator, staying_in(space))
    known = Evaluations(evaluations, generations)
    return _evolve(space, population, toolbox, known, random.Random(seed))


def _evolve(
    space: Space, size: int, toolbox: base.Toolbox, known: Evaluations, rng: random.Random
) -> Generator[list[Values], list[Told], None]:
    population: list[Individual] = []
    new = spread(space, size, rng)
    while (yield from known.run(point(space, one) for one in new)):
        for one in population + new:
            one.fitness = fitness_of(known.losses(point(space, one)), known.objectives)
        with dice(rng):
            population = tools.selNSGA2(population + new, size)
            new = _children(toolbox, population)
        new = _unlike(space, population, new)


def _children(toolbox: base.Toolbox, population: list[Individual]) -> list[Individual]:
    parents = tools.selTournamentDCD(population, len(population))
    children = [toolbox.clone(parent) for parent in parents]
    for index in range(0, len(children), 2):
        children[index : index + 2] = toolbox.mate(*children[index : index + 2])
    return [toolbox.mutate(child)[0] for child in children]


def _unlike(
    space: Space, population: list[Individual], children: list[Individual]
) -> list[Individual]:
    """Return the children that differ from the population and from each other."""
    there = {key(point(space, one)) for one in population}
    different = {key(point(space, one)): one for one in children}
    return [one for name, one in different.items() if name not in there]


class _Variation:
    """Crossover and mutation of coordinates, which draw from the global ``random`` as DEAP's."""

    def __init__(
        self, space: Space, probability: float, crossover_eta: float, mutation_eta: float
    ) -> None:
        self._probability = probability
        self._crossover_eta = crossover_eta
        self._mutation_eta = mutation_eta
        self._unordered = [
            isinstance(space.parameters[name], Discrete)
            and not isinstance(space.parameters[name], Ordered)
            for name in space.dims
        ]
        self._share = 1 / max(1, len(space.dims))

    def mate(self, one: Individual, other: Individual) -> tuple[Individual, Individual]:
        """Cross two individuals, or leave them as they are."""
        if random.random() < self._probability:
            before = [*one], [*other]
            tools.cxSimulatedBinaryBounded(one, other, eta=self._crossover_eta, low=0.0, up=1.0)
            for place, unordered in enumerate(self._unordered):
                if unordered:
                    one[place], other[place] = random.sample([units[place] for units in before], 2)
        return one, other

    def mutate(self, individual: Individual) -> tuple[Individual]:
        """Change each coordinate with a small probability."""
        before = [*individual]
        tools.mutPolynomialBounded(
            individual, eta=self._mutation_eta, low=0.0, up=1.0, indpb=self._share
        )
        for place, unordered in enumerate(self._unordered):
            if unordered:
                redrawn = random.random() < self._share
                individual[place] = random.random() if redrawn else before[place]
        return (individual,)
