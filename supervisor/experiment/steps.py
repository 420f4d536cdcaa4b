"""The state of a pipeline: a fold of its journal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.experiment.events import (
    Closed,
    Event,
    Interrupted,
    Opened,
    Session,
)
from supervisor.experiment.journal import read_journal
from supervisor.experiment.step_events import Expanded, StepFailed, StepFinished, StepSkipped

WHOLE = -1
"""The index of a step that has no foreach, or that ended before it had instances."""

StepStatus = Literal["finished", "failed", "skipped"]
Ended = StepFinished | StepFailed | StepSkipped
_STATUS: dict[type[Ended], StepStatus] = {
    StepFinished: "finished",
    StepFailed: "failed",
    StepSkipped: "skipped",
}


class StepState(msgspec.Struct):
    """What is known of one step.

    Attributes:
        expanded: Its instances, once they are known.
        ended: How each instance ended, by its index.
    """

    expanded: Expanded | None = None
    ended: dict[int, Ended] = {}

    def counts(self) -> dict[StepStatus, int]:
        """Return how many instances have each status."""
        found: dict[StepStatus, int] = {"finished": 0, "failed": 0, "skipped": 0}
        for event in self.ended.values():
            found[_STATUS[type(event)]] += 1
        return found


class StepsState:
    """What is known of a pipeline; ``apply`` takes one more event into account.

    Attributes:
        opening: The first event, or None of an empty journal.
        sessions: The runs, resumed ones included.
        steps: By name, in the order of the file.
        busy_s: Time of all instances that ended, summed.
        interrupted: Why the last session was interrupted, or None.
        closed: Why the experiment ended, or None.
        expected: Number of all instances as far as the run knows it, or None.
    """

    def __init__(self) -> None:
        self.opening: Opened | None = None
        self.sessions: list[Session] = []
        self.steps: dict[str, StepState] = {}
        self.busy_s = 0.0
        self.interrupted: str | None = None
        self.closed: str | None = None
        self.expected: int | None = None
        self._counts: dict[StepStatus, int] = {"finished": 0, "failed": 0, "skipped": 0}

    def counts(self) -> dict[StepStatus, int]:
        """Return how many instances have each status."""
        return dict(self._counts)

    def best(self) -> None:
        """Return nothing: steps are not compared."""

    def finished(self, step: str, index: int) -> StepFinished | None:
        """Return how an instance finished, or None."""
        event = self.steps[step].ended.get(index)
        return event if isinstance(event, StepFinished) else None

    def apply(self, event: Event) -> None:
        """Take one more event into account; events come in the order of the journal.

        Raises:
            SupervisorError: The event is about a step that there is not.
        """
        match event:
            case Opened():
                self.opening = event
                self.steps = {name: StepState() for name in event.steps}
            case Session():
                self.sessions.append(event)
                self.interrupted = self.closed = None
                self._open_again()
            case Expanded():
                self._step(event.step).expanded = event
            case StepFinished() | StepFailed() | StepSkipped():
                self._end(event)
            case Interrupted(reason=reason):
                self.interrupted = reason
            case Closed(reason=reason):
                self.closed = reason

    def _step(self, name: str) -> StepState:
        if name not in self.steps:
            raise SupervisorError(
                f"the journal has an event of step {name!r}, which was not there when it began: "
                "it is not one run's"
            )
        return self.steps[name]

    def _end(self, event: Ended) -> None:
        ended = self._step(event.step).ended
        if (before := ended.get(event.index)) is not None:
            self._counts[_STATUS[type(before)]] -= 1
        ended[event.index] = event
        self._counts[_STATUS[type(event)]] += 1
        if isinstance(event, StepSkipped) or event.start_s is None or event.end_s is None:
            return
        work_s = event.work_s if isinstance(event, StepFinished) else None
        self.busy_s += max(0.0, event.end_s - event.start_s) if work_s is None else work_s

    def _open_again(self) -> None:
        """Forget what a new session decides anew: all that was not finished."""
        for step in self.steps.values():
            step.ended = {
                index: event
                for index, event in step.ended.items()
                if isinstance(event, StepFinished)
            }
        self._counts["failed"] = self._counts["skipped"] = 0


def replay_steps(events: Iterable[Event]) -> StepsState:
    """Fold the journal of a pipeline into a state."""
    state = StepsState()
    for event in events:
        state.apply(event)
    return state


def is_pipeline(journal: Path) -> bool:
    """Return whether a journal is that of a pipeline."""
    first = next(read_journal(journal), None)
    return isinstance(first, Opened) and bool(first.steps)


def named(event: Ended) -> str:
    """Return what an instance is called: ``split``, ``train[3]``."""
    return event.step if event.index == WHOLE else f"{event.step}[{event.index}]"


def status_of(event: Ended) -> StepStatus:
    """Return what became of an instance, in one word."""
    return _STATUS[type(event)]


def scalar(value: Any) -> Any:
    """Return a value if it is a number, a text or a truth value; else None."""
    return value if isinstance(value, bool | int | float | str) else None
