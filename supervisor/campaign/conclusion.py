"""How a campaign ends: what its optimizer recommends, and the last event of the journal."""

from __future__ import annotations

from supervisor.campaign.settings import Settings
from supervisor.campaign.suggestions import Suggestions
from supervisor.core.errors import Interrupted, OptimizerError, SupervisorError
from supervisor.experiment.events import Asked, Closed, Event, Recommended
from supervisor.experiment.events import Interrupted as InterruptedEvent
from supervisor.experiment.journal import Journal, read_journal
from supervisor.experiment.state import State
from supervisor.optimizers.protocol import Told


class Conclusion:
    """Asks the optimizer once which point is to be used, when all results are in.

    Args:
        suggestions: The optimizer's side.
        journal: Has all results, when it is time.
        state: The fold of the journal; of a search that had ended before, it has the answer.
        settings: The campaign's choices.
    """

    def __init__(
        self, suggestions: Suggestions, journal: Journal, state: State, settings: Settings
    ) -> None:
        self._suggestions = suggestions
        self._journal = journal
        self._state = state
        self._single = settings.metric is not None and not settings.objectives
        self._asked = False
        self.done = False

    def turn(self, now: float) -> Recommended | None:
        """Ask, or take the answer and return it as an event; ``done`` says whether it came.

        Raises:
            OptimizerError: If the optimizer raised, or named a point that has no result.
        """
        if self.done:
            return None
        if self._state.recommended or not self._single or not self._suggestions.recommends:
            self.done = True
            return None
        if not self._asked:
            self._asked = True
            self._suggestions.recommend(self._evaluated())
            self._suggestions.take()  # of an optimizer without a process, it is there
        advice = self._suggestions.advice
        self.done = advice is not None
        if advice is None or advice.best is None:
            return None
        point = self._state.points.get(advice.best.id)
        if point is None or point.status != "finished":
            raise OptimizerError(
                f"the optimizer recommends point {advice.best.id}, which has no result"
            )
        return Recommended(point=advice.best.id, loss=advice.best.loss, time_s=now)

    def _evaluated(self) -> list[Told]:
        """Return all points with a result of their own; the journal has their parameters."""
        self._journal.flush()
        found = []
        for event in read_journal(self._journal.path):
            for asked in event.points if isinstance(event, Asked) else ():
                point = self._state.points[asked.id]
                if point.status == "finished" and point.of < 0:
                    found.append(Told(asked.id, asked.values, point.loss, point.metrics))
        return found


def last_event(ending: SupervisorError | None, now: float) -> Event:
    """Return the last event of a run.

    Args:
        ending: Why the campaign ended before its time, or None.
        now: Seconds since the epoch.
    """
    if ending is None:
        return Closed(reason="complete", time_s=now)
    if isinstance(ending, Interrupted):
        return InterruptedEvent(reason=str(ending), time_s=now)
    return Closed(reason=f"stopped: {ending}", time_s=now)
