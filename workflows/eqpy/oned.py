"""A test function of one parameter: three local minima on [0, 20]."""

import math


def run(params):
    """Return 0.02 x + 0.5 sin(x + 0.1) + 0.75 cos(0.25 x - 0.3)."""
    x = params["x"]
    return 0.02 * x + 0.5 * math.sin(x + 0.1) + 0.75 * math.cos(0.25 * x - 0.3)
