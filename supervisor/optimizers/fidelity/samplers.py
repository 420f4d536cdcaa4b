"""Where searches that train configurations to several levels take new ones from."""

from __future__ import annotations

import random as stdlib
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from supervisor.core.objective import Values
from supervisor.core.registry import Registry
from supervisor.core.space import Space
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.fidelity.rungs import Climb, Ladder
from supervisor.optimizers.flight import trained_loss
from supervisor.optimizers.protocol import Told

SamplerName = Literal["random", "bayes"]

SURROGATES = Registry("sampler", {"bayes": "supervisor.optimizers.bayes.search:bayes"})

_DRAWS = 1_000


class Sampler(Protocol):
    """Gives new configurations. What it gives depends on its arguments only."""

    def ask(self, n: int, climbs: Sequence[Climb]) -> list[Values]:
        """Return up to ``n`` configurations, given all earlier ones in their order."""

    def learn(self, results: list[Told]) -> None:
        """Take full trainings of other campaigns."""


def make_sampler(name: SamplerName, space: Space, seed: int) -> Sampler:
    """Return the sampler of that name."""
    return Uniform(space, seed) if name == "random" else Surrogate(name, space, seed)


class Uniform:
    """Configurations drawn at random, none of them twice."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._known: set[str] = set()
        self._seen = 0  # configurations that are known

    def ask(self, n: int, climbs: Sequence[Climb]) -> list[Values]:
        """Return ``n`` configurations; fewer if others are hardly ever drawn."""
        self._known.update(repr(climb.values) for climb in climbs[self._seen :])
        self._seen = len(climbs)
        found: list[Values] = []
        while len(found) < n and (values := self._draw(len(climbs) + len(found), found)):
            found.append(values)
        return found

    def learn(self, results: list[Told]) -> None:
        """Do nothing: no draw depends on results."""

    def _draw(self, number: int, others: list[Values]) -> Values | None:
        seed = stdlib.Random(f"{self._seed} {number}").getrandbits(32)
        for values in random(self._space, evaluations=_DRAWS, seed=seed):
            if values not in others and repr(values) not in self._known:
                return values
        return None


class Surrogate:
    """Configurations from Bayesian optimization of their standing.

    Losses of several levels cannot be compared, but standings can. They change as others come
    and as a configuration climbs; so each ask begins anew: all earlier configurations count as
    asked, and their standings of now as told.
    """

    def __init__(self, name: str, space: Space, seed: int) -> None:
        self._make = SURROGATES.load(name, "optimizer.sampler")
        self._space = space
        self._seed = seed
        self._trained = Ladder([1], 2)  # of a single rung: a standing among themselves
        self._learned: list[Climb] = []

    def ask(self, n: int, climbs: Sequence[Climb]) -> list[Values]:
        """Return up to ``n`` configurations; fewer if the space has no more."""
        search: Any = self._make(self._space, seed=self._seed)
        if self._learned:
            search.learn(_told(self._learned))
        if climbs:
            search.recall([climb.values for climb in climbs])
            search.tell(_told(climbs))
        return list(search.ask(n))

    def learn(self, results: list[Told]) -> None:
        """Take results to begin with."""
        for result in results:
            climb = Climb(result.values, self._trained)
            climb.record(len(self._learned), 0, trained_loss(result))
            self._learned.append(climb)


def _told(climbs: Sequence[Climb]) -> list[Told]:
    """Return the standings of all that have a result."""
    return [
        Told(id=number, values=climb.values, loss=climb.standing)
        for number, climb in enumerate(climbs)
        if climb.rung >= 0
    ]
