"""A series of numbers, and how well a model describes it."""

import math


def run(params):
    """Return the mean absolute error of a line through the origin, or of a wave."""
    times = [0.1 * index for index in range(60)]
    series = [math.sin(2 * math.pi * t / 3 + 1) + 0.1 * math.cos(7 * t) for t in times]
    if params["model"] == "line":
        described = [params["slope"] * t for t in times]
    else:
        described = [math.sin(2 * math.pi * t / params["period"] + params["phase"]) for t in times]
    return {"error": sum(abs(a - b) for a, b in zip(series, described, strict=True)) / len(times)}
