"""A campaign: ask, submit, record, tell. Read this first.

It lives on rank 0 as the balancer's client role. Every turn it takes what has arrived, writes it
to the journal, tells the optimizer, asks for as many points as keep the workers busy, and puts
them. The journal is written before anything follows from an event, so a run that is killed at
any moment can be resumed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from supervisor.balancer.messages import Message, Send
from supervisor.campaign.settings import Settings
from supervisor.campaign.shared import TaskClient
from supervisor.campaign.suggestions import Suggestions
from supervisor.core.errors import CampaignFailed, Interrupted, SupervisorError
from supervisor.core.objective import Evaluation, decode_metrics
from supervisor.core.task import Failure, Report, Result, Task
from supervisor.experiment.events import (
    Asked,
    AskedPoint,
    Closed,
    Event,
    Failed,
    Finished,
    Reported,
    Waited,
)
from supervisor.experiment.events import Interrupted as InterruptedEvent
from supervisor.experiment.journal import Journal
from supervisor.experiment.state import State

AHEAD_S = 0.05
"""Points are asked ahead of the workers for so much work, so that no worker waits for rank 0."""

MOST_AHEAD = 4096
"""But never more points than this, however short they are."""

WORTH_NOTING_S = 0.05
"""Shorter waits for the optimizer are not journaled one by one."""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One evaluation that was put and has no result yet."""

    point: AskedPoint
    number: int


