"""A campaign's share of the balancer, when others put tasks too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Message, Send
from supervisor.core.objective import Evaluation, encode_point
from supervisor.core.task import Report, Result, Task
from supervisor.dataflow.flow import Flow


class TaskClient(Protocol):
    """What a campaign needs of the balancer's client."""

    layout: Layout
    outstanding: int

    @property
    def done(self) -> bool:
        """Whether every task is finished, and everyone has stopped."""

    @property
    def eager(self) -> bool:
        """Whether there is something to send."""

    def put(self, tasks: Iterable[Task]) -> None:
        """Queue tasks."""

    def withdraw(self, ids: Iterable[int] | None = None, *, running: bool) -> None:
        """End tasks; None for all."""

    def discontinue(self, task_id: int) -> None:
        """Let a running task stop early."""

    def take_results(self) -> list[Result]:
        """Return and forget the results that came since the last call."""

    def take_reports(self) -> list[Report]:
        """Return and forget the reports that came since the last call."""

    def drain(self) -> None:
        """Put nothing more."""

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message from a server."""

    def poll(self, now: float) -> list[Send]:
        """Return what is to be sent."""


class SharedClient:
    """Puts the points of one campaign beside other calls.

    Args:
        flow: Whose client it is.
        objective: What evaluates the points, encoded; it travels with each of them.
        constants: Further parameters of all points.
        folder: Of the points' directories, among those of the others.
    """

    def __init__(
        self, flow: Flow, objective: bytes, constants: Mapping[str, Any], folder: str
    ) -> None:
        self.layout = flow.client.layout
        self.outstanding = 0
        self.done = False
        self.eager = False
        self._flow = flow
        self._objective = objective
        self._constants = dict(constants)
        self._folder = folder
        self._numbers: dict[int, int] = {}  # the campaign's, by the balancer's
        self._ids: dict[int, int] = {}  # the balancer's, by the campaign's
        self._results: list[Result] = []
        self._reports: list[Report] = []

    def put(self, tasks: Iterable[Task]) -> None:
        """Queue tasks that evaluate points."""
        for task in tasks:
            id = self._flow.client.ids.take()
            self._numbers[id], self._ids[task.id] = task.id, id
            self._flow.deliver(id, self._results, self._reports)
            evaluation = msgspec.msgpack.decode(task.payload, type=Evaluation)
            placed = msgspec.structs.replace(
                evaluation,
                name=f"{self._folder}/{evaluation.name}",
                values={**self._constants, **evaluation.values},
            )
            payload = encode_point(self._objective, placed)
            self._flow.client.put([msgspec.structs.replace(task, id=id, payload=payload)])
            self.outstanding += 1

    def withdraw(self, ids: Iterable[int] | None = None, *, running: bool) -> None:
        """End tasks of this campaign; None for all."""
        chosen = list(self._ids) if ids is None else ids
        self._flow.client.withdraw([self._ids[one] for one in chosen], running=running)

    def discontinue(self, task_id: int) -> None:
        """Let a running task stop early."""
        if task_id in self._ids:
            self._flow.client.discontinue(self._ids[task_id])

    def take_results(self) -> list[Result]:
        """Return and forget the results that came since the last call."""
        results = [msgspec.structs.replace(one, id=self._numbers[one.id]) for one in self._results]
        self._results.clear()
        for result in results:
            id = self._ids.pop(result.id)
            del self._numbers[id]
            self._flow.deliver(id, None, None)
            self.outstanding -= 1
        return results

    def take_reports(self) -> list[Report]:
        """Return and forget the reports that came since the last call."""
        reports = [
            msgspec.structs.replace(one, id=self._numbers[one.id])
            for one in self._reports
            if one.id in self._numbers
        ]
        self._reports.clear()
        return reports

    def drain(self) -> None:
        """Put nothing more; the others may."""
        self.done = not self.outstanding

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Return nothing: messages go to the client that is shared."""
        return []

    def poll(self, now: float) -> list[Send]:
        """Return nothing: the client that is shared sends."""
        return []
