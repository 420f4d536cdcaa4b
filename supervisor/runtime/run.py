"""One run of a workflow on the ranks that there are: new, or resumed."""

from __future__ import annotations

import time
from pathlib import Path

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout
from supervisor.campaign.campaign import Campaign
from supervisor.campaign.settings import Settings
from supervisor.campaign.suggestions import Suggestions
from supervisor.core.errors import InputError
from supervisor.dataflow.workflow import Workflow, load_workflow
from supervisor.experiment.events import Opened
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal, read_journal
from supervisor.experiment.state import State, replay
from supervisor.experiment.table import write_csv
from supervisor.monitor.progress import Progress
from supervisor.runtime.conductor import Conductor, Signals
from supervisor.runtime.entry import build_executor
from supervisor.runtime.options import Options
from supervisor.runtime.session import open_session, titles
from supervisor.runtime.world import World


def start(world: World, workflow: Workflow, options: Options, progress: Progress) -> Campaign:
    """Run a workflow as a new experiment.

    Returns:
        The campaign, at its end.

    Raises:
        InputError: If it does not fit the ranks; nothing is created then.
    """
    layout = workflow.layout(world.size, options.servers, options.workers)
    world.gather()
    experiment = Experiment.create(options.out, workflow.name)
    experiment.workflow.write_text(workflow.document.text(), encoding="utf-8")
    journal = Journal.create(experiment.journal)
    opened = opened_of(workflow)
    state = State()
    journal.append(opened)
    state.apply(opened)
    run = Run(world, layout, workflow, experiment, options, progress)
    return run.execute(journal, state, resumed=False)


def resume(world: World, experiment: Experiment, options: Options, progress: Progress) -> Campaign:
    """Continue an experiment where its journal ends.

    Returns:
        The campaign, at its end.

    Raises:
        InputError: If there is nothing to continue.
    """
    if not experiment.journal.is_file():
        raise InputError(str(experiment.path), "has no journal; it was never begun")
    if options.overrides:
        raise InputError("--set", "cannot change an experiment that is resumed; start a new one")
    journal = Journal.open(experiment.journal)
    state = replay(read_journal(experiment.journal))
    if state.opening is None:
        raise InputError(str(experiment.journal), "is empty; run the workflow anew")
    workflow = load_workflow(experiment.workflow, folder=Path(state.opening.source_dir))
    layout = workflow.layout(world.size, options.servers, options.workers)
    world.gather()
    run = Run(world, layout, workflow, experiment, options, progress)
    return run.execute(journal, state, resumed=True)


class Run:
    """The parts of one run, wired together."""

    def __init__(
        self,
        world: World,
        layout: Layout,
        workflow: Workflow,
        experiment: Experiment,
        options: Options,
        progress: Progress,
    ) -> None:
        self.world = world
        self.layout = layout
        self.workflow = workflow
        self.experiment = experiment
        self.options = options
        self.progress = progress
        walltime_s = options.walltime_s
        self.deadline_s = float("inf") if walltime_s is None else time.time() + walltime_s

    def execute(self, journal: Journal, state: State, *, resumed: bool) -> Campaign:
        """Run the campaign to its end, whatever that is, and write what it leaves."""
        settings = settings_of(self.workflow, self.layout, self.deadline_s)
        suggestions = Suggestions(self.workflow.optimizer(), settings, self.workflow.space)
        if resumed:
            suggestions.replay(read_journal(self.experiment.journal), str(journal.path))
        self._open_session(journal, state)
        client = Client(self.layout, self.world.hosts)
        campaign = Campaign(client, suggestions, journal, state, settings, hosts=self.world.hosts)
        self.progress.begin(
            self._titles(resumed),
            state,
            workers=len(self.layout.workers),
            total=self.workflow.expected,
        )
        objective = self.workflow.executed(self.experiment.path.resolve(), self.deadline_s)
        with Signals() as signals:
            conductor = Conductor(campaign, client, self.progress, signals)
            self.world.run(self.layout, conductor, objective, build_executor)
        campaign.close()
        write_csv(self.experiment.journal, self.experiment.results)
        self.progress.end(self.experiment, campaign.ending)
        return campaign

    def _open_session(self, journal: Journal, state: State) -> None:
        assert state.opening is not None
        session = open_session(
            self.world,
            self.layout,
            self.options,
            journal,
            experiment=self.experiment,
            opening=state.opening,
            number=len(state.sessions),
        )
        state.apply(session)

    def _titles(self, resumed: bool) -> list[str]:
        return titles(
            self.world,
            self.layout,
            self.options,
            experiment=self.experiment,
            summary=self.workflow.summary,
            resumed=resumed,
        )


def opened_of(workflow: Workflow) -> Opened:
    """Return the first event of an experiment that begins now."""
    return Opened(
        name=workflow.name,
        seed=workflow.seed,
        metric=workflow.metric,
        maximize=workflow.objective.maximize is not None,
        source=str(workflow.document.path.resolve()),
        source_dir=str(workflow.folder),
        time_s=time.time(),
    )


def settings_of(workflow: Workflow, layout: Layout, deadline_s: float) -> Settings:
    """Return a campaign's choices.

    Args:
        workflow: The search or ensemble.
        layout: The roles of all ranks.
        deadline_s: When the run must end, in seconds since the epoch.
    """
    return Settings(
        metric=workflow.metric,
        maximize=workflow.objective.maximize is not None,
        evaluations=workflow.evaluations,
        named=workflow.points is not None,
        retries=workflow.task.retries,
        on_failure=workflow.task.on_failure,
        kind=layout.kinds.index(workflow.task.kind),
        timeout_s=workflow.task.timeout_s,
        deadline_s=deadline_s,
        seed=workflow.seed,
    )
