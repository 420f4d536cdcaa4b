"""Tasks whose trainings can be cut short, by name, e.g. ``digits``.

``digits`` has the curves of networks that were trained. Those of the tables are **constructed**:
the tables have full trainings only, and no learning curves.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri
from tables import Table

from supervisor.core.objective import Values
from supervisor.core.space import Space

EPOCHS = 27
"""Of a full training."""
LEVELS = (1, 3, 9, 27)
"""Epochs after which searches compare trainings."""
TABLES = ("nasbench201/cifar100", "hpolib/protein_structure")
NAMES = ("digits", *TABLES)
CACHE = Path(tempfile.gettempdir()) / "supervisor-curves"


class CurveTask(Protocol):
    """Something to minimise by trainings that can be cut short, of which the truth is known.

    Attributes:
        name: Of the task.
        space: Where to search; without the number of epochs.
    """

    name: str
    space: Space

    def curve(self, values: Values, seed: int) -> Sequence[float]:
        """Return the loss after 1, 2, ... epochs of a training; noise depends on ``seed`` only."""

    def score(self, values: Values) -> float:
        """Return how good a point truly is after a full training; less is better."""


@cache
def load(name: str, folder: Path) -> CurveTask:
    """Return a task; it is read once in a process.

    Args:
        name: One of ``NAMES``.
        folder: Keeps the curves that have to be computed.

    Raises:
        KeyError: If there is no such task.
    """
    if name == "digits":
        from digits import Digits, Grid  # late: only this task needs scikit-learn

        return Digits(folder, Grid(), epochs=EPOCHS, trainings=3)
    if name not in TABLES:
        raise KeyError(name)
    family, _, rest = name.partition("/")
    return Constructed(family, rest)


class Constructed(Table):
    """A table with learning curves that were made up.

    The loss of a full training is that of the table. At each level before, a training has the rank
    that it would have if ranks there had a certain correlation with the true ones, and the loss
    that this rank has in the table, plus as much for all as a training of this length is worse.
    In detail: let z be the quantile of the normal distribution at the rank of the point's mean.
    After so many epochs, the rank is where the normal distribution is at r z + sqrt(1 - r r) e,
    with the r of ``AGREEMENT``; e is drawn for each training from the normal distribution, and
    that of a level has a correlation of ``CARRIED`` with that of the level before, so that a lucky
    beginning stays lucky for a while. Between levels the loss stays.
    """

    AGREEMENT = (0.6, 0.75, 0.9)
    CARRIED = 0.7

    def __init__(self, family: str, name: str) -> None:
        super().__init__(family, name)
        means = np.nanmean(self._losses, axis=1)
        places = means.argsort(kind="stable").argsort()
        self._sorted = np.sort(means)
        self._normal = ndtri((places + 0.5) / len(means))
        self._spread = float(np.median(means) - means.min())

    def curve(self, values: Values, seed: int) -> Sequence[float]:
        row = self._row(values)
        draws = np.random.default_rng([row, seed]).standard_normal(len(self.AGREEMENT))
        curve: list[float] = []
        luck = draws[0]
        levels = zip(self.AGREEMENT, draws, LEVELS, LEVELS[1:], strict=False)
        for number, (agreement, draw, level, following) in enumerate(levels):
            if number:
                luck = self.CARRIED * luck + math.sqrt(1 - self.CARRIED**2) * draw
            place = ndtr(agreement * self._normal[row] + math.sqrt(1 - agreement**2) * luck)
            loss = self._sorted[min(int(place * len(self._sorted)), len(self._sorted) - 1)]
            unfinished = self._spread * (math.sqrt(EPOCHS / level) - 1) / 2
            curve += [float(loss + unfinished)] * (following - level)
        return [*curve, self.evaluate(values, seed).loss]
