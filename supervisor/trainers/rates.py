"""How the learning rate grows with the number of members."""

from __future__ import annotations


def scaled(rate: float, *, size: int, step: int, warmup_steps: int) -> float:
    """Return the learning rate of a step: linear scaling, reached by a gradual warm-up.

    It grows by the same amount each step, from the rate of one member to ``size`` times that.

    Args:
        rate: For one member alone.
        size: How many members train together.
        step: From 0.
        warmup_steps: After so many the full rate is reached; those of the first five epochs in
            the source. With 0 there is no warm-up.

    Source:
        Goyal et al., arXiv:1706.02677, 2017, sections 2.1 and 2.2.
    """
    part = min(1.0, step / warmup_steps) if warmup_steps else 1.0
    return rate * (1 + part * (size - 1))
