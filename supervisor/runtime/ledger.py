"""What happens to the instances of steps, as events in the journal and lines of the trace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from supervisor.core.payload import Payload
from supervisor.core.task import Failure, Result
from supervisor.experiment.journal import Journal
from supervisor.experiment.step_events import StepEvent, StepFailed, StepFinished, StepSkipped
from supervisor.experiment.steps import StepsState
from supervisor.experiment.values import ValueStore
from supervisor.runtime.instances import Instance


class Ledger:
    """Writes down what happens to instances.

    Args:
        journal: Open for appending.
        state: The fold of the journal.
        store: Of values that JSON cannot hold.
        hosts: Host name of each rank.
        tell: Shows a line of the trace.
    """

    def __init__(
        self,
        journal: Journal,
        state: StepsState,
        store: ValueStore,
        *,
        hosts: Sequence[str],
        tell: Callable[[str], None],
    ) -> None:
        self.tell = tell
        self._journal = journal
        self._state = state
        self._store = store
        self._hosts = hosts

    def record(self, event: StepEvent) -> None:
        """Add an event to the journal and its fold."""
        self._journal.append(event)
        self._state.apply(event)

    def finished(
        self,
        instance: Instance,
        payload: Payload | int | float,
        ending: Result | None,
        work_s: float | None = None,
    ) -> None:
        """Record a value."""
        step, index = instance.step.name, instance.index
        value, file = self._store.save(step, index, payload)
        event = StepFinished(
            step=step,
            index=index,
            each=instance.shown(),
            attempts=instance.attempts,
            value=value,
            file=file,
            work_s=work_s,
            **self._circumstances(ending),
        )
        self.record(event)
        instance.finished = event
        where = "" if event.rank < 0 else f" on rank {event.rank}"
        self.tell(f"{instance.title} finished{where} in {event.end_s - event.start_s:.3f} s")

    def failed(self, instance: Instance, failure: Failure, ending: Result | None = None) -> None:
        """Record that an instance failed for good."""
        self.record(
            StepFailed(
                step=instance.step.name,
                index=instance.index,
                each=instance.shown(),
                attempts=instance.attempts,
                kind=failure.kind,
                message=failure.message,
                details=failure.details,
                place=instance.step.place,
                **({} if ending is None else self._circumstances(ending)),
            )
        )
        self.tell(f"{instance.title} failed: {failure.message}")

    def skipped(self, instance: Instance, reason: str = "") -> None:
        """Record that an instance is not to run."""
        reason = reason or f"{instance.step.when} does not hold"
        self.record(
            StepSkipped(
                step=instance.step.name,
                index=instance.index,
                each=instance.shown(),
                reason=reason,
                time_s=time.time(),
            )
        )
        self.tell(f"{instance.title} skipped: {reason}")

    def _circumstances(self, ending: Result | None) -> dict[str, Any]:
        if ending is None:
            now = time.time()
            return {"rank": -1, "host": "", "start_s": now, "end_s": now}
        known = 0 <= ending.rank < len(self._hosts)
        return {
            "rank": ending.rank,
            "host": self._hosts[ending.rank] if known else "",
            "start_s": ending.start_s,
            "end_s": ending.end_s,
        }
