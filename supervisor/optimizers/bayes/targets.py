"""Losses as targets of a model: finite, and so spread that what counts can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from supervisor.optimizers.bayes.coordinates import Floats

_FLAT = 1e-9  # of the range of all losses; first ones that differ by less are equal
_HUGE = 1e150  # squares of larger numbers are infinite


def ranked(losses: Sequence[float | None]) -> Floats:
    """Return normal scores: the quantiles of a normal distribution at the ranks of the losses.

    Equal losses have equal scores.

    Source:
        Blom, Statistical Estimates and Transformed Beta-Variables, 1958: equation 6.10.6.
    """
    _, place, counts = np.unique(_finite(losses), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1; the mean of those that are equal
    return np.asarray(ndtri((ranks[place] - 0.375) / (len(losses) + 0.25)))


def shaped(losses: Sequence[float | None], first: int) -> Floats:
    """Return targets that follow the ranks of the losses, and their differences as well.

    Ranks alone would blow up what is nearly the same around a minimum where many points are, so
    that it looks like noise. Mean and variance are 0 and 1.

    Args:
        losses: In the order in which they came; None for failures.
        first: So many are of points all over the space.
    """
    both = ranked(losses) + _scaled(_finite(losses), first)
    return _standard(both)


def _scaled(losses: Floats, first: int) -> Floats:
    """Return what is linear below the median of the first losses, and logarithmic above it.

    Only the first ones set the scale, because later ones crowd around minima.
    """
    median, lowest = np.median(losses[:first]), losses[:first].min()
    scale = median - lowest if median - lowest > _FLAT * np.ptp(losses) else np.ptp(losses)
    off = (losses - median) / (scale or 1.0)
    return _standard(np.where(off > 0, np.log1p(np.maximum(off, 0.0)), off))


def _standard(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / (values.std() or 1.0))


def _finite(losses: Sequence[float | None]) -> Floats:
    """Return losses that can be computed with.

    A failure, and a loss that is not a number, is as bad as the worst loss; infinities are as
    good or bad as the best or worst finite one.
    """
    finite = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    best, worst = min(finite, default=0.0), max(finite, default=0.0)
    known = [worst if loss is None or math.isnan(loss) else loss for loss in losses]
    return np.asarray(np.clip(np.clip(np.array(known, float), best, worst), -_HUGE, _HUGE))
