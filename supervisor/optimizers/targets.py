"""Losses as targets of a model: finite, and so spread that what counts can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from supervisor.optimizers.coordinates import Floats

_FLAT = 1e-9  # of the range of all losses; first ones that differ by less are equal
_HUGE = 1e150  # squares of larger numbers are infinite


def scaled(losses: Sequence[float | None], first: int) -> Floats:
    """Return targets that are linear below the median of the first losses, logarithmic above it.

    So no outlier hides the differences that count. Only the first losses, of points all over the
    space, set the scale: later ones crowd around minima, and would blow up what is nearly the
    same there. Mean and variance are 0 and 1.

    Args:
        losses: In the order in which they came; None for failures.
        first: So many are of points all over the space.
    """
    values = _finite(losses)
    median, lowest = np.median(values[:first]), values[:first].min()
    scale = median - lowest if median - lowest > _FLAT * np.ptp(values) else np.ptp(values)
    off = (values - median) / (scale or 1.0)
    shaped = np.where(off > 0, np.log1p(np.maximum(off, 0.0)), off)
    return np.asarray((shaped - shaped.mean()) / (shaped.std() or 1.0))


def ranked(losses: Sequence[float | None]) -> Floats:
    """Return normal scores: the quantiles of a normal distribution at the ranks of the losses.

    Equal losses have equal scores.

    Source:
        Blom, Statistical Estimates and Transformed Beta-Variables, 1958: equation 6.10.6.
    """
    _, place, counts = np.unique(_finite(losses), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1; the mean of those that are equal
    return np.asarray(ndtri((ranks[place] - 0.375) / (len(losses) + 0.25)))


def _finite(losses: Sequence[float | None]) -> Floats:
    """Return losses that can be computed with.

    A failure, and a loss that is not a number, is as bad as the worst loss; infinities are as
    good or bad as the best or worst finite one.
    """
    finite = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    best, worst = min(finite, default=0.0), max(finite, default=0.0)
    known = [worst if loss is None or math.isnan(loss) else loss for loss in losses]
    return np.asarray(np.clip(np.clip(np.array(known, float), best, worst), -_HUGE, _HUGE))
