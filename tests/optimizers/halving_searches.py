"""Searches by successive halving, and what they minimise."""

import random

from supervisor.core.space import Space
from supervisor.optimizers.fidelity.asha import asha


def parse(space, forbid=()):
    return Space.parse(space, lambda *path: ".".join(map(str, path)), forbid)


EPOCHS = parse({"x": {"float": [0, 1]}, "epochs": {"int": [1, 27]}})


def curve(values, epochs):
    """Better with more epochs, and best at x = 0.3."""
    return abs(values["x"] - 0.3) + 1 / epochs


def noisy(values, epochs):
    return curve(values, epochs) + random.Random(f"{values['x']} {epochs}").gauss(0, 0.1)


def promoting(space=EPOCHS, **settings):
    defaults = {"evaluations": 200, "resource": "epochs", "mode": "promote"}
    return asha(space, **defaults | settings)


def stopping(space=EPOCHS, **settings):
    return asha(space, **{"evaluations": 60, "resource": "epochs"} | settings)
