"""CMA-ES with margin for discrete parameters, by the package ``cmaes``."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

import msgspec
import numpy as np
from cmaes import CatCMAwM

from supervisor.core.errors import InputError
from supervisor.core.objective import Values
from supervisor.core.parameter import Discrete, Int, Ordered, Parameter
from supervisor.core.space import Space
from supervisor.optimizers.evolution.evaluations import Evaluations
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.rejection import draw_allowed
from supervisor.optimizers.settings import AtLeastOne

AtLeastFour = Annotated[int, msgspec.Meta(ge=4)]

_COUNTABLE = 100  # values of an integer; with more, it is searched like a real number
_GROWTH = 2  # of the population, at a restart
_LARGEST = 256  # population that comes from growth


def cmaes(
    space: Space,
    *,
    evaluations: AtLeastOne,
    population: AtLeastFour | None = None,
    seed: int = 0,
) -> Generator[list[Values], list[Told], None]:
    """Adapt a Gaussian distribution of numbers, and the probabilities of categories.

    It begins in the middle of the unit cube. When it has converged, it begins anew elsewhere, with
    a larger population. Only the order of losses counts; a point that failed, or whose loss is
    not finite, comes last.

    Args:
        space: Forbidden points are drawn again.
        evaluations: Points to evaluate at most.
        population: Points of the first generations; by the number of parameters if not given.
        seed: The same seed and the same results give the same points.

    Raises:
        InputError: If no parameter varies.
        OptimizerError: If the space seems to be empty.

    Source:
        Hamano et al., CatCMA with margin, GECCO 2025, arXiv:2504.07884; restarts after Auger &
        Hansen, IEEE Congress on Evolutionary Computation, 2005.
    """
    if not space.dims:
        raise InputError("optimizer.kind", "cmaes needs a parameter that varies")
    return _search(space, Evaluations(evaluations), population, np.random.default_rng(seed))


def _search(
    space: Space, known: Evaluations, population: int | None, rng: np.random.Generator
) -> Generator[list[Values], list[Told], None]:
    axes = _Axes(space)
    engine = axes.engine(axes.middle, population, rng)
    while True:
        drawn = [
            draw_allowed(engine.ask, lambda solution: space.decode(axes.unit(solution)))
            for _ in range(engine.population_size)
        ]
        if not (yield from known.run(values for _, values in drawn)):
            return
        losses = [known.losses(values)[0] for _, values in drawn]
        flat = min(losses) == max(losses)  # they do not tell which way to go
        if flat or (axes.gaussian and engine.should_stop()):
            grown = min(_GROWTH * engine.population_size, max(_LARGEST, engine.population_size))
            engine = axes.engine(axes.anywhere(rng), grown, rng)
            continue
        order = sorted(range(len(drawn)), key=losses.__getitem__)
        engine.tell([(drawn[index][0], float(rank)) for rank, index in enumerate(order)])


class _Axes:
    """The dimensions of a space as the engine sorts them: continuous, discrete, categories.

    Attributes:
        gaussian: Whether some are not categories.
        middle: Where these have their middle.
    """

    def __init__(self, space: Space) -> None:
        units = {name: _units(space.parameters[name]) for name in space.dims}
        self._dims = space.dims
        self._continuous = [name for name, one in units.items() if not one]
        self._categories = {
            name: one
            for name, one in units.items()
            if len(one) == 2 or (one and _unordered(space.parameters[name]))
        }
        self._discrete = {
            name: one for name, one in units.items() if one and name not in self._categories
        }
        bounds = [(0.0, 1.0) for _ in self._continuous]
        bounds += [(one[0], one[-1]) for one in self._discrete.values()]
        self._bounds = np.array(bounds).reshape(-1, 2)
        self.gaussian = bool(bounds)
        self.middle = self._bounds.mean(axis=1)

    def anywhere(self, rng: np.random.Generator) -> np.ndarray:
        """Return a random place on the axes that are not categories."""
        return rng.uniform(self._bounds[:, 0], self._bounds[:, 1])

    def engine(
        self, mean: np.ndarray, population: int | None, rng: np.random.Generator
    ) -> CatCMAwM:
        """Return an engine that begins around ``mean``, as wide as the whole space is wide."""
        divisors = [6.0] * len(self._continuous) + [5.0] * len(self._discrete)
        deviations = (self._bounds[:, 1] - self._bounds[:, 0]) / 2 / np.array(divisors)
        return CatCMAwM(
            x_space=[[0.0, 1.0] for _ in self._continuous] or None,
            z_space=list(self._discrete.values()) or None,
            c_space=[len(one) for one in self._categories.values()] or None,
            population_size=population,
            mean=mean.copy() if self.gaussian else None,
            cov=np.diag(deviations**2) if self.gaussian else None,
            seed=int(rng.integers(2**31)),
        )

    def unit(self, solution: CatCMAwM.Solution) -> list[float]:
        """Return where a solution is in the unit cube."""
        found: dict[str, float] = {}
        if self._continuous:
            found |= zip(self._continuous, solution.x.tolist(), strict=True)
        if self._discrete:
            found |= zip(self._discrete, solution.z.tolist(), strict=True)
        if self._categories:
            chosen = solution.c.argmax(axis=1).tolist()
            for (name, units), index in zip(self._categories.items(), chosen, strict=True):
                found[name] = units[index]
        return [found[name] for name in self._dims]


def _units(parameter: Parameter) -> list[float]:
    """Return where the values are, if there are few."""
    if isinstance(parameter, Discrete):
        return [parameter.to_unit(value) for value in parameter.values]
    if isinstance(parameter, Int) and parameter.upper - parameter.lower < _COUNTABLE:
        values = range(parameter.lower, parameter.upper + 1)
        return [parameter.to_unit(value) for value in values]
    return []


def _unordered(parameter: Parameter) -> bool:
    return isinstance(parameter, Discrete) and not isinstance(parameter, Ordered)
