"""A search for EQ-Py: random points, nearer to the best one in each round."""

import ast
import json
import random


def run(eqpy):
    """Search; ``eqpy`` is an argument here, and was a module that is imported elsewhere."""
    eqpy.OUT_put("Params")
    rounds, size, seed = ast.literal_eval(eqpy.IN_get())
    rng = random.Random(seed)
    best_loss, best = float("inf"), 10.0
    for number in range(rounds):
        width = 10 / 2**number
        points = [min(max(best + rng.uniform(-width, width), 0), 20) for _ in range(size)]
        eqpy.OUT_put(";".join(json.dumps({"x": x}) for x in points))
        losses = map(float, eqpy.IN_get().split(";"))
        best_loss, best = min([(best_loss, best), *zip(losses, points, strict=True)])
    eqpy.OUT_put("DONE")
    eqpy.OUT_put(json.dumps({"x": best, "loss": best_loss}))
