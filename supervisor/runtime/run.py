"""One run of a workflow on the ranks that there are: new, or resumed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout
from supervisor.campaign.campaign import Campaign
from supervisor.campaign.settings import Settings
from supervisor.campaign.suggestions import Suggestions
from supervisor.campaign.twins import Twins
from supervisor.core.errors import InputError
from supervisor.dataflow.checks import check_hosts
from supervisor.dataflow.schema import NodesSection
from supervisor.dataflow.workflow import Workflow, load_workflow
from supervisor.executors.sources import with_modules
from supervisor.experiment.events import Opened
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal, read_journal
from supervisor.experiment.state import State, replay
from supervisor.experiment.table import write_csv
from supervisor.monitor.progress import Progress
from supervisor.optimizers.serving.channel import Channel
from supervisor.runtime.conductor import Conductor, Signals
from supervisor.runtime.entry import build_executor
from supervisor.runtime.frame import Frame
from supervisor.runtime.options import Options
from supervisor.runtime.session import new_experiment
from supervisor.runtime.thinking import check_stops, open_channel
from supervisor.runtime.world import World


def start(
    world: World,
    workflow: Workflow,
    options: Options,
    progress: Progress,
    submitted: Experiment | None = None,
) -> Campaign:
    """Run a workflow as a new experiment.

    Args:
        world: The ranks.
        workflow: The search or ensemble.
        options: Of the run.
        progress: Shows how it goes.
        submitted: The experiment, if it was made when its job was submitted.

    Returns:
        The campaign, at its end.

    Raises:
        InputError: If it does not fit the ranks, or a setting of its optimizer is wrong; nothing
            is created then.
    """
    layout = workflow.layout(world.size, options.servers, options.workers)
    with closing(open_channel(workflow)) as channel:
        world.gather()
        check_places(workflow, layout, world.hosts)
        channel.begin()
        check_stops(workflow, channel)
        experiment = submitted or new_experiment(options, workflow.name, workflow.document)
        journal = Journal.create(experiment.journal)
        opened = opened_of(workflow)
        state = State()
        journal.append(opened)
        state.apply(opened)
        run = Run(Frame(world, layout, options, experiment), workflow, progress)
        return run.execute(channel, journal, state, resumed=False)


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
    with closing(open_channel(workflow)) as channel:
        world.gather()
        check_places(workflow, layout, world.hosts)
        run = Run(Frame(world, layout, options, experiment), workflow, progress)
        return run.execute(channel, journal, state, resumed=True)


class Run:
    """The parts of one run, wired together."""

    def __init__(self, frame: Frame, workflow: Workflow, progress: Progress) -> None:
        self.frame = frame
        self.workflow = workflow
        self.progress = progress

    def execute(
        self, channel: Channel, journal: Journal, state: State, *, resumed: bool
    ) -> Campaign:
        """Run the campaign to its end, whatever that is, and write what it leaves."""
        frame = self.frame
        settings = settings_of(self.workflow, frame.layout, frame.deadline_s)
        suggestions = Suggestions(channel, settings, self.workflow.space)
        twins = None
        if resumed:
            suggestions.replay(read_journal(frame.experiment.journal), str(journal.path))
            twins = Twins(read_journal(frame.experiment.journal)) if settings.reuse else None
        frame.open_session(journal, state)
        client = Client(frame.layout, frame.world.hosts)
        hosts = frame.world.hosts
        campaign = Campaign(
            client, suggestions, journal, state, settings, hosts=hosts, twins=twins
        )
        self.progress.begin(
            frame.titles(self.workflow.summary, resumed=resumed),
            state,
            workers=len(frame.layout.workers),
            total=self.workflow.expected,
        )
        objective = self.workflow.executed(frame.experiment.path.resolve(), frame.deadline_s)
        objective = with_modules(objective, frame.world.size)
        with Signals() as signals:
            conductor = Conductor(campaign, client, self.progress, signals)
            frame.world.run(frame.layout, conductor, objective, build_executor)
        campaign.close()
        write_csv(frame.experiment.journal, frame.experiment.results)
        self.progress.end(frame.experiment, campaign.ending)
        return campaign


def check_places(workflow: Workflow, layout: Layout, hosts: Sequence[str]) -> None:
    """Check that there are enough hosts for each point.

    Raises:
        InputError: If there are not.
    """
    kind = layout.kinds.index(workflow.task.kind)
    able = [hosts[worker] for worker in layout.workers if layout.kind_of(worker) == kind]
    check_hosts(workflow.task, able, workflow.document)


def opened_of(workflow: Workflow) -> Opened:
    """Return the first event of an experiment that begins now."""
    return Opened(
        name=workflow.name,
        seed=workflow.seed,
        metric=workflow.metric,
        maximize=workflow.maximize,
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
    size = workflow.task.size
    return Settings(
        metric=workflow.metric,
        maximize=workflow.maximize,
        evaluations=workflow.evaluations,
        named=workflow.points is not None,
        retries=workflow.task.retries,
        on_failure=workflow.task.on_failure,
        kind=layout.kinds.index(workflow.task.kind),
        timeout_s=workflow.task.timeout_s,
        deadline_s=deadline_s,
        seed=workflow.seed,
        objectives=tuple(workflow.objectives) if len(workflow.objectives) > 1 else (),
        repeats=workflow.task.repeats,
        size=1 if isinstance(size, NodesSection) else size,
        nodes=size.node if isinstance(size, NodesSection) else 0,
        joint=workflow.run != "launch",
        reuse=workflow.task.reuse and workflow.metric is not None and workflow.points is None,
    )
