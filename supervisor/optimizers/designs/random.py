"""Points drawn at random."""

from __future__ import annotations

import random as stdlib
from collections.abc import Iterator

from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.rejection import draw_allowed
from supervisor.optimizers.settings import AtLeastOne


def random(space: Space, *, evaluations: AtLeastOne, seed: int = 0) -> Iterator[Values]:
    """Draw points uniformly from the unit cube.

    Args:
        space: Forbidden points are drawn again.
        evaluations: Number of points.
        seed: The same seed gives the same points.

    Raises:
        OptimizerError: If the space seems to be empty.

    Source:
        Bergstra & Bengio, Journal of Machine Learning Research 13, 2012.
    """
    rng = stdlib.Random(seed)
    for _ in range(evaluations):
        _, values = draw_allowed(lambda: [rng.random() for _ in space.dims], space.decode)
        yield values
