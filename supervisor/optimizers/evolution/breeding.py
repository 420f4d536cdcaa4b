"""How individuals become parents, and parents children: DEAP's toolbox, with dice of its own."""

from __future__ import annotations

import random
from typing import Annotated

import msgspec
from deap import algorithms, base, tools

from supervisor.core.space import Space
from supervisor.optimizers.evolution.individuals import Individual, dice, staying_in
from supervisor.optimizers.evolution.mutation import Mutation

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How often there is what variation, and how hard selection is.

    Attributes:
        crossover: Probability that a child, or a pair of them, comes from crossover.
        mutation: Probability that a child is mutated.
        crossover_gene: Probability of each parameter of a pair to be exchanged.
        mutation_gene: Probability of each parameter of a mutant to change.
        tournament: Individuals of which the best is selected.
    """

    crossover: float
    mutation: float
    crossover_gene: float
    mutation_gene: float
    tournament: int


class Breeding:
    """Tournament selection, uniform crossover and mutation.

    Args:
        space: Variations that are forbidden are drawn again.
        rates: How often, and how hard.
        mutation: The operator.
        rng: Source of DEAP's randomness.
    """

    def __init__(self, space: Space, rates: Rates, mutation: Mutation, rng: random.Random) -> None:
        self._rng = rng
        self._rates = (rates.crossover, rates.mutation)
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", tools.selTournament, tournsize=rates.tournament)
        self._toolbox.register("mate", tools.cxUniform, indpb=rates.crossover_gene)
        self._toolbox.register("mutate", mutation, probability=rates.mutation_gene)
        for variation in ("mate", "mutate"):
            self._toolbox.decorate(variation, staying_in(space))

    def select(self, population: list[Individual], number: int) -> list[Individual]:
        """Return the winners of ``number`` tournaments; some may have won several times."""
        with dice(self._rng):
            winners: list[Individual] = self._toolbox.select(population, number)
        return winners

    def both(self, parents: list[Individual]) -> list[Individual]:
        """Return a child for each parent, by crossover with the next one and mutation."""
        with dice(self._rng):
            children: list[Individual] = algorithms.varAnd(parents, self._toolbox, *self._rates)
        return children

    def either(self, parents: list[Individual], number: int) -> list[Individual]:
        """Return children of parents drawn at random, each by crossover, mutation, or neither."""
        with dice(self._rng):
            children: list[Individual] = algorithms.varOr(
                parents, self._toolbox, number, *self._rates
            )
        return children
