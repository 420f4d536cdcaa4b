"""The cost of a cylindrical pressure vessel with half-spheres as its ends."""

import math

VOLUME = 1_296_000  # cubic inches that it has to hold


def run(params):
    """Return the cost; NaN if the vessel is too weak or too small."""
    shell, head = params["shell"] / 16, params["head"] / 16
    radius, length = params["radius"], params["length"]
    volume = math.pi * radius**2 * length + 4 / 3 * math.pi * radius**3
    if shell < 0.0193 * radius or head < 0.00954 * radius or volume < VOLUME:
        return {"cost": math.nan}
    return {
        "cost": 0.6224 * shell * radius * length
        + 1.7781 * head * radius**2
        + 3.1661 * shell**2 * length
        + 19.84 * shell**2 * radius
    }
