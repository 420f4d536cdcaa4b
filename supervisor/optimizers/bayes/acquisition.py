"""The choice of points to evaluate at the same time, by the improvement that models expect."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from supervisor.optimizers.bayes.candidates import Candidates, union
from supervisor.optimizers.bayes.coordinates import Coordinates, Floats, Rows, join
from supervisor.optimizers.bayes.posterior import Posterior, Surrogate

_PARENTS = 8  # points whose surroundings are candidates
_SURVIVORS = 200  # candidates that are looked at again, with others around the best of them


class Acquisition:
    """Points that are chosen one after the other, each as if those before gave what is expected.

    Args:
        coordinates: Of the space.
        candidates: Where points come from.
        best: Evaluated points, the best ones first.
        pending: Points that are being evaluated.
        taken: What may not be chosen.

    Attributes:
        chosen: The points so far.
    """

    def __init__(
        self,
        coordinates: Coordinates,
        candidates: Candidates,
        best: Floats,
        pending: Rows,
        taken: Set[bytes],
    ) -> None:
        self._coordinates = coordinates
        self._candidates = candidates
        self._best = best[:_PARENTS]
        self._pending = pending
        self._taken = set(taken)
        self.chosen = coordinates.nowhere()

    def choose(self, model: Surrogate, count: int, rng: np.random.Generator) -> None:
        """Add points that a model finds most promising: ``count``, or all if there are fewer."""
        pool = self._pool(model, count, rng)
        if not len(pool.units):
            return
        posterior = self._posterior(model, pool)
        free = np.ones(len(pool.units), bool)
        picked: list[int] = []
        while len(picked) < count and free.any():
            promise = posterior.log_improvement(model.best)[-len(free) :]
            picked.append(int(np.argmax(np.where(free, promise, -np.inf))))
            free[picked[-1]] = False
            posterior.believe([len(self._pending.units) + picked[-1]])
        found = pool.take(picked)
        self.chosen = join([self.chosen, found])
        self._pending = join([self._pending, found])
        self._taken.update(found.identities())

    def _pool(self, model: Surrogate, count: int, rng: np.random.Generator) -> Rows:
        """Return candidates: the best ones of many, and others around these."""
        pool = self._candidates.anywhere(self._taken, rng)
        if self._candidates.enumerated or not len(pool.units):
            return pool
        pool = union(pool, self._candidates.around(self._best, self._taken, rng))
        promise = self._posterior(model, pool).log_improvement(model.best)[-len(pool.units) :]
        order = np.argsort(-promise, kind="stable")
        children = self._candidates.around(pool.units[order[:_PARENTS]], self._taken, rng)
        return union(pool.take(order[: _SURVIVORS + count]), children)

    def _posterior(self, model: Surrogate, pool: Rows) -> Posterior:
        """Return what the model believes of the pending points, taken for granted, and others."""
        rows = join([self._pending, pool])
        posterior = model.posterior(self._coordinates.features(rows))
        posterior.believe(range(len(self._pending.units)))
        return posterior
