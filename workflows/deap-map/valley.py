"""Rosenbrock's valley; its lowest point is 0 at x = 1, y = 1."""


def run(params):
    """Return (1 - x)^2 + 100 (y - x^2)^2."""
    x, y = params["x"], params["y"]
    return {"height": (1 - x) ** 2 + 100 * (y - x**2) ** 2}
