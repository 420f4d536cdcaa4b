"""Designs that fill the space: a Latin hypercube, and Sobol's sequence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from scipy.stats import qmc

from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.rejection import draw_allowed
from supervisor.optimizers.settings import AtLeastOne

_BLOCK = 64  # a power of two, as the sequence wants it


def lhs(space: Space, *, evaluations: AtLeastOne, seed: int = 0) -> Iterator[Values]:
    """Place points so that each of as many equal slices of every axis holds one.

    Args:
        space: Forbidden points are replaced by those of another, smaller hypercube.
        evaluations: Number of points.
        seed: The same seed gives the same points.

    Raises:
        OptimizerError: If the space seems to be empty.

    Source:
        McKay, Beckman & Conover, Technometrics 21(2), 1979.
    """
    engine = qmc.LatinHypercube(d=_width(space), rng=seed)
    return _allowed(space, evaluations, _hypercubes(space, evaluations, engine))


def sobol(space: Space, *, evaluations: AtLeastOne, seed: int = 0) -> Iterator[Values]:
    """Go through Sobol's sequence, scrambled; powers of two are balanced best.

    Args:
        space: Forbidden points are passed over.
        evaluations: Number of points.
        seed: The same seed gives the same points.

    Raises:
        OptimizerError: If the space seems to be empty.

    Source:
        Sobol, USSR Computational Mathematics and Mathematical Physics 7(4), 1967; scrambled
        after Matousek, Journal of Complexity 14(4), 1998.
    """
    engine = qmc.Sobol(d=_width(space), scramble=True, rng=seed)
    blocks = (engine.random(_BLOCK).tolist() for _ in itertools.count())
    return _allowed(space, evaluations, itertools.chain.from_iterable(blocks))


def _hypercubes(
    space: Space, number: int, engine: qmc.LatinHypercube
) -> Iterator[Sequence[float]]:
    """Yield one hypercube, then one of as many points as were forbidden in it, and so on."""
    while True:
        unit = engine.random(number).tolist()
        yield from unit
        forbidden = sum(space.decode(point[: len(space.dims)]) is None for point in unit)
        number = forbidden or number


def _allowed(space: Space, evaluations: int, units: Iterator[Sequence[float]]) -> Iterator[Values]:
    dims = len(space.dims)
    for _ in range(evaluations):
        yield draw_allowed(lambda: next(units), lambda unit: space.decode(unit[:dims]))[1]


def _width(space: Space) -> int:
    """Return the number of axes; a space of constants only has one that is not used."""
    return max(1, len(space.dims))