class Campaign:
    """One campaign, from its first point or from where its journal ends.

    Args:
        client: The balancer's client.
        suggestions: The optimizer's side, replayed if the campaign is resumed.
        journal: Open for appending.
        state: The fold of the journal.
        settings: The campaign's choices.
        hosts: Host name of each rank.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        client: TaskClient,
        suggestions: Suggestions,
        journal: Journal,
        state: State,
        settings: Settings,
        *,
        hosts: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = client
        self.suggestions = suggestions
        self.journal = journal
        self.state = state
        self.settings = settings
        self.ending: SupervisorError | None = None  # why the campaign ends before its time
        self._hosts = hosts
        self._clock = clock
        self._attempts: dict[int, Attempt] = {}
        self._next_task = 0
        self._workers = client.layout.counts[settings.kind]
        self._mean_s = AHEAD_S  # running mean of the length of evaluations
        self._waited_s = 0.0
        self._withdraw_at_s = float("inf")
        self._backlog: deque[int] = deque(sorted(state.open))  # open when the journal ended

    # --- the role -------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether all results are in and all ranks have stopped."""
        return self.client.done

    @property
    def eager(self) -> bool:
        """Whether there is something to do at once."""
        return self.client.eager

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Pass a message on to the client."""
        return self.client.handle(message, source, now)

    def filenos(self) -> Sequence[int]:
        """Return nothing: a campaign waits for messages only."""
        return ()

    def poll(self, now: float) -> list[Send]:
        """Do one turn of the campaign and return what the client sends."""
        for report in self.client.take_reports():
            self._take_report(report)
        for result in self.client.take_results():
            self._take_result(result)
        self._keep_time()
        if self.ending is None:
            self._submit()
        self.journal.flush()
        self.journal.sync(now)
        if self._finished():
            self.client.drain()
        return self.client.poll(now)

    # --- what can happen from outside -----------------------------------------------------

    def interrupt(self, reason: str) -> None:
        """End resumably: nothing new begins, what runs has a grace period; twice, it has none."""
        if self.ending is None:
            self._end(Interrupted(reason))
            self._withdraw_at_s = self._clock() + self.settings.grace_s
        else:
            self._withdraw_at_s = self._clock()

    def close(self) -> None:
        """Write the journal's last event, after all ranks have stopped."""
        now = self._clock()
        if self.ending is None:
            self._record(Closed(reason="complete", time_s=now))
        elif isinstance(self.ending, Interrupted):
            self._record(InterruptedEvent(reason=str(self.ending), time_s=now))
        else:
            self._record(Closed(reason=f"stopped: {self.ending}", time_s=now))
        self.journal.close()

    # --- ask and submit -------------------------------------------------------------------

    def _submit(self) -> None:
        """Keep a few more points in flight than there are workers."""
        missing = self._workers + self._ahead() - self.client.outstanding
        if missing <= 0:
            return
        tasks = [self._task_of_open(self._backlog.popleft()) for _ in self._backlog_up_to(missing)]
        missing -= len(tasks)
        if missing > 0 and not self.suggestions.exhausted:
            tasks.extend(self._task(point, 1) for point in self._ask(missing))
        self.client.put(tasks)

    def _ahead(self) -> int:
        """Return how many points are to be in flight beyond one for each worker."""
        each = AHEAD_S / max(self._mean_s, 1e-6)
        return min(MOST_AHEAD, max(1, self._workers // 4, int(self._workers * each)))

    def _backlog_up_to(self, number: int) -> range:
        return range(min(number, len(self._backlog)))

    def _ask(self, number: int) -> list[AskedPoint]:
        starved = self.client.outstanding < self._workers
        began = self._clock()
        try:
            points = self.suggestions.ask(number, in_flight=bool(self._attempts))
        except SupervisorError as error:
            self._end(error)
            return []
        if starved:
            self._note_wait(self._clock() - began)
        if points:
            self._record(Asked(n=number, points=points, time_s=began))
        return points

    def _note_wait(self, seconds: float) -> None:
        self._waited_s += seconds
        if self._waited_s >= WORTH_NOTING_S:
            self._record(Waited(seconds=self._waited_s, time_s=self._clock()))
            self._waited_s = 0.0

    def _task_of_open(self, point_id: int) -> Task:
        """Return a task for a point that was in flight when the journal ended."""
        point = self.state.points[point_id]
        asked = AskedPoint(id=point_id, name=point.name, values=point.values or {})
        return self._task(asked, point.attempts + 1)

    def _task(self, point: AskedPoint, attempt: int, avoid: int = -1) -> Task:
        task_id = self._next_task
        self._next_task += 1
        self._attempts[task_id] = Attempt(point, attempt)
        evaluation = Evaluation(
            point.id, point.name, point.values, self.settings.task_seed(point.id), attempt
        )
        payload = msgspec.msgpack.encode(evaluation)
        settings = self.settings
        return Task(
            task_id, payload, kind=settings.kind, avoid=avoid, timeout_s=settings.timeout_s
        )

    # --- record and tell ------------------------------------------------------------------

    def _take_result(self, result: Result) -> None:
        attempt = self._attempts.pop(result.id)
        self._mean_s += 0.05 * (result.end_s - result.start_s - self._mean_s)
        if result.failure is None:
            self._take_value(attempt, result)
        elif result.failure.kind != "cancelled" and not isinstance(self.ending, Interrupted):
            # Schedulers signal the models too: a failure during the end says nothing of a point.
            self._take_failure(attempt, result, result.failure)

    def _take_value(self, attempt: Attempt, result: Result) -> None:
        metrics = decode_metrics(result.value)
        metric = self.settings.metric
        loss = None if metric is None else self.settings.loss(float(metrics[metric]))
        self._record(
            Finished(
                point=attempt.point.id,
                attempt=attempt.number,
                loss=loss,
                metrics=metrics,
                note=result.note,
                **self._circumstances(result),
            )
        )
        self._tell(attempt.point.id, loss, metrics, None)

    def _take_failure(self, attempt: Attempt, result: Result, failure: Failure) -> None:
        retry = attempt.number <= self.settings.retries
        imputed = None if retry else self._imputed()
        self._record(
            Failed(
                point=attempt.point.id,
                attempt=attempt.number,
                kind=failure.kind,
                message=failure.message,
                details=failure.details,
                final=not retry,
                loss=imputed,
                **self._circumstances(result),
            )
        )
        if retry:
            if self.ending is None:
                self.client.put([self._task(attempt.point, attempt.number + 1, result.rank)])
            return
        self._tell(attempt.point.id, imputed, {}, failure.message)
        if self.settings.on_failure == "stop" and self.ending is None:
            self._end(CampaignFailed(f"point {attempt.point.name} failed: {failure.message}"))
            self._withdraw_at_s = self._clock()

    def _imputed(self) -> float | None:
        """Return the loss that stands for a failure: the worst so far, never an average."""
        return self.state.worst_loss if self.settings.on_failure == "impute" else None

    def _circumstances(self, result: Result) -> dict[str, Any]:
        host = self._hosts[result.rank] if 0 <= result.rank < len(self._hosts) else ""
        return {
            "rank": result.rank,
            "host": host,
            "start_s": result.start_s,
            "end_s": result.end_s,
        }

    def _take_report(self, report: Report) -> None:
        attempt = self._attempts.get(report.id)
        if attempt is None:
            return
        metrics = decode_metrics(report.metrics)
        self._record(
            Reported(
                point=attempt.point.id,
                attempt=attempt.number,
                step=report.step,
                metrics=metrics,
                time_s=self._clock(),
            )
        )
        try:
            if self.suggestions.report(attempt.point.id, report.step, metrics):
                self.client.discontinue(report.id)
        except SupervisorError as error:
            self._end(error)

    def _tell(
        self, point: int, loss: float | None, metrics: dict[str, Any], error: str | None
    ) -> None:
        try:
            self.suggestions.tell(point, loss, metrics, error)
        except SupervisorError as problem:
            self._end(problem)

    def _record(self, event: Event) -> None:
        self.journal.append(event)
        self.state.apply(event)

    # --- the end --------------------------------------------------------------------------

    def _finished(self) -> bool:
        if self._attempts:
            return False
        return self.ending is not None or (self.suggestions.exhausted and not self._backlog)

    def _end(self, reason: SupervisorError) -> None:
        """Begin nothing more; the first reason is the one that counts."""
        if self.ending is None:
            self.ending = reason
            self.client.withdraw(running=False)
            if not isinstance(reason, Interrupted):
                self._withdraw_at_s = self._clock()

    def _keep_time(self) -> None:
        """Interrupt when the deadline is near; withdraw what runs when its grace is over."""
        now = self._clock()
        if now >= self.settings.deadline_s - 2 * self.settings.grace_s and self.ending is None:
            self.interrupt("the walltime is over")
        if now >= self._withdraw_at_s:
            self._withdraw_at_s = float("inf")
            self.client.withdraw(running=True)
