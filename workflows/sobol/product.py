"""Sobol's g-function, whose mean over the unit cube is 1."""

import math


def run(params):
    """Return the product of (|4 x - 2| + a) / (1 + a), with a growing from 0 to 4."""
    xs = [params[f"x{number}"] for number in range(1, 6)]
    return {"y": math.prod((abs(4 * x - 2) + a) / (1 + a) for a, x in enumerate(xs))}
