"""Points from the optimizer, in the order of the journal, also when a campaign is resumed."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable

import msgspec

from supervisor.campaign.settings import Settings
from supervisor.core.errors import CampaignFailed, OptimizerError
from supervisor.core.objective import Metrics, Values
from supervisor.core.space import Space
from supervisor.experiment.events import (
    Asked,
    AskedPoint,
    Event,
    Failed,
    Finished,
    Reported,
    Reused,
)
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.serving.channel import Channel
from supervisor.optimizers.serving.messages import (
    Advice,
    Ask,
    Points,
    Recall,
    Recommend,
    Report,
    Stop,
    Suggested,
    Tell,
)

Closing = Finished | Reused | Failed
"""The event that ends a point."""


class Batch(msgspec.Struct, frozen=True):
    """What the optimizer answered: the arguments of an ``Asked`` event, and how long it took."""

    n: int
    points: list[AskedPoint]
    after: int
    seconds: float


class _Request(msgspec.Struct, frozen=True):
    """An ask that has no answer yet."""

    n: int
    after: int
    last: bool  # nothing was in flight that could change an empty answer


class Suggestions:
    """The one place that talks to an optimizer.

    The optimizer may think for a while. It takes messages in their order, so all that it knew
    when it was asked is the number of results and reports it had been told before.

    Args:
        channel: To the optimizer, at its first point.
        settings: The campaign's choices.
        space: Where points must lie; None if they are given.
    """

    def __init__(self, channel: Channel, settings: Settings, space: Space | None = None) -> None:
        self.asked = 0
        self.exhausted = False
        self.advice: Advice | None = None  # after ``recommend``, when it has come
        self._channel = channel
        self._settings = settings
        self._space = space
        self._values: dict[int, Values] = {}  # of points that are not told yet
        self._told = 0  # results and reports
        self._request: _Request | None = None
        self._empty_after = -1  # what it had been told when it last had nothing to suggest
        self._stops: list[int] = []

    @property
    def pending(self) -> bool:
        """Whether the optimizer is thinking about points."""
        return self._request is not None

    @property
    def independent(self) -> bool:
        """Whether points are known not to depend on results."""
        ready = self._channel.ready
        return ready is not None and ready.independent

    def request(self, number: int) -> None:
        """Ask for up to ``number`` points, unless an answer is awaited, or would be the same."""
        in_flight = bool(self._values)
        if self._request or self.exhausted:
            return
        limit = self._settings.evaluations
        if limit is not None:
            number = min(number, limit - self.asked)
        if number <= 0:
            self.exhausted = True
        elif not in_flight or self._empty_after != self._told:
            self._request = _Request(number, self._told, not in_flight)
            self._channel.send(Ask(number))

    def take(self) -> Batch | None:
        """Return what the optimizer answered since the last call, if it did.

        An empty answer with nothing in flight ends the search: no result can change it.
        """
        batch = None
        for answer in self._channel.take():
            match answer:
                case Points(points, seconds):
                    assert self._request is not None
                    request, self._request = self._request, None
                    named = [self._named(one) for one in points]
                    batch = Batch(request.n, named, request.after, seconds)
                    if not points:
                        self._empty_after = request.after
                        self.exhausted = request.last
                case Stop(id):
                    self._stops.append(id)
                case Advice():
                    self.advice = answer
        return batch

    @property
    def recommends(self) -> bool:
        """Whether the optimizer can say which point is to be used."""
        ready = self._channel.ready
        return ready is not None and ready.recommends

    def recommend(self, points: list[Told]) -> None:
        """Ask which point is to be used; ``take`` sets ``advice``."""
        self._channel.send(Recommend(points))

    def stops(self) -> list[int]:
        """Return the points that are to stop early, since the last call."""
        stops, self._stops = self._stops, []
        return stops

    def filenos(self) -> list[int]:
        """Return descriptors that become readable when the optimizer has answered."""
        return list(self._channel.filenos())

    def close(self) -> None:
        """End the optimizer."""
        self._channel.close()

    def tell(self, event: Closing) -> None:
        """Tell what became of a point, once."""
        values = self._values.pop(event.point)
        if isinstance(event, Failed):
            told = Told(event.point, values, event.loss, {}, event.message)
        else:
            told = Told(event.point, values, event.loss, event.metrics, None, event.losses)
        self._told += 1
        self._channel.send(Tell([told]))

    def report(self, point: int, step: int, metrics: Metrics) -> None:
        """Pass on what a running point reports; ``stops`` tells whether it is to stop early."""
        ready = self._channel.ready
        if ready is not None and ready.judges and point in self._values:
            self._told += 1
            self._channel.send(Report(point, step, metrics))

    # --- resuming -------------------------------------------------------------------------

    def replay(self, events: Iterable[Event], source: str) -> None:
        """Bring a new optimizer to where the journal ends, by the same asks and tells.

        One that recalls takes what it answered from the journal: on another processor, or with
        another version of a library, its numbers may differ in their last digits.

        Args:
            events: The journal's.
            source: The journal's name, for errors.

        Raises:
            CampaignFailed: If the optimizer does not give the points of the journal again.
        """
        self._channel.begin()
        assert self._channel.ready is not None
        recalls = self._channel.ready.recalls
        untold: deque[Event] = deque()
        for event in events:
            if not isinstance(event, Asked):
                untold.append(event)
                continue
            while untold and (event.after is None or self._told < event.after):
                self._tell_again(untold.popleft())
            if not recalls:
                self._ask_again(event, source)
                continue
            self._channel.send(Recall([point.values for point in event.points]))
            for point in event.points:
                self._named(Suggested(point.values, point.parent))
        for event in untold:
            self._tell_again(event)

    def _tell_again(self, event: Event) -> None:
        match event:
            case Finished() | Reused() | Failed(final=True):
                if event.point in self._values:
                    self.tell(event)
            case Reported():
                self.report(event.point, event.step, event.metrics)

    def _ask_again(self, event: Asked, source: str) -> None:
        self._channel.send(Ask(event.n))
        found: list[AskedPoint] | None = None
        while found is None:
            for answer in self._channel.wait():
                if isinstance(answer, Points):
                    found = [self._named(one) for one in answer.points]
        if _canonical(found) != _canonical(event.points):
            raise CampaignFailed(
                f"{source}: the optimizer does not give point {event.points[0].id} and its "
                "successors again; was its code, its settings or its points file changed? "
                "Undo the change, or start a new experiment"
            )

    # --- points ---------------------------------------------------------------------------

    def _named(self, suggested: Suggested) -> AskedPoint:
        values = self._checked(suggested.values)
        number = self.asked
        if not -1 <= suggested.parent < number:
            raise OptimizerError(
                f"the optimizer continues point {suggested.parent}, which was never asked"
            )
        self.asked += 1
        self._values[number] = values
        name = str(values["id"]) if self._settings.named else f"RUN{number:06d}"
        return AskedPoint(id=number, name=name, values=values, parent=suggested.parent)

    def _checked(self, values: Values) -> Values:
        """Return a point as the space has it: with its constants, without inactive parameters."""
        if self._space is None:
            return values
        complete = self._space.complete(values)
        if problem := self._space.problem(complete):
            raise OptimizerError(f"the optimizer gave a point outside the space: {problem}")
        return complete


def _canonical(points: Iterable[AskedPoint]) -> str:
    return json.dumps([[point.id, point.name, point.values, point.parent] for point in points])
