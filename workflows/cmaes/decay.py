"""A curve of two exponentials, and how far another one is from it."""

import math


def curve(time_s, fast, slow, share, offset):
    """Return what is left at a time."""
    return share * math.exp(-fast * time_s) + (1 - share) * math.exp(-slow * time_s) + offset


def run(params):
    """Return the root of the mean square of the differences at 40 times."""
    times = [0.05 * index for index in range(40)]
    differences = [
        curve(time_s, **params) - curve(time_s, fast=5.0, slow=0.5, share=0.7, offset=0.1)
        for time_s in times
    ]
    return {"error": math.sqrt(sum(one**2 for one in differences) / len(times))}
