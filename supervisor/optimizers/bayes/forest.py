"""A random forest over rows of numbers, grown level by level in all trees at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from supervisor.optimizers.bayes.coordinates import Floats
from supervisor.optimizers.bayes.posterior import Ints, Posterior

_TREES = 60
_SAMPLE = 500  # rows of a tree; more would cost time at every split, for little
_BINS = 32  # of a column
_NUGGET = 1e-6  # variance of a prediction on which all trees agree; targets vary by about 1


class Forest:
    """Regression trees, each of a bootstrap sample, with the split of least variance everywhere.

    Columns are cut into bins first. Cuts that separate the same rows of a node are equally good,
    and each tree draws one of them: so trees differ where there are no rows.

    Args:
        rows: What was evaluated, shape (n, columns).
        targets: To be predicted, shape (n,).
        rng: Source of all randomness.

    Source:
        Breiman, Machine Learning 45, 2001; the variance of predictions after Hutter et al.,
        Artificial Intelligence 206, 2014, section 4.1, and the cuts after 4.1.1.
    """

    def __init__(self, rows: Floats, targets: Floats, rng: np.random.Generator) -> None:
        self._cuts = [_cuts(column) for column in rows.T]
        bins = np.array([len(cuts) + 1 for cuts in self._cuts], int)
        self._ends = np.cumsum(bins)
        self._starts = self._ends - bins
        self._levels: list[_Level] = []
        sample = rng.integers(len(targets), size=(_TREES, min(len(targets), _SAMPLE)))
        nodes = np.broadcast_to(np.arange(_TREES)[:, None], sample.shape)
        self._grow(self._codes(rows), targets, sample.ravel(), nodes.ravel(), rng)
        lowest = np.argsort(targets, kind="stable")[:_SAMPLE]  # the best is hardly elsewhere
        self.best = float(self._predict(rows[lowest])[0].mean(axis=0).min())

    def posterior(self, rows: Floats) -> Posterior:
        """Return what the trees say of ``rows``: their mean, and how they differ."""
        means, variances = self._predict(rows)
        mean = means.mean(axis=0)
        spread = (means - mean) / math.sqrt(_TREES)
        within = variances.mean(axis=0) + _NUGGET
        return Posterior(
            mean,
            (spread**2).sum(axis=0) + within,
            lambda points: np.asarray(spread[:, points].T @ spread),
            noise=float(within.mean()),
        )

    def _codes(self, rows: Floats) -> Ints:
        """Return the bin of every number, counted over all columns."""
        codes = np.empty(rows.shape, int)
        for index, cuts in enumerate(self._cuts):
            codes[:, index] = np.searchsorted(cuts, rows[:, index]) + self._starts[index]
        return codes

    def _grow(
        self,
        codes: Ints,
        targets: Floats,
        sample: Ints,
        nodes: Ints,
        rng: np.random.Generator,
    ) -> None:
        """Add levels until nothing is left to split.

        Args:
            codes: Bins of the rows.
            targets: Of the rows.
            sample: Rows of all trees.
            nodes: The node of each of these, on the level that comes.
            rng: Draws among equally good cuts.
        """
        count = _TREES
        while count:
            level = self._level(codes[sample], targets[sample], nodes, count, rng)
            self._levels.append(level)
            split = level.column[nodes] >= 0
            sample, nodes = sample[split], nodes[split]
            right = codes[sample, level.column[nodes]] > level.cut[nodes]
            nodes = level.child[nodes] + right
            count = 2 * int((level.column >= 0).sum())

    def _level(
        self, codes: Ints, targets: Floats, nodes: Ints, count: int, rng: np.random.Generator
    ) -> _Level:
        """Return the nodes of a level, with their best splits."""
        size = np.bincount(nodes, minlength=count)
        total = np.bincount(nodes, targets, count)
        mean = total / size
        variance = np.bincount(nodes, (targets - mean[nodes]) ** 2, count) / size
        column, cut = np.full(count, -1), np.zeros(count, int)
        open_ = np.flatnonzero((size > 1) & (variance > _NUGGET))
        if len(open_) and codes.shape[1]:
            rank = np.full(count, -1)
            rank[open_] = np.arange(len(open_))
            inside = rank[nodes] >= 0
            gain = self._gains(
                codes[inside],
                (targets - mean[nodes])[inside],  # centred, so that no digits cancel
                rank[nodes[inside]],
                size[open_],
            )
            gain *= 1 + 1e-9 * rng.random(gain.shape)
            best = gain.argmax(axis=1)
            gains = gain[np.arange(len(open_)), best] > 0
            column[open_[gains]] = np.searchsorted(self._ends, best[gains], side="right")
            cut[open_[gains]] = best[gains]
        child = 2 * (np.cumsum(column >= 0) - 1)
        return _Level(column, cut, child, mean, variance)

    def _gains(self, codes: Ints, targets: Floats, nodes: Ints, size: Ints) -> Floats:
        """Return by how much a cut behind each bin lessens the sum of squares of each node."""
        bins = int(self._ends[-1])
        keys = (nodes[:, None] * bins + codes).ravel()
        weights = np.repeat(targets, codes.shape[1])
        shape = (len(size), bins)
        left = self._summed(np.bincount(keys, minlength=math.prod(shape)).reshape(shape))
        below = self._summed(np.bincount(keys, weights, math.prod(shape)).reshape(shape))
        right = size[:, None] - left
        possible = (left > 0) & (right > 0)
        both = np.where(possible, left * right, 1)
        return np.asarray(np.where(possible, below**2 * size[:, None] / both, 0.0))

    def _summed(self, histogram: NDArray[np.float64] | Ints) -> Floats:
        """Return sums over the bins of a column up to each one."""
        sums = np.cumsum(histogram, axis=1, dtype=float)
        before = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)[:, self._starts]
        return np.asarray(sums - np.repeat(before, self._ends - self._starts, axis=1))

    def _predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the leaf of each row in each tree, shape (trees, n)."""
        codes = self._codes(rows)
        row = np.broadcast_to(np.arange(len(rows)), (_TREES, len(rows))).ravel()
        place = np.arange(len(row))
        node = np.repeat(np.arange(_TREES), len(rows))
        mean, variance = np.empty(len(row)), np.empty(len(row))
        for level in self._levels:
            mean[place], variance[place] = level.mean[node], level.variance[node]
            split = level.column[node] >= 0
            row, place, node = row[split], place[split], node[split]
            right = codes[row, level.column[node]] > level.cut[node]
            node = level.child[node] + right
        return mean.reshape(_TREES, -1), variance.reshape(_TREES, -1)


class _Level(NamedTuple):
    """The nodes of all trees at one depth.

    Attributes:
        column: What a node splits at; -1 for a leaf.
        cut: Bins up to this one go left.
        child: The left one's number on the next level; the right one's follows.
        mean: Of the targets.
        variance: Of the targets.
    """

    column: Ints
    cut: Ints
    child: Ints
    mean: Floats
    variance: Floats


def _cuts(column: Floats) -> Floats:
    """Return what separates the bins of a column."""
    values = np.unique(column)
    if len(values) > _BINS:
        values = np.unique(np.quantile(column, np.linspace(0, 1, _BINS)))
    return np.asarray((values[1:] + values[:-1]) / 2)
