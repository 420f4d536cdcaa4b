"""Searches of functions, as a campaign with several workers runs them."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from supervisor.core.space import Space
from supervisor.optimizers.protocol import Told


class Found(NamedTuple):
    """What a search came to: its points in their order, and the losses of each."""

    points: list
    losses: list

    @property
    def best(self):
        return min(loss[0] for loss in self.losses)


def search(optimizer, function, *, workers=4, limit=100_000):
    """Run a search to its end, with as many points in flight as there are workers."""
    found, queue = Found([], []), deque()
    while len(found.points) < limit:
        for values in optimizer.ask(workers - len(queue)):
            queue.append((len(found.points), values))
            found.points.append(values)
        if not queue:
            break
        number, values = queue.popleft()
        losses = function(values)
        losses = losses if isinstance(losses, tuple) else (losses,)
        found.losses.append(losses)
        several = losses if len(losses) > 1 else ()
        optimizer.tell([Told(id=number, values=values, loss=losses[0], losses=several)])
    return found


def parse(space, forbid=()):
    return Space.parse(space, lambda *path: ".".join(map(str, path)), forbid)


ONED = parse({"x": {"float": [0, 20]}})
ONED_MINIMUM = -0.857068


def oned(values):
    x = values["x"]
    return 0.02 * x + 0.5 * math.sin(x + 0.1) + 0.75 * math.cos(0.25 * x - 0.3)


MIXED = parse(
    {
        "x": {"float": [0, 1]},
        "rate": {"float": [1e-5, 1], "log": True},
        "size": {"int": [1, 64]},
        "batch": {"ordered": [8, 16, 32, 64]},
        "kind": {"choice": ["a", "b", "c"]},
        "twice": {"bool": [True, False], "when": "kind == 'b'"},
        "epochs": 3,
    },
    forbid=["x > 0.8 and kind == 'b'"],
)


def mixed(values):
    """Return 0 at x = 0.3, rate = 0.01, size = 20, batch = 32, kind = b, twice = true."""
    return (
        (values["x"] - 0.3) ** 2
        + (math.log10(values["rate"]) + 2) ** 2 / 10
        + (values["size"] - 20) ** 2 / 1000
        + abs(math.log2(values["batch"]) - 5) / 10
        + 0.3 * (values["kind"] != "b")
        + 0.2 * (not values.get("twice", False))
    )
