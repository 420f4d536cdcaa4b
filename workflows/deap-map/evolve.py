"""A program of DEAP: only ``map`` and ``evaluate`` of its toolbox are those of a workflow."""

import random

from deap import algorithms, base, creator, tools


def main(space, evaluate, *, seed: int, generations: int = 20):
    """Evolve; an individual has a number for each parameter of the space."""
    ranges = list(space.parameters.values())
    low, high = [one.lower for one in ranges], [one.upper for one in ranges]
    random.seed(seed)
    creator.create("FitnessMin", base.Fitness, weights=(-1.0,))
    creator.create("Individual", list, fitness=creator.FitnessMin)

    toolbox = base.Toolbox()
    toolbox.register("numbers", lambda: map(random.uniform, low, high))
    toolbox.register("individual", tools.initIterate, creator.Individual, toolbox.numbers)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("mate", tools.cxSimulatedBinaryBounded, eta=10, low=low, up=high)
    toolbox.register("mutate", tools.mutPolynomialBounded, eta=10, low=low, up=high, indpb=0.5)
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register(
        "evaluate", lambda individual: dict(zip(space.names, individual, strict=True))
    )
    toolbox.register("map", evaluate)

    population = toolbox.population(40)
    algorithms.eaMuPlusLambda(population, toolbox, 40, 40, 0.6, 0.4, generations, verbose=False)
