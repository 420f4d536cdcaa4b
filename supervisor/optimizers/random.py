"""Points drawn at random."""

from __future__ import annotations

import random as stdlib
from collections.abc import Iterator

from supervisor.core.errors import OptimizerError
from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.settings import AtLeastOne

_REJECTIONS = 10_000


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
        yield _draw(space, rng)


def _draw(space: Space, rng: stdlib.Random) -> Values:
    for _ in range(_REJECTIONS):
        values = space.decode([rng.random() for _ in space.dims])
        if values is not None:
            return values
    raise OptimizerError(
        f"{_REJECTIONS} random points in a row are forbidden; "
        "the forbid clauses leave nothing of the space, or too little"
    )
