"""One run of a pipeline on the ranks that there are: new, or resumed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from supervisor.balancer.client import Client
from supervisor.balancer.pump import Pump
from supervisor.core.errors import CampaignFailed, InputError, Interrupted, SupervisorError
from supervisor.core.files import set_folder
from supervisor.core.objective import Program
from supervisor.core.scope import entered
from supervisor.dataflow.calls import Calls
from supervisor.dataflow.load import load
from supervisor.dataflow.pipeline import Pipeline
from supervisor.experiment.events import Closed, Opened
from supervisor.experiment.events import Interrupted as InterruptedEvent
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal, read_journal
from supervisor.experiment.steps import StepsState, replay_steps
from supervisor.experiment.table import write_csv
from supervisor.experiment.values import ValueStore
from supervisor.monitor.steps import StepsProgress, failure_lines
from supervisor.runtime.conductor import INTERVAL_S, Signals
from supervisor.runtime.entry import build_executor
from supervisor.runtime.frame import Frame
from supervisor.runtime.ledger import Ledger
from supervisor.runtime.options import Options
from supervisor.runtime.searches import Searches
from supervisor.runtime.session import new_experiment
from supervisor.runtime.stepper import Stepper
from supervisor.runtime.world import World

GRACE_S = 5.0
"""How long running instances may go on after an interruption."""

STARTED_TOGETHER = 100
"""So many instances are started between two looks at what has ended."""


class PipelineFailed(CampaignFailed):
    """Steps failed; all that did not need them has been done."""


def start_pipeline(
    world: World,
    pipeline: Pipeline,
    options: Options,
    progress: StepsProgress,
    submitted: Experiment | None = None,
) -> None:
    """Run a pipeline as a new experiment.

    Args:
        world: The ranks.
        pipeline: The steps.
        options: Of the run.
        progress: Shows how it goes.
        submitted: The experiment, if it was made when its job was submitted.

    Raises:
        InputError: If it does not fit the ranks; nothing is created then.
        PipelineFailed: If steps failed.
        Interrupted: If the run was ended before its time.
    """
    layout = pipeline.layout(world.size, options.servers, options.workers)
    world.gather()
    experiment = submitted or new_experiment(options, pipeline.name, pipeline.document)
    journal = Journal.create(experiment.journal)
    opened = Opened(
        name=pipeline.name,
        seed=0,
        metric=None,
        maximize=False,
        source=str(pipeline.document.path.resolve()),
        source_dir=str(pipeline.folder),
        time_s=time.time(),
        steps=list(pipeline.steps),
    )
    state = StepsState()
    journal.append(opened)
    state.apply(opened)
    run = PipelineRun(Frame(world, layout, options, experiment), pipeline, progress)
    run.execute(journal, state, resumed=False)


def resume_pipeline(
    world: World, experiment: Experiment, options: Options, progress: StepsProgress
) -> None:
    """Continue a pipeline: what has finished is not run again, all else is.

    Raises:
        InputError: If its code has changed so that it cannot go on.
        PipelineFailed: If steps failed.
        Interrupted: If the run was ended before its time.
    """
    if options.overrides:
        raise InputError("--set", "cannot change an experiment that is resumed; start a new one")
    journal = Journal.open(experiment.journal)
    state = replay_steps(read_journal(experiment.journal))
    assert state.opening is not None
    pipeline = load(experiment.workflow, folder=Path(state.opening.source_dir))
    assert isinstance(pipeline, Pipeline)
    if list(pipeline.steps) != state.opening.steps:
        problem = "has other steps than the journal; it was changed after the run began"
        raise InputError(str(experiment.workflow), problem)
    layout = pipeline.layout(world.size, options.servers, options.workers)
    world.gather()
    run = PipelineRun(Frame(world, layout, options, experiment), pipeline, progress)
    run.execute(journal, state, resumed=True)


class PipelineRun:
    """The parts of one run, wired together."""

    def __init__(self, frame: Frame, pipeline: Pipeline, progress: StepsProgress) -> None:
        self.frame = frame
        self.pipeline = pipeline
        self.progress = progress
        self.ending: SupervisorError | None = None
        self._withdraw_at_s = float("inf")
        self._next_s = 0.0

    def execute(self, journal: Journal, state: StepsState, *, resumed: bool) -> None:
        """Run the steps to their end, whatever that is, and write what it leaves.

        Raises:
            PipelineFailed: If steps failed.
            Interrupted: If it was ended before its time.
        """
        frame = self.frame
        frame.open_session(journal, state)
        lines = frame.titles(self.pipeline.summary, resumed=resumed)
        self.progress.begin(lines, state, workers=len(frame.layout.workers))
        self._run(journal, state)
        self._end(journal, state)

    def _run(self, journal: Journal, state: StepsState) -> None:
        folder = str(self.pipeline.folder)
        set_folder(folder)
        if folder not in sys.path:  # for values of types of the user's own
            sys.path.insert(0, folder)
        frame = self.frame
        client = Client(frame.layout, frame.world.hosts)
        program = Program(folder, deadline_s=frame.deadline_s)
        pump = frame.world.begin(frame.layout, client, program, build_executor)
        calls = Calls(client, pump.until, pump.turn)
        store = ValueStore(frame.experiment)
        ledger = Ledger(journal, state, store, hosts=frame.world.hosts, tell=self.progress.tell)
        searches = Searches(
            frame.world,
            frame.layout,
            frame.options,
            experiment=frame.experiment,
            flow=calls,
            deadline_s=frame.deadline_s,
        )
        stepper = Stepper(self.pipeline, calls, state, store, ledger, searches)
        with Signals() as signals, entered(calls):
            try:
                self._loop(stepper, calls, pump, journal, signals)
            except BaseException:
                client.stop()
                raise
            finally:
                client.drain()
                frame.world.finish(pump)
                calls.end()

    def _loop(
        self, stepper: Stepper, calls: Calls, pump: Pump, journal: Journal, signals: Signals
    ) -> None:
        """Take what ended, write it down, start what follows from it; until all is done."""
        reasons: list[str] = []

        def moved() -> bool:
            reasons.extend(signals.take())
            return calls.listen() or bool(reasons) or time.monotonic() >= self._next_s

        while True:
            stepper.take()
            journal.flush()
            stepper.start(STARTED_TOGETHER)
            journal.sync(time.monotonic())
            self._keep_time(stepper, calls.client, reasons)
            if stepper.done:
                journal.flush()
                return
            if stepper.eager:
                calls.turn()
            else:
                pump.until(moved)

    def _keep_time(self, stepper: Stepper, client: Client, reasons: list[str]) -> None:
        """Interrupt when somebody says so or the deadline is near; show how things go."""
        now = time.time()
        if now >= self.frame.deadline_s - 2 * GRACE_S and self.ending is None:
            reasons.append("the walltime is over")
        for reason in reasons:
            stepper.stop(reason)
            if self.ending is None:
                self.ending = Interrupted(reason)
                client.withdraw(running=False)
                self._withdraw_at_s = now + GRACE_S
            else:
                self._withdraw_at_s = now
        reasons.clear()
        if now >= self._withdraw_at_s:
            self._withdraw_at_s = float("inf")
            client.withdraw(running=True)
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + INTERVAL_S
            client.inquire()
            self.progress.update(client.loads.values())

    def _end(self, journal: Journal, state: StepsState) -> None:
        """Write the journal's last event and the table, and say what came out."""
        now = time.time()
        failed = failure_lines(state)
        if self.ending is not None:
            journal.append(InterruptedEvent(reason=str(self.ending), time_s=now))
        else:
            number = state.counts()["failed"]
            reason = f"ended with failures: {number}" if failed else "complete"
            journal.append(Closed(reason=reason, time_s=now))
        journal.close()
        experiment = self.frame.experiment
        write_csv(experiment.journal, experiment.results)
        self.progress.end(experiment, self.ending)
        if self.ending is not None:
            raise self.ending
        if failed:
            text = "\n  ".join(failed)
            again = f"supervisor run --resume {experiment.path}"
            raise PipelineFailed(f"steps failed:\n  {text}\nto run them again: {again}")
