"""The results of a pipeline as a table: one row an instance of a step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from supervisor.experiment.journal import read_journal
from supervisor.experiment.step_events import StepFinished, StepSkipped
from supervisor.experiment.steps import (
    WHOLE,
    Ended,
    StepsState,
    named,
    replay_steps,
    scalar,
    status_of,
)
from supervisor.experiment.times import timestamp

FIXED = (
    "step",
    "index",
    "name",
    "status",
    "attempts",
    "rank",
    "host",
    "start",
    "end",
    "seconds",
    "value",
    "message",
)
"""The columns that every table of steps begins with; those of variables follow."""


class StepTable(msgspec.Struct, frozen=True):
    """The rows of a pipeline's journal, and the names of their columns.

    Attributes:
        state: What became of each instance.
        variables: Names of foreach variables to columns.
    """

    state: StepsState
    variables: dict[str, str]

    @property
    def columns(self) -> list[str]:
        """Return the names of all columns, in order."""
        return [*FIXED, *self.variables.values()]

    def rows(self) -> Iterator[list[Any]]:
        """Yield a row for each instance that ended, in the order of the file."""
        for step in self.state.steps.values():
            for index in sorted(step.ended):
                yield self._row(step.ended[index])

    def _row(self, event: Ended) -> list[Any]:
        row = [event.step, None if event.index == WHOLE else event.index, named(event)]
        row += [status_of(event), *circumstances(event)]
        row += [event.each.get(name) for name in self.variables]
        return row


def circumstances(event: Ended) -> list[Any]:
    """Return the cells from ``attempts`` to ``message``."""
    if isinstance(event, StepSkipped):
        return [None, None, None, None, None, None, None, event.reason]
    seconds = None
    if event.start_s is not None and event.end_s is not None:
        seconds = round(event.end_s - event.start_s, 6)
    rank, host = (event.rank, event.host) if event.rank >= 0 else (None, None)
    value, message = None, ""
    if isinstance(event, StepFinished):
        value = scalar(event.value)
    else:
        message = event.message
    times = [timestamp(event.start_s), timestamp(event.end_s), seconds]
    return [event.attempts, rank, host, *times, value, message or None]


def read_step_table(journal: Path) -> StepTable:
    """Return the table of a pipeline's journal, which another process may be writing."""
    state = replay_steps(read_journal(journal))
    variables: dict[str, str] = {}
    for step in state.steps.values():
        for event in step.ended.values():
            for name in event.each:
                variables.setdefault(name, f"foreach.{name}" if name in FIXED else name)
    return StepTable(state, variables)
