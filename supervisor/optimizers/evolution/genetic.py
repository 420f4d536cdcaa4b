"""A genetic algorithm: DEAP's strategies with the operators of CANDLE."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from supervisor.core.errors import InputError
from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.evolution.breeding import Breeding, Probability, Rates
from supervisor.optimizers.evolution.evaluations import Evaluations, Run, key
from supervisor.optimizers.evolution.individuals import (
    Individual,
    fitness_of,
    of_values,
    point,
    spread,
)
from supervisor.optimizers.evolution.mutation import Mutation
from supervisor.optimizers.evolution.steady import SteadyState
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import Optimizer, Told
from supervisor.optimizers.settings import AtLeastOne

AtLeastTwo = Annotated[int, msgspec.Meta(ge=2)]
Share = Annotated[float, msgspec.Meta(gt=0)]
Strategy = Literal["simple", "mu_plus_lambda", "steady_state"]


def genetic(
    space: Space,
    *,
    evaluations: AtLeastOne | None = None,
    generations: AtLeastOne | None = None,
    population: AtLeastTwo = 16,
    strategy: Strategy | None = None,
    offspring_proportion: Share = 0.5,
    mutation_probability: Probability = 0.8,
    crossover_probability: Probability = 0.2,
    mutation_gene_probability: Probability = 0.5,
    crossover_gene_probability: Probability = 0.5,
    tournament_size: AtLeastOne = 4,
    sigma: dict[str, float] | None = None,
    seed: int = 0,
) -> Genetic:
    """Evolve a population by tournaments, uniform crossover and mutation.

    A child that equals a known point has its loss, and is not evaluated again. A point that
    failed, or whose loss is not finite, is worse than all others.

    Args:
        space: Variations that are forbidden are drawn again.
        evaluations: Points to evaluate at most.
        generations: With the first one; without, as many as ``evaluations`` allows.
        population: Individuals of a generation.
        strategy: ``steady_state``: no generations, but a child for each result, so that no
            worker waits for others. ``mu_plus_lambda``: a child comes from crossover or mutation,
            and the next generation from children and parents. ``simple``: from both, and children
            replace their parents. If not given, ``mu_plus_lambda`` where there are
            ``generations``, and else ``steady_state``.
        offspring_proportion: Children of a generation of ``mu_plus_lambda``, by ``population``.
        mutation_probability: That a child is mutated.
        crossover_probability: That a child, in ``simple`` a pair of them, is crossed.
        mutation_gene_probability: That a parameter of a mutant changes.
        crossover_gene_probability: That a parameter of a pair is exchanged.
        tournament_size: Individuals of which the best is selected.
        sigma: Deviations of mutation by parameter, as ``Mutation`` takes them.
        seed: The same seed and the same results give the same points.

    Raises:
        InputError: If settings do not fit each other.

    Source:
        Fortin et al., Journal of Machine Learning Research 13, 2012; operators and settings of
        the GA workflow of CANDLE Supervisor.
    """
    strategy = strategy or ("mu_plus_lambda" if generations else "steady_state")
    _check_end(evaluations, generations, strategy)
    _check_rates(mutation_probability, crossover_probability, strategy)
    rates = Rates(
        crossover=crossover_probability,
        mutation=mutation_probability,
        crossover_gene=crossover_gene_probability,
        mutation_gene=mutation_gene_probability,
        tournament=tournament_size,
    )
    rng = random.Random(seed)
    mutation = Mutation(space, sigma or {}, rng)
    breeding = Breeding(space, rates, mutation, random.Random(f"dice {seed}"))
    children = max(1, round(offspring_proportion * population))

    def begin(initial: list[Individual], known: Evaluations) -> Optimizer:
        match strategy:
            case "simple":
                return adapt(simple(space, initial, known, breeding))
            case "mu_plus_lambda":
                return adapt(mu_plus_lambda(space, initial, known, breeding, children))
            case "steady_state":
                return SteadyState(space, initial, known, breeding, rng)

    return Genetic(space, population, rng, begin, Evaluations(evaluations, generations))


class Genetic:
    """A population that evolves from its first ask on; until then, it may learn.

    Args:
        space: Where individuals live.
        size: Individuals of the population.
        rng: Source of the initial ones.
        begin: Starts the search with the initial population.
        evaluations: What the search may evaluate.
    """

    def __init__(
        self,
        space: Space,
        size: int,
        rng: random.Random,
        begin: Callable[[list[Individual], Evaluations], Optimizer],
        evaluations: Evaluations,
    ) -> None:
        self._space = space
        self._size = size
        self._rng = rng
        self._begin = begin
        self._evaluations = evaluations
        self._learned: dict[str, Told] = {}

    def learn(self, results: list[Told]) -> None:
        """Begin with the best of ``results``.

        Points outside of the space are passed over. Those that failed will not be tried again.
        """
        for result in results:
            values = self._space.complete(result.values)
            if not self._space.problem(values):
                self._learned[key(values)] = msgspec.structs.replace(result, values=values)

    def ask(self, n: int) -> Sequence[Any]:
        """Return up to ``n`` points."""
        return self._search.ask(n)

    def tell(self, results: list[Told]) -> None:
        """Take results, in any order."""
        self._search.tell(results)

    @cached_property
    def _search(self) -> Optimizer:
        learned = [self._descendant(result) for result in self._learned.values()]
        parents = [one for one in learned if one.fitness.valid]
        parents.sort(key=lambda one: one.fitness, reverse=True)
        missing = max(0, self._size - len(parents))
        others = spread(self._space, missing, self._rng)
        return self._begin(parents[: self._size] + others, self._evaluations)

    def _descendant(self, result: Told) -> Individual:
        """Return the individual of a point that was learned; without fitness if it has no loss."""
        individual = of_values(self._space, result.values, self._rng)
        values = self._space.decode(individual)
        if values is not None:  # rounding may have moved it over the border of a forbidden region
            self._evaluations.note(values, result)
            losses = self._evaluations.losses(values)[:1]
            individual.fitness = fitness_of(losses if losses[0] < math.inf else ())
        return individual


Generations = Generator[list[Values], list[Told], None]


def simple(
    space: Space, population: list[Individual], known: Evaluations, breeding: Breeding
) -> Generations:
    """Replace each generation by its children, which come from crossover and mutation."""
    going = yield from _evaluate(space, population, known)
    while going:
        population = breeding.both(breeding.select(population, len(population)))
        going = yield from _evaluate(space, population, known)


def mu_plus_lambda(
    space: Space,
    population: list[Individual],
    known: Evaluations,
    breeding: Breeding,
    number: int,
) -> Generations:
    """Select each generation from the last one and its ``number`` children."""
    going = yield from _evaluate(space, population, known)
    while going:
        children = breeding.either(population, number)
        going = yield from _evaluate(space, children, known)
        if going:
            population = breeding.select(population + children, len(population))


def _evaluate(space: Space, individuals: list[Individual], known: Evaluations) -> Run:
    """Give a fitness to those that have none, and say whether the search goes on."""
    new = [individual for individual in individuals if not individual.fitness.valid]
    going = yield from known.run(point(space, individual) for individual in new)
    if going:
        for individual in new:
            _judge(individual, space, known)
    return going


def _judge(individual: Individual, space: Space, known: Evaluations) -> None:
    individual.fitness = fitness_of(known.losses(point(space, individual))[:1])


def _check_end(evaluations: int | None, generations: int | None, strategy: Strategy) -> None:
    if strategy == "steady_state" and generations is not None:
        raise InputError("generations", "steady_state has none; give evaluations instead")
    if evaluations is None and generations is None:
        raise InputError("optimizer.evaluations", "is missing; nothing else would end the search")


def _check_rates(mutation: float, crossover: float, strategy: Strategy) -> None:
    if strategy != "simple" and mutation + crossover > 1:
        raise InputError(
            "mutation_probability",
            f"{mutation} and crossover_probability {crossover} are above 1 together, but in "
            f"{strategy} a child comes from one or the other; lower one of them",
        )
