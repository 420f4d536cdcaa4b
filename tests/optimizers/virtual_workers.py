"""Workers on a virtual clock that train what an optimizer asks for, from checkpoints."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field

from supervisor.optimizers.protocol import Continuation, EarlyStopper, Told


@dataclass
class Training:
    """A point as the workers saw it."""

    number: int
    values: dict
    parent: int | None
    began_at: int  # epochs in the checkpoint that it began with
    epochs: int = 0  # in all
    stopped: bool = False
    loss: float | None = None
    failed: bool = False
    ends_s: float = math.inf


@dataclass
class Workers:
    """Train points until the optimizer has no more.

    Attributes:
        curve: Values and epochs to loss.
        count: Number of workers.
        resource: The parameter that says how long to train; None for ``epochs`` always.
        epochs: Without a resource.
        fails: Values to whether their training raises.
        seed: Of how long epochs last.
        lag: Epochs that go on after the word to stop.
        limit: Points, at most.
    """

    curve: object
    count: int = 4
    resource: str | None = "epochs"
    epochs: int = 27
    fails: object = lambda values: False
    seed: int = 0
    lag: int = 0
    limit: int = 10_000
    trainings: list[Training] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    idle: int = 0  # asks that were answered by too few points, while others were in flight

    def run(self, optimizer):
        """Return all trainings."""
        rng = random.Random(self.seed)
        events, free, clock_s = [], self.count, 0.0
        while True:
            wanted = min(free, self.limit - len(self.trainings))
            points = optimizer.ask(wanted)
            self.idle += len(points) < wanted and bool(events)
            for point in points:
                training = self._begin(point)
                pace_s = rng.uniform(0.5, 1.5)
                heapq.heappush(events, (clock_s + pace_s, training.number, pace_s, None))
            free -= len(points)
            if not events:
                return self.trainings
            clock_s, number, pace_s, stop_at = heapq.heappop(events)
            training = self.trainings[number]
            stop_at = self._epoch(training, optimizer, stop_at)
            if self._over(training, stop_at):
                training.ends_s = clock_s
                result = self._result(training)
                self.told.append(result)
                optimizer.tell([result])
                free += 1
            else:
                heapq.heappush(events, (clock_s + pace_s, number, pace_s, stop_at))

    def spent(self):
        """Return the epochs that were trained in all."""
        return sum(one.epochs - one.began_at for one in self.trainings)

    def _begin(self, point):
        values, parent, began_at = point, None, 0
        if isinstance(point, Continuation):
            values, parent = point.values, point.parent
            earlier = self.trainings[parent]
            assert earlier.ends_s < math.inf, "its checkpoint is not there yet"
            assert not earlier.failed, "there is no checkpoint of what failed"
            began_at = earlier.epochs
        training = Training(len(self.trainings), values, parent, began_at, began_at)
        self.trainings.append(training)
        return training

    def _epoch(self, training, optimizer, stop_at):
        training.epochs += 1
        training.failed = self.fails(training.values)
        training.loss = None if training.failed else self.curve(training.values, training.epochs)
        if training.failed or not isinstance(optimizer, EarlyStopper):
            return stop_at
        step = training.epochs - 1
        if optimizer.report(training.number, step, {"loss": training.loss}) and stop_at is None:
            training.stopped = True
            return training.epochs + self.lag
        return stop_at

    def _over(self, training, stop_at):
        target = training.values[self.resource] if self.resource else self.epochs
        done = training.epochs >= (target if stop_at is None else min(stop_at, target))
        return training.failed or done

    def _result(self, training):
        if training.failed:
            return Told(id=training.number, values=training.values, loss=None, error="raised")
        return Told(id=training.number, values=training.values, loss=training.loss)


class Unwrapped:
    """An optimizer whose points are all mappings, for the contract."""

    def __init__(self, optimizer):
        self._optimizer = optimizer
        self.tell = optimizer.tell

    def ask(self, n):
        points = self._optimizer.ask(n)
        return [one.values if isinstance(one, Continuation) else one for one in points]
