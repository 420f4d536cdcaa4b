"""Evaluation in a child process: whatever the objective does, the worker goes on."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import msgspec

from supervisor.core.errors import ProtocolError
from supervisor.core.objective import Evaluation, Objective
from supervisor.core.task import Failure, Report, Result, Task
from supervisor.executors.channel import Done, FromChild, Progress, Run, Stop
from supervisor.executors.context import absolute, run_dir
from supervisor.executors.guard import GRACE_S, SWEEP_S
from supervisor.executors.output import Output
from supervisor.executors.sandbox import Sandbox

READ_BYTES = 1_000_000
LOST_S = 2.0
STUCK_S = GRACE_S + SWEEP_S + 3.0


@dataclass(slots=True)
class Current:
    """The task in progress.

    Attributes:
        verdict: Why the task is being killed, or None.
        stuck_at: When to stop waiting for its end, by the monotonic clock.
        lost_at: When to kill a child that broke its channel and does not die of it.
    """

    task: Task
    output: Output
    start_s: float
    timeout_at: float
    verdict: Failure | None = None
    stuck_at: float = math.inf
    lost_at: float = math.inf


class ProcessExecutor:
    """Evaluates Python and shell objectives in a child that lives as long as it behaves.

    The child is started with the first task and again after it had to be killed. A time
    limit counts from ``start`` and so includes the import of the objective.
    """

    def __init__(self, objective: Objective, rank: int, cores: int) -> None:
        self._objective = absolute(objective)
        self._rank = rank
        self._cores = cores
        self._decoder = msgspec.msgpack.Decoder(FromChild)
        self._sandbox: Sandbox | None = None
        self._current: Current | None = None
        self._refused: Result | None = None
        self._reports: list[Report] = []

    def start(self, task: Task) -> None:
        """Hand the task to the child; start one if there is none."""
        if self._current is not None:
            raise ProtocolError(f"task {task.id} came while {self._current.task.id} runs")
        start_s = time.time()
        try:
            sandbox = self._ready()
        except OSError as error:
            failure = Failure("exited", f"its process could not be started: {error}")
            self._refused = Result(task.id, b"", failure, self._rank, start_s, time.time())
            return
        evaluation = msgspec.msgpack.decode(task.payload, type=Evaluation)
        log = run_dir(self._objective, evaluation.name) / "log.txt"
        output = Output(log, evaluation.attempt, self._objective.output_limit_mb)
        timeout_at = time.monotonic() + task.limit_s
        self._current = Current(task, output, start_s, timeout_at)
        end_s = min(start_s + task.limit_s, self._objective.deadline_s)
        sandbox.control.send(Run(task.id, task.payload, end_s))

    def _ready(self) -> Sandbox:
        self._idle()
        if self._sandbox is None:
            self._sandbox = Sandbox(self._objective, self._cores)
        return self._sandbox

    def _idle(self) -> Result | None:
        """Keep the descriptors quiet between tasks: helpers of a model may print, or crash."""
        if self._sandbox is not None:
            self._sandbox.read_output(READ_BYTES)
            self._sandbox.control.receive()
            if self._sandbox.ended():
                self._sandbox.close(patience_s=0)
                self._sandbox = None
        refused, self._refused = self._refused, None
        return refused

    def poll(self) -> Result | None:
        """Return the result once the task ended, and its processes too if it was killed."""
        if self._current is None or self._sandbox is None:
            return self._idle()
        # Asked first, so that all a dead child has sent and printed is read below.
        ended = self._sandbox.ended()
        self._sandbox.control.flush()
        done = self._listen(self._current, self._sandbox)
        self._current.output.add(self._sandbox.read_output(READ_BYTES))
        self._judge(self._current, done)
        if self._current.verdict is None and done is not None:
            return self._finish(self._current, done.value, done.failure, done.note)
        if ended:
            return self._bury(self._current, self._sandbox.end())
        if time.monotonic() > self._current.stuck_at:
            return self._give_up(self._current, self._sandbox)
        return None

    def _listen(self, current: Current, sandbox: Sandbox) -> Done | None:
        done = None
        for data in sandbox.control.receive():
            try:
                message = self._decoder.decode(data)
            except msgspec.DecodeError:  # user code wrote to a descriptor that is not its own
                current.lost_at = time.monotonic()
                return None  # nor is a result to be trusted that comes this way
            if isinstance(message, Progress):
                self._reports.append(message.report)
            elif message.id == current.task.id:
                done = message
        if sandbox.control.closed:
            current.lost_at = min(current.lost_at, time.monotonic() + LOST_S)
        return done

    def _judge(self, current: Current, done: Done | None) -> None:
        """Kill a task that reached a limit; a result that is there already counts."""
        if current.output.exceeded:
            limit = f"{self._objective.output_limit_mb:g} MB"
            text = f"wrote more than {limit} of output and was killed; see task.output_limit_mb"
            self._kill(current, Failure("output", text))
        elif done is not None:
            return
        elif time.monotonic() >= current.timeout_at:
            limit = f"{current.task.limit_s:g} s"
            self._kill(
                current, Failure("timeout", f"reached its time limit of {limit} and was killed")
            )
        elif time.monotonic() >= current.lost_at:
            self._kill(current, Failure("exited", "broke its connection to the worker"))
        elif time.time() >= self._objective.deadline_s:
            # The walltime ends; that says nothing about this point.
            self._kill(current, Failure("cancelled", "the time of the run is over"))

    def _kill(self, current: Current, verdict: Failure) -> None:
        if current.verdict is None and self._sandbox is not None:
            current.verdict = verdict
            current.stuck_at = time.monotonic() + STUCK_S
            self._sandbox.terminate()

    def _bury(self, current: Current, end: Failure) -> Result:
        """Return the failure of a task whose child is dead."""
        if self._sandbox is not None:
            self._sandbox.close(patience_s=0)
            self._sandbox = None
        return self._finish(current, b"", current.verdict or end)

    def _give_up(self, current: Current, sandbox: Sandbox) -> Result:
        """Return the failure of a task whose processes resist, e.g. stuck in a file system."""
        sandbox.abandon()
        self._sandbox = None
        return self._finish(current, b"", current.verdict)

    def _finish(
        self, current: Current, value: bytes, failure: Failure | None, note: str = ""
    ) -> Result:
        self._current = None
        current.output.close()
        tail = current.output.tail()
        if failure is not None and tail:
            details = f"{failure.details}\nThe end of its output:\n{tail}".lstrip()
            failure = msgspec.structs.replace(failure, details=details)
        notes = "; ".join(text for text in (note, current.output.problem) if text)
        return Result(
            current.task.id, value, failure, self._rank, current.start_s, time.time(), notes
        )

    def reports(self) -> list[Report]:
        """Return what the task has reported since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def stop_early(self, task_id: int) -> None:
        """Tell the child; the task learns it from its next report."""
        if self._sandbox is not None and self._current is not None:
            self._sandbox.control.send(Stop(task_id))

    def cancel(self) -> None:
        """Kill the task and its processes."""
        if self._current is not None:
            self._kill(self._current, Failure("cancelled", "the run is ending"))

    def filenos(self) -> list[int]:
        """Return the descriptors of the child, if there is one."""
        return [] if self._sandbox is None else self._sandbox.filenos()

    def close(self) -> None:
        """End the child; wait until it and all its descendants are gone."""
        if self._sandbox is not None:
            if self._current is None:
                self._sandbox.close()
            else:
                self._sandbox.close(patience_s=0)
                self._current.output.close()
        self._sandbox = self._current = None
