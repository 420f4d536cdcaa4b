"""A Gaussian process with a length scale for each parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from supervisor.optimizers.bayes.coordinates import Floats
from supervisor.optimizers.bayes.posterior import Ints, Posterior

_KNOWN = 500  # rows; the work grows with their cube
_FITTED = 150  # rows that the scales are fitted to
_STEPS = 30  # of the fit
_JITTER = 1e-8
_SPREAD = math.sqrt(3)  # standard deviation of the prior of log length scales
_SIGNAL = (0.0, 1.0)  # mean and standard deviation of the prior of the log variance; targets' is 1
_NOISE = (-4.0, 2.0)  # of the log variance of the noise


class GaussianProcess:
    """A Matern 5/2 kernel over the distances of parameters, with noise.

    The scales are those of the largest posterior probability. Of many rows it knows the best
    ones, and a random choice of the others.

    Args:
        rows: What was evaluated, shape (n, columns).
        targets: To be predicted, shape (n,); of mean 0 and variance 1.
        blocks: The columns of each parameter; they share a length scale.
        rng: Chooses among many rows.

    Attributes:
        noise: Variance of an evaluation, by the fit.

    Source:
        Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006: equations 2.25, 2.26,
        4.17 and 5.9. The prior of length scales is that of Hvarfner, Hellsten & Nardi, Vanilla
        Bayesian Optimization Performs Great in High Dimensions, ICML 2024.
    """

    def __init__(
        self,
        rows: Floats,
        targets: Floats,
        blocks: Sequence[Sequence[int]],
        rng: np.random.Generator,
    ) -> None:
        self._blocks = blocks
        known = _selected(targets, _KNOWN, rng)
        self._rows, targets = rows[known], targets[known]
        fitted = _selected(targets, _FITTED, rng)
        scales = _fit(_squares(self._rows[fitted], blocks), targets[fitted])
        self._weights = np.empty(rows.shape[1])
        for block, scale in zip(blocks, scales, strict=False):
            self._weights[list(block)] = np.exp(-scale)
        self._signal, noise = np.exp(scales[len(blocks) :])
        self.noise = float(noise) + _JITTER
        kernel = self._kernel(self._rows, self._rows)
        noisy = kernel + self.noise * np.eye(len(targets))
        self._factor = cholesky(noisy, lower=True, check_finite=False)
        self._solved = cho_solve((self._factor, True), targets, check_finite=False)
        self.best = float((kernel @ self._solved).min())

    def posterior(self, rows: Floats) -> Posterior:
        """Return what the process says of ``rows``."""
        cross = self._kernel(self._rows, rows)
        seen = solve_triangular(self._factor, cross, lower=True, check_finite=False)

        def covariance(points: Ints) -> Floats:
            return np.asarray(self._kernel(rows[points], rows) - seen[:, points].T @ seen)

        return Posterior(
            cross.T @ self._solved,
            self._signal - (seen**2).sum(axis=0),
            covariance,
            noise=self.noise,
        )

    def _kernel(self, rows: Floats, others: Floats) -> Floats:
        left, right = rows * self._weights, others * self._weights
        squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
        return np.asarray(self._signal * _matern(np.maximum(squares, 0.0))[0])


def _selected(targets: Floats, most: int, rng: np.random.Generator) -> Ints:
    """Return the indices of ``most`` targets: one half the lowest, the other half at random."""
    if len(targets) <= most:
        return np.arange(len(targets))
    order = np.argsort(targets, kind="stable")
    others = rng.choice(order[most // 2 :], most - most // 2, replace=False)
    return np.sort(np.concatenate([order[: most // 2], others]))


def _squares(rows: Floats, blocks: Sequence[Sequence[int]]) -> Floats:
    """Return the squared distances of all rows, one line for each block."""
    lines = np.empty((len(blocks), len(rows) ** 2))
    for line, block in zip(lines, blocks, strict=True):
        part = rows[:, list(block)]
        line[:] = ((part[:, None] - part) ** 2).sum(axis=2).ravel()
    return lines


def _matern(squares: Floats) -> tuple[Floats, Floats]:
    """Return the correlations at squared distances, and their derivatives by the square."""
    root = np.sqrt(5 * squares)
    decay = np.exp(-root)
    return (1 + root + root**2 / 3) * decay, -5 / 6 * (1 + root) * decay


def _fit(squares: Floats, targets: Floats) -> Floats:
    """Return the log length scales, and the log variances of signal and noise."""
    blocks, count = len(squares), len(targets)
    middle = math.sqrt(2) + math.log(max(blocks, 1)) / 2
    means = np.array([middle] * blocks + [_SIGNAL[0], _NOISE[0]])
    deviations = np.array([_SPREAD] * blocks + [_SIGNAL[1], _NOISE[1]])
    identity = np.eye(count)

    def loss(scales: Floats) -> tuple[float, Floats]:
        """Return the negative log posterior and its gradient."""
        weights = np.exp(-2 * scales[:blocks])
        signal, noise = np.exp(scales[blocks:])
        correlation, slope = _matern((weights @ squares).reshape(count, count))
        noisy = signal * correlation + (noise + _JITTER) * identity
        factor = cholesky(noisy, lower=True, check_finite=False)
        inverse = cho_solve((factor, True), identity, check_finite=False)
        solved = inverse @ targets
        pull = (inverse - np.outer(solved, solved)) / 2
        gradient = np.empty_like(scales)
        gradient[:blocks] = -2 * weights * signal * (squares @ (pull * slope).ravel())
        gradient[blocks] = signal * (pull * correlation).sum()
        gradient[blocks + 1] = noise * np.trace(pull)
        off = (scales - means) / deviations
        value = targets @ solved / 2 + np.log(np.diag(factor)).sum() + (off**2).sum() / 2
        return float(value), gradient + off / deviations

    start = np.array([0.0] * blocks + [_SIGNAL[0], _NOISE[0]])
    bounds = list(zip(means - 4 * deviations, means + 4 * deviations, strict=True))
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
    )
    return np.asarray(found.x)
