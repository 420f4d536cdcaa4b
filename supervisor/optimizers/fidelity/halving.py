"""Asynchronous successive halving: by going on from checkpoints, or by early stopping."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from supervisor.core.errors import OptimizerError, nearest
from supervisor.core.objective import Metrics, Values
from supervisor.optimizers.fidelity.resource import Resource
from supervisor.optimizers.fidelity.rungs import Climb, Ladder
from supervisor.optimizers.fidelity.samplers import Sampler
from supervisor.optimizers.flight import Flight, trained_loss
from supervisor.optimizers.protocol import Continuation, Suggestion, Told


@dataclass(frozen=True)
class Brackets:
    """The ladders that configurations climb.

    Attributes:
        ladders: All of them; what waits on an earlier one goes on first.
        places: The ladder of each new configuration, in turn.
    """

    ladders: Sequence[Ladder]
    places: Iterator[Ladder]


@dataclass(frozen=True)
class Measure:
    """Which of the metrics that trials report is looked at.

    Attributes:
        metric: Its name, or None for the only one.
        maximize: Whether more of it is better.
    """

    metric: str | None
    maximize: bool

    def loss(self, metrics: Metrics) -> float | None:
        """Return what is minimised; None if the metric is not among ``metrics``.

        Raises:
            OptimizerError: If it is not clear which one it is, or it is not a number.
        """
        if self.metric is None and len(metrics) > 1:
            raise OptimizerError(
                f"trials report {', '.join(sorted(metrics))}; say which of them decides: "
                "optimizer.metric"
            )
        name = next(iter(metrics), None) if self.metric is None else self.metric
        if name not in metrics:
            return None
        value = metrics[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OptimizerError(f"a trial reports {value!r} as {name}, which is not a number")
        return -value if self.maximize else value


class Halving(ABC):
    """What both ways to halve have in common.

    Args:
        resource: What configurations are given.
        brackets: The ladders that they climb.
        sampler: Where new configurations come from.
        evaluations: The most points.
    """

    def __init__(
        self, resource: Resource, brackets: Brackets, sampler: Sampler, evaluations: float
    ) -> None:
        self._resource = resource
        self._brackets = brackets
        self._sampler = sampler
        self._evaluations = evaluations
        self._climbs: list[Climb] = []

    @property
    @abstractmethod
    def _asked(self) -> int:
        """Number of points so far."""

    @abstractmethod
    def _go_on(self) -> Continuation | None:
        """Return a point that goes on, if one is to."""

    @abstractmethod
    def _begin(self, climb: Climb) -> Values:
        """Return the first point of a configuration."""

    def ask(self, n: int) -> list[Suggestion]:
        """Return points that go on, and new ones for the rest of ``n``."""
        return self._suggest(n, lambda count: self._sampler.ask(count, self._climbs))

    def recall(self, points: list[Values]) -> None:
        """Take what an earlier ask answered: only the sampler's part of it was costly."""

        def again(count: int) -> list[Values]:
            full = self._resource.most
            return [self._resource.give(one, full) for one in points[len(points) - count :]]

        self._suggest(len(points), again)

    def learn(self, results: list[Told]) -> None:
        """Give the sampler the results of full trainings; others cannot be compared."""
        name, full = self._resource.name, self._resource.most
        self._sampler.learn([one for one in results if not name or one.values.get(name) == full])

    def _suggest(self, n: int, draw: Callable[[int], list[Values]]) -> list[Suggestion]:
        count = int(min(n, self._evaluations - self._asked))
        points: list[Suggestion] = []
        while len(points) < count and (point := self._go_on()):
            points.append(point)
        places = list(islice(self._brackets.places, max(0, count - len(points))))
        drawn = draw(len(places)) if places else []
        for values, ladder in zip(drawn, places, strict=False):  # a small space runs dry
            climb = Climb(values, ladder)
            self._climbs.append(climb)
            points.append(self._begin(climb))
        return points


