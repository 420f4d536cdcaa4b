"""A campaign: ask, submit, record, tell. Read this first.

It lives on rank 0 as the balancer's client role. Every turn it takes what has arrived, writes it
to the journal, tells the optimizer, asks for as many points as keep the workers busy, and puts
them. The journal is written before anything follows from an event, so a run that is killed at
any moment can be resumed.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from supervisor.balancer.messages import Message, Send
from supervisor.campaign.conclusion import Conclusion, last_event
from supervisor.campaign.evaluations import Attempt, Evaluations
from supervisor.campaign.pace import WORTH_NOTING_S, Pace, Wait
from supervisor.campaign.settings import Settings
from supervisor.campaign.shared import TaskClient
from supervisor.campaign.suggestions import Closing, Suggestions
from supervisor.campaign.twins import Twins
from supervisor.core.errors import CampaignFailed, InputError, Interrupted, SupervisorError
from supervisor.core.objective import decode_metrics
from supervisor.core.task import Failure, Report, Result, Task
from supervisor.experiment.events import (
    Asked,
    AskedPoint,
    Event,
    Finished,
    Reported,
    Reused,
    Waited,
)
from supervisor.experiment.journal import Journal
from supervisor.experiment.state import State


class Campaign:
    """One campaign, from its first point or from where its journal ends.

    Args:
        client: The balancer's client.
        suggestions: The optimizer's side, replayed if the campaign is resumed.
        journal: Open for appending.
        state: The fold of the journal.
        settings: The campaign's choices.
        hosts: Host name of each rank.
        twins: Of the points in the journal; None if there are none.
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
        twins: Twins | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = client
        self.suggestions = suggestions
        self.journal = journal
        self.state = state
        self.settings = settings
        self.ending: SupervisorError | None = None  # why the campaign ends before its time
        self._clock = clock
        workers = client.layout.counts[settings.kind]
        self._evaluations = Evaluations(settings, state.points, hosts, workers)
        self._pace = Pace(workers)
        self._twins = (twins or Twins()) if settings.reuse else None
        self._waiting: dict[int, list[AskedPoint]] = {}  # by the equal point that is evaluated
        self._again = False  # points came, and none of them is to be evaluated
        self._conclusion = Conclusion(suggestions, journal, state, settings)
        self._wait = Wait(clock())
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
        return self.client.eager or self._again

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Pass a message on to the client."""
        return self.client.handle(message, source, now)

    def filenos(self) -> Sequence[int]:
        """Return descriptors that become readable when the optimizer has answered."""
        return self.suggestions.filenos()

    def poll(self, now: float) -> list[Send]:
        """Do one turn of the campaign and return what the client sends."""
        for report in self.client.take_reports():
            self._take_report(report)
        for result in self.client.take_results():
            self._take_result(result)
        self._keep_time()
        self._note_wait()
        if self.ending is None:
            try:
                self._submit()
                if self._complete and (event := self._conclusion.turn(self._clock())):
                    self._record(event)
            except SupervisorError as error:
                self._end(error)
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
        self._record_wait()
        self._record(last_event(self.ending, self._clock()))
        self.journal.close()
        self.suggestions.close()

    # --- ask and submit -------------------------------------------------------------------

    def _submit(self) -> None:
        """Keep a few more evaluations in flight than there are workers."""
        tasks: list[Task] = []
        wanted = self._pace.wanted(independent=self.suggestions.independent)
        while self._backlog and self._evaluations.workers < wanted:
            tasks += self._evaluate(self.state.asked_point(self._backlog.popleft()))
        missing = wanted - self._evaluations.workers
        if missing > 0:
            width = self._evaluations.width * self.settings.repeats
            self.suggestions.request(math.ceil(missing / width))
        if (batch := self.suggestions.take()) is not None:
            self._pace.answered(batch.seconds)
            if batch.points:
                self._record(
                    Asked(n=batch.n, points=batch.points, after=batch.after, time_s=self._clock())
                )
            for point in batch.points:
                tasks += self._evaluate(point)
        if stopped := self.suggestions.stops():
            for id in self._evaluations.tasks_of(stopped):
                self.client.discontinue(id)
        self._again = batch is not None and bool(batch.points) and not tasks
        for task in tasks:
            try:
                self.client.put([task])
            except InputError as error:  # there are no such workers, or not so many
                self._take_result(Result(task.id, b"", Failure("invalid", error.problem)))

    def _evaluate(self, point: AskedPoint) -> list[Task]:
        """Return what is to be put for a point; nothing if its result is that of another."""
        if self._twins is not None and (first := self._twins.first(point)) != point.id:
            if first in self.state.open:
                self._waiting.setdefault(first, []).append(point)
            else:
                self._reuse(point, first)
            return []
        known = self.state.repeated.get(point.id, {})
        missing = [one for one in range(self.settings.repeats) if one not in known]
        if not missing:  # the journal ended just before their mean
            self._take_mean(point.id)
            return []
        number = 1 if known else self.state.points[point.id].attempts + 1
        return self._evaluations.tasks(point, missing, number)

    def _note_wait(self) -> None:
        """Journal how long workers have nothing to do because the optimizer is thinking."""
        idle = self._pace.workers - self._evaluations.workers if self.suggestions.pending else 0
        if self._wait.add(idle, self._clock()) >= WORTH_NOTING_S and not idle:
            self._record_wait()

    def _record_wait(self) -> None:
        if (seconds := self._wait.take()) > 0:
            self._record(Waited(seconds=seconds, time_s=self._clock()))

    # --- record and tell ------------------------------------------------------------------

    def _take_result(self, result: Result) -> None:
        attempt = self._evaluations.end(result.id)
        if attempt.point.id not in self.state.open:
            return  # another of its repeats has failed for good
        self._pace.evaluated(result.end_s - result.start_s)
        if result.failure is None:
            self._take_value(attempt, result)
        elif result.failure.kind != "cancelled" and not isinstance(self.ending, Interrupted):
            # Schedulers signal the models too: a failure during the end says nothing of a point.
            self._take_failure(attempt, result, result.failure)

    def _take_value(self, attempt: Attempt, result: Result) -> None:
        event = self._evaluations.finished(attempt, result)
        self._record(event)
        if isinstance(event, Finished):
            self._tell_value(event)
        elif len(self.state.repeated[event.point]) == self.settings.repeats:
            self._take_mean(event.point)

    def _take_mean(self, point: int) -> None:
        event = self._evaluations.mean(self.state.repeated[point].values())
        self._record(event)
        self._tell_value(event)

    def _tell_value(self, event: Finished) -> None:
        self._tell(event)
        for twin in self._waiting.pop(event.point, ()):
            self._reuse(twin, event.point)

    def _reuse(self, point: AskedPoint, first: int) -> None:
        """Give a point the result of an equal one."""
        known = self.state.points[first]
        event = Reused(
            point=point.id,
            of=first,
            loss=known.loss,
            metrics=known.metrics,
            losses=known.losses,
            time_s=self._clock(),
        )
        self._record(event)
        self._tell(event)

    def _take_failure(self, attempt: Attempt, result: Result, failure: Failure) -> None:
        retry = attempt.number <= self.settings.retries
        imputed = None if retry else self._imputed()
        event = self._evaluations.failed(attempt, result, failure, loss=imputed, final=not retry)
        self._record(event)
        if retry:
            if self.ending is None:
                self.client.put([self._evaluations.again(attempt, result.rank)])
            return
        self._tell(event)
        if self.settings.on_failure == "stop" and self.ending is None:
            self._end(CampaignFailed(f"point {attempt.point.name} failed: {failure.message}"))
            self._withdraw_at_s = self._clock()
        self._evaluate_twins(attempt.point)

    def _evaluate_twins(self, failed: AskedPoint) -> None:
        """Evaluate one of the points that would have had the result of one that failed."""
        if self._twins is not None:
            self._twins.forget(failed)
            twins = self._waiting.pop(failed.id, ())
            if self.ending is None:
                self.client.put([task for twin in twins for task in self._evaluate(twin)])

    def _imputed(self) -> float | None:
        """Return the loss that stands for a failure: the worst so far, never an average."""
        return self.state.worst_loss if self.settings.on_failure == "impute" else None

    def _take_report(self, report: Report) -> None:
        attempt = self._evaluations.find(report.id)
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
            self.suggestions.report(attempt.point.id, report.step, metrics)
        except SupervisorError as error:
            self._end(error)

    def _tell(self, event: Closing) -> None:
        try:
            self.suggestions.tell(event)
        except SupervisorError as error:
            self._end(error)

    def _record(self, event: Event) -> None:
        self.journal.append(event)
        self.state.apply(event)

    # --- the end --------------------------------------------------------------------------

    def _finished(self) -> bool:
        if self.ending is not None:
            return not self._evaluations
        return self._complete and self._conclusion.done

    @property
    def _complete(self) -> bool:
        """Whether there is nothing left to evaluate."""
        open_ = self._evaluations or self._backlog or self._waiting
        return self.suggestions.exhausted and not open_

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
