"""What a surrogate believes of points, and the improvement that it expects of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.special import ndtr

from supervisor.optimizers.bayes.coordinates import Floats

Ints = NDArray[np.int64]

_FAR = -6.0  # standard deviations; below, expected improvement is computed by its series
_LEAST = 1e-12  # variance


class Surrogate(Protocol):
    """A model of the objective, fitted to what was evaluated.

    Attributes:
        best: The lowest mean of an evaluated point.
    """

    best: float

    def posterior(self, rows: Floats) -> Posterior:
        """Return what it believes of ``rows``."""


class Posterior:
    """A normal distribution over the values of points.

    Args:
        mean: Of each point.
        variance: Of each point.
        covariance: Gives those of some points with all, one row for each of these points.
        noise: Variance of an evaluation.
    """

    def __init__(
        self,
        mean: Floats,
        variance: Floats,
        covariance: Callable[[Ints], Floats],
        noise: float,
    ) -> None:
        self.mean = mean
        self.variance = np.maximum(variance, _LEAST)
        self._covariance = covariance
        self._noise = noise
        self._believed = np.empty((0, len(mean)))

    def believe(self, points: Sequence[int]) -> None:
        """Take for granted that some points will give their means: only variances change.

        Source:
            Ginsbourger, Le Riche & Carraro, Kriging is well-suited to parallelize optimization,
            2010 (the Kriging believer).
        """
        index = np.array(points, int)
        rows = self._covariance(index) - self._believed[:, index].T @ self._believed
        among = rows[:, index]
        np.fill_diagonal(among, self.variance[index] + self._noise)
        rows = solve_triangular(cholesky(among, lower=True), rows, lower=True)
        self._believed = np.concatenate([self._believed, rows])
        self.variance = np.maximum(self.variance - (rows**2).sum(axis=0), _LEAST)

    def log_improvement(self, best: float) -> Floats:
        """Return the logarithm of the expected improvement on ``best`` of each candidate.

        Source:
            Ament et al., Unexpected Improvements to Expected Improvement, NeurIPS 2023.
        """
        deviation = np.sqrt(self.variance)
        z = (best - self.mean) / deviation
        near = np.maximum(z, _FAR)
        density = np.exp(-(near**2) / 2) / math.sqrt(2 * math.pi)
        far = np.minimum(z, _FAR)
        series = -(far**2) / 2 - math.log(2 * math.pi) / 2 - 2 * np.log(-far)
        improvement = np.where(z > _FAR, np.log(density + near * ndtr(near)), series)
        return np.asarray(np.log(deviation) + improvement)