class Promoting(Halving):
    """Points end at their rung, and the best of a rung go on from their checkpoints.

    Source:
        Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020,
        algorithm 2.
    """

    def __init__(
        self, resource: Resource, brackets: Brackets, sampler: Sampler, evaluations: float
    ) -> None:
        super().__init__(resource, brackets, sampler, evaluations)
        self._flight: Flight[Climb] = Flight()
        self._ended: dict[int, Climb] = {}  # by the number of the point that may go on

    def tell(self, results: list[Told]) -> None:
        """Record each result at the next rung of its configuration."""
        for climb, result in self._flight.land(results):
            climb.record(result.id, climb.rung + 1, trained_loss(result))
            self._ended[result.id] = climb

    @property
    def _asked(self) -> int:
        return self._flight.asked

    def _go_on(self) -> Continuation | None:
        for ladder in self._brackets.ladders:
            if promoted := ladder.promote():
                point, rung = promoted
                climb = self._ended.pop(point)
                self._flight.start(climb)
                return Continuation(self._resource.give(climb.values, ladder.levels[rung]), point)
        return None

    def _begin(self, climb: Climb) -> Values:
        self._flight.start(climb)
        return self._resource.give(climb.values, climb.ladder.levels[0])


@dataclass
class _Trial:
    """A point that runs until it is stopped.

    Attributes:
        climb: Its configuration.
        stopped: Whether it was told to stop.
        other: Metrics of reports that lack the one that decides; None after one that has it.
    """

    climb: Climb
    stopped: bool = False
    other: set[str] | None = field(default_factory=set)


class Stopping(Halving):
    """Points begin as full trainings, and those that fall behind at a rung are stopped.

    Source:
        The rungs are those of ``Promoting``. That a trial is judged when it reaches a rung, by
        the results so far: Li et al., arXiv:1810.05934, and its use without checkpoints.
    """

    def __init__(
        self,
        resource: Resource,
        brackets: Brackets,
        sampler: Sampler,
        evaluations: float,
        measure: Measure,
    ) -> None:
        super().__init__(resource, brackets, sampler, evaluations)
        self._flight: Flight[_Trial] = Flight()
        self._measure = measure

    def report(self, id: int, step: int, metrics: Metrics) -> bool:
        """Judge a trial at each rung that it reaches; a rung passed without a report is skipped.

        Steps count from 0: a report of step 2 says that 3 units of the resource are used.
        """
        trial = self._flight.get(id)
        if trial is None or trial.stopped:
            return trial is not None
        loss = self._measure.loss(metrics)
        if loss is None:
            if trial.other is not None:
                trial.other |= metrics.keys()
            return False
        trial.other = None
        climb = trial.climb
        rung = climb.ladder.reached(step + 1)
        if climb.rung < rung < len(climb.ladder.levels) - 1:
            climb.record(id, rung, loss)
            trial.stopped = not climb.ladder.rungs[rung].keeps(loss)
        return trial.stopped

    def tell(self, results: list[Told]) -> None:
        """Record what was trained to its end; what was stopped has its place already.

        Raises:
            OptimizerError: If a trial reported, but never the metric that decides.
        """
        for trial, result in self._flight.land(results):
            loss = trained_loss(result)
            if trial.other and loss is not None:
                hint = nearest(str(self._measure.metric), trial.other)
                raise OptimizerError(
                    f"point {result.id} never reported the metric {self._measure.metric!r} "
                    f"of optimizer.metric, so that it could not be judged.{hint}"
                )
            climb = trial.climb
            if loss is not None and not trial.stopped:
                climb.record(result.id, len(climb.ladder.levels) - 1, loss)
            elif climb.rung < 0:
                climb.record(result.id, 0, None)
            elif loss is None:
                climb.loss = None

    @property
    def _asked(self) -> int:
        return self._flight.asked

    def _go_on(self) -> None:
        return None

    def _begin(self, climb: Climb) -> Values:
        self._flight.start(_Trial(climb))
        return self._resource.give(climb.values, self._resource.most)
