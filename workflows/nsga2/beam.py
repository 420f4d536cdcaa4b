"""A round steel beam with one end in a wall and a load at the other."""

import math

LOAD_N = 1000
DENSITY_KG_MM3 = 7800e-9
ELASTICITY_N_MM2 = 207e3


def run(params):
    """Return the weight of the beam, and by how much its end gives way."""
    diameter, length = params["diameter_mm"], params["length_mm"]
    return {
        "weight_kg": DENSITY_KG_MM3 * math.pi / 4 * diameter**2 * length,
        "bend_mm": 64 * LOAD_N * length**3 / (3 * ELASTICITY_N_MM2 * math.pi * diameter**4),
    }
