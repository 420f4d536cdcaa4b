"""Evaluation in the worker's own process: fast, and as fragile as the objective."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from supervisor.core.objective import Evaluation, Objective
from supervisor.core.task import Report, Result, Task
from supervisor.executors.call import Outcome, PythonObjective, attempt
from supervisor.executors.context import Context, Tell, absolute


class InlineExecutor:
    """Calls the objective in ``start``; the first ``poll`` after it returns the result.

    Exceptions and ``sys.exit`` become failures. A crash ends the worker, no time limit can
    be enforced, output is not captured, and reports arrive together with the result, so
    nothing can be stopped early or cancelled: the process executor does all of that.
    """

    def __init__(self, objective: Objective, rank: int) -> None:
        self._objective = absolute(objective)
        self._rank = rank
        self._evaluate = PythonObjective(self._objective)
        self._decoder = msgspec.msgpack.Decoder(Evaluation)
        self._home = str(Path.cwd())
        self._result: Result | None = None
        self._reports: list[Report] = []

    def start(self, task: Task) -> None:
        """Evaluate the task."""
        start_s = time.time()
        end_s = min(start_s + task.limit_s, self._objective.deadline_s)
        value, failure, note = self._outcome(task, end_s)
        self._result = Result(
            task.id, value, failure, self._rank, start_s, end_s=time.time(), note=note
        )

    def _outcome(self, task: Task, end_s: float) -> Outcome:
        evaluation = self._decoder.decode(task.payload)
        context = Context(evaluation, self._objective, end_s=end_s, tell=self._teller(task))
        return attempt(self._in_source_dir, evaluation, context, self._objective)

    def _teller(self, task: Task) -> Tell:
        def tell(step: int, metrics: bytes) -> bool:
            self._reports.append(Report(task.id, step, metrics))
            return False

        return tell

    def _in_source_dir(self, evaluation: Evaluation, context: Context) -> object:
        """Evaluate where the process executor does, so that relative names mean the same."""
        os.chdir(self._objective.source_dir)
        try:
            return self._evaluate(evaluation, context)
        finally:
            os.chdir(self._home)

    def poll(self) -> Result | None:
        """Return the result of the task that ``start`` evaluated, once."""
        result, self._result = self._result, None
        return result

    def reports(self) -> list[Report]:
        """Return what the task reported."""
        reports, self._reports = self._reports, []
        return reports

    def stop_early(self, task_id: int) -> None:
        """Do nothing: the task is over."""

    def cancel(self) -> None:
        """Do nothing: the task is over."""

    def filenos(self) -> list[int]:
        """Return none: a result is there as soon as ``start`` returns."""
        return []

    def close(self) -> None:
        """Do nothing: nothing is held."""
