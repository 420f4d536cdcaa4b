"""Searches and ensembles as steps: each is an experiment inside that of the pipeline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from supervisor.balancer.layout import Layout
from supervisor.campaign.campaign import Campaign
from supervisor.campaign.shared import SharedClient
from supervisor.campaign.suggestions import Suggestions
from supervisor.campaign.twins import Twins
from supervisor.core.errors import CampaignFailed
from supervisor.core.task import Result
from supervisor.dataflow.flow import Flow
from supervisor.dataflow.workflow import Workflow
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal, read_journal
from supervisor.experiment.state import State, replay, values_of
from supervisor.experiment.table import write_csv
from supervisor.runtime.options import Options
from supervisor.runtime.run import opened_of, settings_of
from supervisor.runtime.session import session_of
from supervisor.runtime.thinking import open_channel
from supervisor.runtime.world import World

FOLDER = "steps"


class Searches:
    """Makes the searches of one run of a pipeline.

    Args:
        world: The ranks.
        layout: Their roles.
        options: Of the run.
        experiment: The pipeline's.
        flow: Where points are put.
        deadline_s: When the run must end, in seconds since the epoch.
    """

    def __init__(
        self,
        world: World,
        layout: Layout,
        options: Options,
        *,
        experiment: Experiment,
        flow: Flow,
        deadline_s: float,
    ) -> None:
        self._world = world
        self._layout = layout
        self._options = options
        self._experiment = experiment
        self._flow = flow
        self._deadline_s = deadline_s

    def begin(self, name: str, workflow: Workflow, constants: Mapping[str, Any]) -> Search:
        """Begin a search, or go on where its journal ends.

        Args:
            name: Of the step's instance.
            workflow: The search.
            constants: Further parameters of all points.
        """
        path = self._experiment.path / FOLDER / name
        path.mkdir(parents=True, exist_ok=True)
        experiment = Experiment.at(path)
        if not experiment.runs.is_symlink():
            experiment.runs.symlink_to(Path("..", "..", experiment.runs.name, name))
        settings = settings_of(workflow, self._layout, self._deadline_s)
        suggestions = Suggestions(open_channel(workflow), settings, workflow.space)
        journal, state = self._opened(experiment, workflow)
        twins = None
        if state.points:
            suggestions.replay(read_journal(experiment.journal), str(journal.path))
            twins = Twins(read_journal(experiment.journal)) if settings.reuse else None
        session = session_of(self._world, self._layout, self._options, len(state.sessions))
        journal.append(session)
        state.apply(session)
        client = SharedClient(self._flow, self._objective(workflow), constants, name)
        hosts = self._world.hosts
        campaign = Campaign(
            client, suggestions, journal, state, settings, hosts=hosts, twins=twins
        )
        return Search(campaign, experiment)

    def _objective(self, workflow: Workflow) -> bytes:
        """Return what the workers must know: the same for all searches of one file.

        So they share children on the workers. Their points have directories beside those of the
        pipeline.
        """
        root = self._experiment.path.resolve()
        return msgspec.msgpack.encode(workflow.executed(root, self._deadline_s))

    def _opened(self, experiment: Experiment, workflow: Workflow) -> tuple[Journal, State]:
        if experiment.journal.is_file():
            journal = Journal.open(experiment.journal)
            state = replay(read_journal(experiment.journal))
            if state.opening is not None:
                return journal, state
        else:
            journal = Journal.create(experiment.journal)
            state = State()
        experiment.workflow.write_text(workflow.document.text(), encoding="utf-8")
        opened = opened_of(workflow)
        journal.append(opened)
        state.apply(opened)
        return journal, state


class Search:
    """One search while it runs."""

    def __init__(self, campaign: Campaign, experiment: Experiment) -> None:
        self.campaign = campaign
        self.experiment = experiment
        self._began_s = time.time()

    def turn(self) -> bool:
        """Let the campaign do a turn; return whether it is at its end."""
        self.campaign.poll(time.monotonic())
        return self.campaign.done

    @property
    def ending(self) -> Result:
        """What is recorded of its time, as of a task that ends now."""
        return Result(0, b"", start_s=self._began_s, end_s=time.time())

    @property
    def work_s(self) -> float:
        """Seconds that workers have worked for its points."""
        points = self.campaign.state.points
        return sum((one.end_s or 0.0) - (one.start_s or 0.0) for one in points.values())

    def close(self) -> dict[str, Any]:
        """Write what the campaign leaves, and return the value of the step.

        Raises:
            SupervisorError: If the campaign failed, or was interrupted.
        """
        campaign, state = self.campaign, self.campaign.state
        campaign.close()
        write_csv(self.experiment.journal, self.experiment.results)
        if campaign.ending is not None:
            raise campaign.ending
        counts = state.counts()
        value: dict[str, Any] = {
            "points": len(state.points),
            "failed": counts["failed"],
            "results": str(self.experiment.results),
        }
        best = state.best()
        if best is None:
            if campaign.settings.metric is not None:
                raise CampaignFailed(f"none of its {len(state.points)} points has a result")
            return value
        point = state.points[best]
        parameters = values_of(self.experiment.journal, best)
        return {**value, "best": point.name, "parameters": parameters, "metrics": point.metrics}
