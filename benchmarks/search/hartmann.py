"""A smooth function of six parameters whose evaluations take about a second."""

from __future__ import annotations

import math
import random

from tasks import Outcome, Task, parse_space

from supervisor.core.objective import Values

MEAN_S = 1.0
SPREAD = 0.1  # of times around their mean, to both sides

_HEIGHTS = (1.0, 1.2, 3.0, 3.2)
_SHARPNESS = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_PLACES = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


class Hartmann(Task):
    """The task of finding the deepest of four wells; its score is the height above -3.32237.

    Source:
        Dixon & Szego, Towards Global Optimisation 2, 1978.
    """

    def __init__(self) -> None:
        super().__init__("hartmann/6", parse_space({f"x{i}": {"float": [0, 1]} for i in range(6)}))

    def evaluate(self, values: Values, seed: int) -> Outcome:
        time_s = MEAN_S * random.Random(seed).uniform(1 - SPREAD, 1 + SPREAD)
        return Outcome(self._depth(values), time_s)

    def score(self, values: Values) -> float:
        return self._depth(values) + 3.32237

    def _depth(self, values: Values) -> float:
        point = [values[name] for name in self.space.names]
        return -sum(
            height * math.exp(-_distance(point, place, sharpness))
            for height, place, sharpness in zip(_HEIGHTS, _PLACES, _SHARPNESS, strict=True)
        )


def _distance(point: list[float], place: tuple[float, ...], weights: tuple[float, ...]) -> float:
    return sum(
        weight * (coordinate - centre) ** 2
        for coordinate, centre, weight in zip(point, place, weights, strict=True)
    )
