"""Ishigami's function, on which methods of sensitivity analysis are tried."""

import math


def run(params):
    """Return sin a + 7 sin(b)^2 + 0.1 c^4 sin a."""
    a, b, c = params["a"], params["b"], params["c"]
    return {"y": math.sin(a) + 7 * math.sin(b) ** 2 + 0.1 * c**4 * math.sin(a)}
