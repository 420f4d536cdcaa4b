"""The point to use in the end: the best one by the models, not by the luck of one evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from supervisor.optimizers.bayes.coordinates import Floats
from supervisor.optimizers.bayes.forest import Forest
from supervisor.optimizers.bayes.gaussian import GaussianProcess
from supervisor.optimizers.bayes.posterior import Ints
from supervisor.optimizers.bayes.targets import shaped

_FORESTS = 10  # the mean of one depends on its draws by as much as good points differ


def recommended(
    rows: Floats,
    losses: Sequence[float | None],
    *,
    first: int,
    blocks: Sequence[Sequence[int]],
    among: Ints,
    rng: np.random.Generator,
) -> tuple[int, float]:
    """Return one of some points, and the loss that the models expect of it.

    Points compete whose losses differ from the lowest one by no more than a standard deviation of
    the difference of two evaluations, as the Gaussian process estimates their noise: without any,
    the lowest loss wins. Of these, the one with the lowest mean of process and forests does.
    They err in different ways: the process takes all that is rough for noise, trees hold most
    of it for true.

    Args:
        rows: All points that were evaluated, shape (n, columns).
        losses: Of these, in the order in which they came.
        first: So many are of points all over the space.
        blocks: The columns of each parameter.
        among: Indices of the points that compete; their losses are finite.
        rng: Source of all randomness.
    """
    targets = shaped(losses, first)
    process = GaussianProcess(rows, targets, blocks, rng)
    order = among[np.argsort(targets[among], kind="stable")]
    rising = targets[order]
    close = rows[order[rising <= rising[0] + math.sqrt(2 * process.noise)]]
    trees = [Forest(rows, targets, rng).posterior(close).mean for _ in range(_FORESTS)]
    means = (process.posterior(close).mean + np.mean(trees, axis=0)) / 2
    best = int(np.argmin(means))
    values = np.array([losses[index] for index in order], float)
    return int(order[best]), float(np.interp(means[best], rising, values))
