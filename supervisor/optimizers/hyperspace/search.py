"""Many searches, in parts of the space that overlap."""

from __future__ import annotations

import math
import random as stdlib
from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

import msgspec

from supervisor.core.errors import InputError, OptimizerError, UnknownName
from supervisor.core.objective import Values
from supervisor.core.parameter import Float
from supervisor.core.space import Space
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.fidelity.samplers import SURROGATES, SamplerName
from supervisor.optimizers.flight import Flight, trained_loss
from supervisor.optimizers.hyperspace.halves import subspaces
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.protocol import Learner, Optimizer, Recaller, Told
from supervisor.optimizers.settings import AtLeastOne

Overlap = Annotated[float, msgspec.Meta(ge=0, lt=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]

_MOST_PARTS = 1_024


def hyperspace(
    space: Space,
    *,
    evaluations: AtLeastOne,
    dimensions: tuple[str, ...] | None = None,
    overlap: Overlap = 0.25,
    share: NotNegative = 1,
    sampler: SamplerName = "bayes",
    seed: int = 0,
) -> HyperSpace:
    """Split parameters in two, and search in each combination of the halves, in turn.

    Args:
        space: Its parts where everything is forbidden are left out.
        evaluations: Number of points, of all parts together; at least one for each.
        dimensions: Parameters to split; None for all that have several values.
        overlap: By what part of itself a half is longer than half the parameter.
        share: So many of the best points are told to all parts that contain them.
        sampler: How each part is searched.
        seed: The same seed and results give the same points.

    Raises:
        InputError: If a dimension cannot be split, or there are too many.

    Source:
        Young et al., HyperSpace: Distributed Bayesian Hyperparameter Optimization, SBAC-PAD 2018.
        There, each part needs an MPI rank of its own, and has a budget of its own.
    """
    names = space.dims if dimensions is None else list(dimensions)
    _check_dimensions(space, names, evaluations)
    parts = list(_parts(subspaces(space, names, overlap), sampler, seed))
    if not parts:
        raise OptimizerError("the forbid clauses leave nothing of any part of the space")
    return HyperSpace(parts, share=share, evaluations=evaluations)


def _check_dimensions(space: Space, names: Sequence[str], evaluations: int) -> None:
    for index, name in enumerate(names):
        place = f"optimizer.dimensions.{index}"
        if name not in space.parameters:
            raise UnknownName(place, name, space.parameters, "parameter")
        if not space.parameters[name].varies:
            raise InputError(place, f"{name} has only one value; leave it out")
        if name in names[:index]:
            raise InputError(place, f"{name} is there twice")
    count, most = 2 ** len(names), min(_MOST_PARTS, evaluations)
    if not names:
        raise InputError("optimizer.dimensions", "there is no parameter to split")
    if count > most:
        reason = "there are only" if most == evaluations else "the most are"
        raise InputError(
            "optimizer.dimensions",
            f"{len(names)} parameters make {count} parts of the space, but {reason} {most} "
            f"{'evaluations' if most == evaluations else 'parts'}; name fewer parameters",
        )


@dataclass(eq=False)
class Part:
    """A search in a part of the space.

    Attributes:
        space: The part.
        search: Numbers its points from 0.
        asked: Points so far.
    """

    space: Space
    search: Optimizer
    asked: int = 0

    @property
    def endless(self) -> bool:
        """Whether it never runs out of points."""
        parameters = self.space.parameters
        return any(isinstance(parameters[name], Float) for name in self.space.dims)

    def contains(self, values: Values) -> bool:
        """Tell whether a point lies in this part."""
        return not self.space.problem(self.space.complete(values))

    def learn(self, results: list[Told]) -> None:
        """Give the search what lies in this part, if it can use it."""
        inside = [one for one in results if self.contains(one.values)]
        if inside and isinstance(self.search, Learner):
            self.search.learn(inside)


def _parts(spaces: Sequence[Space], sampler: SamplerName, seed: int) -> Iterator[Part]:
    for index, space in enumerate(spaces):
        own = stdlib.Random(f"{seed} {index}").getrandbits(31)
        try:
            points = adapt(random(space, evaluations=2**62, seed=own))
        except OptimizerError:  # all of it is forbidden
            continue
        if sampler == "random":
            yield Part(space, points)
        else:
            make = SURROGATES.load(sampler, "optimizer.sampler")
            yield Part(space, cast(Optimizer, make(space, seed=own)))


class HyperSpace:
    """Searches that take turns.

    Args:
        parts: Where they search.
        share: So many of the best points are told to all parts that contain them.
        evaluations: Number of points, at most.
    """

    def __init__(self, parts: Sequence[Part], *, share: int, evaluations: int) -> None:
        self._parts = list(parts)
        self._share = share
        self._evaluations = evaluations
        self._turns = deque(parts)  # those that have points left
        self._flight: Flight[tuple[Part, int]] = Flight()  # with the part's own number
        self._best: list[tuple[float, int]] = []

    def ask(self, n: int) -> list[Values]:
        """Return points of the parts whose turn it is."""

        def draw(part: Part, count: int) -> list[Values]:
            return cast(list[Values], list(part.search.ask(count)))

        return self._rotate(min(n, self._evaluations - self._flight.asked), draw)

    def recall(self, points: list[Values]) -> None:
        """Take what an earlier ask answered; a part that may run dry is asked again."""
        rest = deque(points)

        def draw(part: Part, count: int) -> list[Values]:
            if part.endless and isinstance(part.search, Recaller):
                known = [rest.popleft() for _ in range(count)]
                part.search.recall(known)
                return known
            return [rest.popleft() for _ in part.search.ask(count)]

        self._rotate(len(points), draw)

    def tell(self, results: list[Told]) -> None:
        """Tell each part its results, and all of them the best ones."""
        for (part, number), result in self._flight.land(results):
            part.search.tell([msgspec.structs.replace(result, id=number)])
            if self._among_best(result):
                for other in self._parts:
                    if other is not part:
                        other.learn([result])

    def learn(self, results: list[Told]) -> None:
        """Give each part what lies in it."""
        for part in self._parts:
            part.learn(results)

    def _rotate(self, n: int, draw: Callable[[Part, int], list[Values]]) -> list[Values]:
        """Return ``n`` points; a part that gives fewer than its turns has no more."""
        points: list[Values] = []
        while self._turns and len(points) < n:
            turns: Counter[Part] = Counter()
            for _ in range(n - len(points)):
                turns[self._turns[0]] += 1
                self._turns.rotate(-1)
            for part, count in turns.items():
                drawn = draw(part, count)
                for values in drawn:
                    self._flight.start((part, part.asked))
                    part.asked += 1
                    points.append(values)
                if len(drawn) < count:
                    self._turns.remove(part)
        return points

    def _among_best(self, result: Told) -> bool:
        """Tell whether a result is one of the best so far, and remember it."""
        loss = trained_loss(result)
        if loss is None or not loss < math.inf:
            return False
        entry = (loss, result.id)
        insort(self._best, entry)
        del self._best[self._share :]
        return entry in self._best
