"""Points from the optimizer, in the order of the journal, also when a campaign is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from supervisor.campaign.settings import Settings
from supervisor.core.blame import blame
from supervisor.core.errors import CampaignFailed, OptimizerError, SupervisorError
from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.experiment.events import Asked, AskedPoint, Event, Failed, Finished, Reported
from supervisor.optimizers.protocol import Optimizer, Told


class Suggestions:
    """The one place that talks to an optimizer.

    Args:
        optimizer: At its first point.
        settings: The campaign's choices.
        space: Where points must lie; None if they are given.
    """

    def __init__(
        self, optimizer: Optimizer, settings: Settings, space: Space | None = None
    ) -> None:
        self.asked = 0
        self.exhausted = False
        self._optimizer = optimizer
        self._settings = settings
        self._space = space
        self._values: dict[int, Values] = {}  # of points that are not told yet

    def ask(self, number: int, *, in_flight: bool) -> list[AskedPoint]:
        """Ask for up to ``number`` points.

        An empty answer with nothing in flight ends the search: no result can change it.
        """
        limit = self._settings.evaluations
        if limit is not None:
            number = min(number, limit - self.asked)
        if number <= 0 or self.exhausted:
            self.exhausted = True
            return []
        points = self._ask(number)
        if not points and not in_flight:
            self.exhausted = True
        return points

    def tell(
        self,
        point: int,
        loss: float | None,
        metrics: dict[str, Any],
        error: str | None,
    ) -> None:
        """Tell one point's result, once."""
        values = self._values.pop(point)
        with _blaming("tell"):
            self._optimizer.tell([Told(point, values, loss, metrics, error)])

    def report(self, point: int, step: int, metrics: dict[str, Any]) -> bool:
        """Pass on what a running point reports; return whether it is to stop early."""
        judge: Callable[[int, int, dict[str, Any]], bool] | None
        judge = getattr(self._optimizer, "report", None)
        if judge is None or point not in self._values:
            return False
        with _blaming("report"):
            return bool(judge(point, step, metrics))

    def replay(self, events: Iterable[Event], source: str) -> None:
        """Bring a new optimizer to where the journal ends, by the same asks and tells.

        Args:
            events: The journal's.
            source: The journal's name, for errors.

        Raises:
            CampaignFailed: If the optimizer does not give the points of the journal again.
        """
        for event in events:
            match event:
                case Asked():
                    self._ask_again(event, source)
                case Finished():
                    if event.point in self._values:
                        self.tell(event.point, event.loss, event.metrics, None)
                case Failed(final=True):
                    if event.point in self._values:
                        self.tell(event.point, event.loss, {}, event.message)
                case Reported():
                    self.report(event.point, event.step, event.metrics)

    def _ask_again(self, event: Asked, source: str) -> None:
        points = self._ask(event.n)
        if _canonical(points) != _canonical(event.points):
            raise CampaignFailed(
                f"{source}: the optimizer does not give point {event.points[0].id} and its "
                "successors again; was its code, its settings or its points file changed? "
                "Undo the change, or start a new experiment"
            )

    def _ask(self, number: int) -> list[AskedPoint]:
        with _blaming("ask"):
            proposed = list(self._optimizer.ask(number))
        return [self._named(self._checked(values)) for values in proposed]

    def _checked(self, values: Values) -> Values:
        """Return a point as the space has it: with its constants, without inactive parameters."""
        if self._space is None:
            return values
        if not isinstance(values, Mapping):
            raise OptimizerError(f"the optimizer's ask gave {values!r}, which is no mapping")
        complete = self._space.complete(values)
        if problem := self._space.problem(complete):
            raise OptimizerError(f"the optimizer gave a point outside the space: {problem}")
        return complete

    def _named(self, values: Values) -> AskedPoint:
        number = self.asked
        self.asked += 1
        self._values[number] = values
        name = str(values["id"]) if self._settings.named else f"RUN{number:06d}"
        return AskedPoint(id=number, name=name, values=values)


def _canonical(points: Iterable[AskedPoint]) -> str:
    return json.dumps([[point.id, point.name, point.values] for point in points])


@contextmanager
def _blaming(method: str) -> Iterator[None]:
    """Turn what the optimizer's own code raises into an error that says where."""
    try:
        yield
    except SupervisorError:
        raise
    except (Exception, SystemExit) as error:
        raise OptimizerError(f"the optimizer's {method} raised {blame(error)}") from error
