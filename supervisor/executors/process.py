"""Tasks in a child process: whatever user code does there, the worker goes on."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import msgspec

from supervisor.core.errors import ProtocolError
from supervisor.core.executor import Seat
from supervisor.core.ids import Ids
from supervisor.core.objective import Evaluation, Objective, Program
from supervisor.core.task import Failure, Report, Result, Task
from supervisor.executors.channel import (
    FROM_CHILD,
    Begin,
    Done,
    Garbled,
    Progress,
    Run,
    Stop,
    Traces,
)
from supervisor.executors.context import absolute, run_dir
from supervisor.executors.guard import GRACE_S, SWEEP_S
from supervisor.executors.output import LoggedOutput, Output, PassedOutput
from supervisor.executors.sandbox import Sandbox
from supervisor.executors.traces import remove

READ_BYTES = 1_000_000
PUSH_S = 2e-3
LOST_S = 2.0
STUCK_S = GRACE_S + SWEEP_S + 3.0


@dataclass(slots=True)
class Current:
    """The task in progress.

    Attributes:
        verdict: Why the task is being killed, or None.
        stuck_at: When to stop waiting for its end, by the monotonic clock.
        lost_at: When to kill a child that broke its channel and does not die of it.
        traces: What it leaves behind if it fails.
    """

    task: Task
    output: Output
    start_s: float
    timeout_at: float
    verdict: Failure | None = None
    stuck_at: float = math.inf
    lost_at: float = math.inf
    traces: list[Traces] = field(default_factory=list)


class ProcessExecutor:
    """Runs tasks in a child that lives as long as it behaves.

    The child is started with the first task and again after it had to be killed. A time
    limit counts from ``start`` and so includes the import of the user's code.

    Args:
        job: An objective, whose points are evaluated; or a program, whose calls are made.
        seat: The worker's.
        cores: That numerical libraries in the child may use.
        ids: Maker of the ids of data; the child goes on where it stands.
    """

    def __init__(self, job: Objective | Program, seat: Seat, cores: int, ids: Ids) -> None:
        self._job = absolute(job) if isinstance(job, Objective) else job
        self._seat = seat
        self._cores = cores
        self._ids = ids
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
            self._refused = Result(task.id, b"", failure, self._seat.rank, start_s, time.time())
            return
        timeout_at = time.monotonic() + task.limit_s
        self._current = Current(task, self._capture(task), start_s, timeout_at)
        end_s = min(start_s + task.limit_s, self._job.deadline_s)
        sandbox.control.send(Run(task, end_s, self._ids.made))

    def _ready(self) -> Sandbox:
        self._idle()
        if self._sandbox is None:
            self._sandbox = Sandbox(Begin(self._job, self._seat), self._cores)
        return self._sandbox

    def _capture(self, task: Task) -> Output:
        """Return what takes the output of a task."""
        limit_mb = self._job.output_limit_mb
        if isinstance(self._job, Program):
            return PassedOutput(limit_mb)
        evaluation = msgspec.msgpack.decode(task.payload, type=Evaluation)
        place = task.gang.place(self._seat.rank) if task.gang else 0
        name = f"log.{place}.txt" if place else "log.txt"
        log = run_dir(self._job, evaluation.name) / name
        return LoggedOutput(limit_mb, log, evaluation.attempt)

    def _idle(self) -> Result | None:
        """Keep the descriptors quiet between tasks: helpers of a model may print, or crash."""
        if self._sandbox is not None:
            self._sandbox.read_output(READ_BYTES)
            broken = False
            try:
                self._sandbox.control.receive()
            except Garbled:
                broken = True
            if broken or self._sandbox.ended():
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
        self._sandbox.control.push(PUSH_S)
        done = self._listen(self._current, self._sandbox)
        self._current.output.add(self._sandbox.read_output(READ_BYTES))
        self._judge(self._current, done)
        if self._current.verdict is None and done is not None:
            self._ids.resume(done.made)
            return self._finish(self._current, done.result)
        if ended:
            return self._bury(self._current, self._sandbox.end())
        if time.monotonic() > self._current.stuck_at:
            return self._give_up(self._current, self._sandbox)
        return None

    def _listen(self, current: Current, sandbox: Sandbox) -> Done | None:
        done = None
        try:
            messages = [FROM_CHILD.decode(data) for data in sandbox.control.receive()]
        except (Garbled, msgspec.DecodeError):  # user code wrote to a descriptor not its own
            current.lost_at = time.monotonic()
            return None  # nor is a result to be trusted that comes this way
        for message in messages:
            if isinstance(message, Progress):
                self._reports.append(message.report)
            elif isinstance(message, Traces):
                current.traces.append(message)
            elif message.result.id == current.task.id:
                done = message
        if sandbox.control.closed:
            current.lost_at = min(current.lost_at, time.monotonic() + LOST_S)
        return done

    def _judge(self, current: Current, done: Done | None) -> None:
        """Kill a task that reached a limit; a result that is there already counts."""
        if current.output.exceeded:
            hint = "; see task.output_limit_mb" if isinstance(self._job, Objective) else ""
            limit = f"{self._job.output_limit_mb:g} MB"
            text = f"wrote more than {limit} of output and was killed{hint}"
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
        elif time.time() >= self._job.deadline_s:
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
        return self._finish(current, Result(current.task.id, b"", current.verdict or end))

    def _give_up(self, current: Current, sandbox: Sandbox) -> Result:
        """Return the failure of a task whose processes resist, e.g. stuck in a file system."""
        sandbox.abandon()
        self._sandbox = None
        return self._finish(current, Result(current.task.id, b"", current.verdict))

    def _finish(self, current: Current, result: Result) -> Result:
        self._current = None
        current.output.close()
        notes = "; ".join(text for text in (result.note, current.output.problem) if text)
        return msgspec.structs.replace(
            result,
            failure=result.failure and told(result.failure, current),
            rank=self._seat.rank,
            start_s=current.start_s,
            end_s=time.time(),
            note=notes,
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
                clean(self._current.traces)
                self._current.output.close()
        self._sandbox = self._current = None


def told(failure: Failure, current: Current) -> Failure:
    """Return a failure with the end of the task's output and what it left; the rest is removed."""
    parts = [failure.details] if failure.details else []
    tail = current.output.tail()
    if tail.strip() and tail.strip() not in failure.details:
        parts.append(f"The end of its output:\n{tail}")
    parts.extend(f"Its directory is kept: {one}" for one in clean(current.traces))
    return msgspec.structs.replace(failure, details="\n".join(parts))


def clean(traces: list[Traces]) -> list[str]:
    """Remove the files that a failed task left half-written; return the directories it left."""
    remove(path for one in traces for path in one.temporaries)
    return [one.directory for one in traces if one.directory]
