"""Bayesian optimization: surrogates of the objective choose where to evaluate it next."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

import numpy as np

from supervisor.core.errors import OptimizerError
from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.bayes.acquisition import Acquisition
from supervisor.optimizers.bayes.candidates import Candidates
from supervisor.optimizers.bayes.coordinates import Coordinates, Floats, Rows, join
from supervisor.optimizers.bayes.forest import Forest
from supervisor.optimizers.bayes.gaussian import GaussianProcess
from supervisor.optimizers.bayes.posterior import Surrogate
from supervisor.optimizers.bayes.recommendation import recommended
from supervisor.optimizers.bayes.targets import ranked, shaped
from supervisor.optimizers.flight import Flight
from supervisor.optimizers.protocol import Recommendation, Told
from supervisor.optimizers.settings import AtLeastOne

SurrogateName = Literal["mixed", "forest", "gp"]

_ENOUGH = 3  # results, for a recommendation

_TURNS: dict[SurrogateName, tuple[SurrogateName, ...]] = {
    # Trees say the same of all that lies beyond their rows. With many points in flight, slow ones
    # are missing among these, and the process finds its way to them sooner.
    "mixed": ("gp", "gp", "forest"),
    "gp": ("gp",),
    "forest": ("forest",),
}


def bayes(
    space: Space,
    *,
    evaluations: AtLeastOne | None = None,
    surrogate: SurrogateName = "mixed",
    design: AtLeastOne = 10,
    seed: int = 0,
) -> Bayes:
    """Evaluate where a model of the results expects the largest improvement.

    No point is asked twice, nor any that is known from elsewhere. Points in flight count as if
    they gave what the model expects of them, so many can be asked at once. A failed point, and
    one whose loss is no number, counts as bad as the worst.

    Args:
        space: Where to search.
        evaluations: Number of points, at most; None for no limit. There are fewer if the space
            has no more.
        surrogate: ``forest`` is at home among categories, and where the objective is rough;
            ``gp``, a Gaussian process, where it is smooth. ``mixed`` lets them take turns: of
            three points, the process chooses two.
        design: Results to wait for before a model is fitted. Until then points are those of
            Latin hypercubes, each of as many points.
        seed: The same seed and results give the same points.

    Source:
        Jones, Schonlau & Welch, Journal of Global Optimization 13, 1998; with a forest, after
        Hutter, Hoos & Leyton-Brown, Sequential Model-Based Optimization for General Algorithm
        Configuration, LION 2011.
    """
    return Bayes(space, evaluations=evaluations, surrogate=surrogate, design=design, seed=seed)


class Bayes:
    """The search; see ``bayes``. ``learn`` may be called at any time."""

    def __init__(
        self,
        space: Space,
        *,
        evaluations: int | None,
        surrogate: SurrogateName,
        design: int,
        seed: int,
    ) -> None:
        self._space = space
        self._limit = math.inf if evaluations is None else evaluations
        self._turns = _TURNS[surrogate]
        self._first = design
        self._seed = seed % 2**63
        self._coordinates = Coordinates(space)
        self._candidates = Candidates(self._coordinates)
        self._flight: Flight[Rows] = Flight()
        self._pending: dict[bytes, Rows] = {}
        self._observed: dict[bytes, Rows] = {}
        self._losses: dict[bytes, float | None] = {}

    def ask(self, n: int) -> list[Values]:
        """Return up to ``n`` points; fewer if the space has no more."""
        n = int(min(n, self._limit - self._flight.asked))
        rng = np.random.default_rng([self._seed, self._flight.asked])
        points: list[Values] = []
        while len(points) < n and self._designing:
            found = self._design(rng)
            if not len(found.units):
                break
            points += self._start(found)
        if len(points) < n and not self._designing:
            points += self._start(self._propose(n - len(points), rng))
        return points

    def recall(self, points: list[Values]) -> None:
        """Take what an earlier ask answered; the next one draws the same numbers."""
        for values in points:
            rows = self._coordinates.place(values)  # not where the candidate was: digits count
            self._flight.start(rows)
            (key,) = rows.identities()
            if key not in self._observed:
                self._pending[key] = rows

    def tell(self, results: list[Told]) -> None:
        """Take results, in any order."""
        for rows, result in self._flight.land(results):
            self._record(rows, result.loss)

    def learn(self, results: list[Told]) -> None:
        """Take results of points that it did not suggest, or newer ones of those it did.

        The ids mean nothing. What does not lie in the space is passed over.
        """
        for result in results:
            values = self._space.complete(result.values)
            if not self._space.problem(values):
                self._record(self._coordinates.place(values), result.loss)

    def recommend(self, points: list[Told]) -> Recommendation | None:
        """Return the best point by the mean of its models, among those of about the lowest loss.

        It does not matter which surrogate chose the points.
        """
        place = {key: index for index, key in enumerate(self._observed)}
        found: dict[int, int] = {}
        for point in points:
            (key,) = self._coordinates.place(point.values).identities()
            if key in place and point.loss is not None and math.isfinite(point.loss):
                found.setdefault(place[key], point.id)
        if not found or len(place) < _ENOUGH:
            return None
        index, loss = recommended(
            self._coordinates.features(join([*self._observed.values()])),
            [*self._losses.values()],
            first=self._first,
            blocks=self._coordinates.blocks,
            among=np.array([*found], int),
            rng=np.random.default_rng([self._seed, self._flight.asked]),
        )
        return Recommendation(found[index], loss)

    def _record(self, rows: Rows, loss: float | None) -> None:
        (key,) = rows.identities()
        self._pending.pop(key, None)
        self._observed[key] = rows
        self._losses[key] = loss

    # --- points to ask -----------------------------------------------------------------------

    @property
    def _designing(self) -> bool:
        """Whether there is too little to fit a model to."""
        return len(self._observed) < self._first

    @property
    def _taken(self) -> set[bytes]:
        return {*self._observed, *self._pending}

    def _start(self, rows: Rows) -> list[Values]:
        """Return the points at ``rows``, which are in flight from now on."""
        points = []
        for unit in rows.units.tolist():
            values = self._space.decode(unit)
            assert values is not None, "candidates are not forbidden"
            points.append(values)
        self.recall(points)
        return points

    def _design(self, rng: np.random.Generator) -> Rows:
        """Return the next point of a hypercube, or another one if it is taken or forbidden.

        Source:
            McKay, Beckman & Conover, Technometrics 21(2), 1979.
        """
        block, index = divmod(self._flight.asked, self._first)
        drawn = np.random.default_rng([self._seed, block, self._first])
        dims = len(self._space.dims)
        slices = drawn.permuted(np.tile(np.arange(self._first), (dims, 1)), axis=1).T
        cube = (slices + drawn.random(slices.shape)) / self._first
        found = self._coordinates.allowed(cube[[index]])
        if len(found.units) and found.identities()[0] not in self._taken:
            return found
        rows = self._candidates.anywhere(self._taken, rng)
        if len(rows.units):
            return rows.take([rng.integers(len(rows.units))])
        if not self._taken:
            raise OptimizerError(
                "all points that were drawn are forbidden; "
                "the forbid clauses leave nothing of the space, or too little"
            )
        return rows

    def _propose(self, n: int, rng: np.random.Generator) -> Rows:
        """Return the points that the models choose, each kind of model those of its turns."""
        observed = join([*self._observed.values()])
        order = np.argsort(ranked([*self._losses.values()]), kind="stable")
        acquisition = Acquisition(
            self._coordinates,
            self._candidates,
            observed.units[order],
            join([self._coordinates.nowhere(), *self._pending.values()]),
            self._taken,
        )
        features = self._coordinates.features(observed)
        numbers = range(self._flight.asked, self._flight.asked + n)
        counts = Counter(self._turns[number % len(self._turns)] for number in numbers)
        for kind in dict.fromkeys(self._turns):
            if counts[kind]:
                acquisition.choose(self._fit(kind, features, rng), counts[kind], rng)
        return acquisition.chosen

    def _fit(self, kind: str, features: Floats, rng: np.random.Generator) -> Surrogate:
        losses = [*self._losses.values()]
        if kind == "forest":
            return Forest(features, ranked(losses), rng)
        blocks = self._coordinates.blocks
        return GaussianProcess(features, shaped(losses, self._first), blocks, rng)
