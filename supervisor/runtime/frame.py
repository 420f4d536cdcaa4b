"""What a run has, of whatever kind it is: the ranks and their roles, a folder, and a deadline."""

from __future__ import annotations

import math
import os
import time

from supervisor.balancer.layout import Layout
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal
from supervisor.experiment.state import State
from supervisor.experiment.steps import StepsState
from supervisor.runtime.options import Options
from supervisor.runtime.session import open_session, titles
from supervisor.runtime.world import World
from supervisor.sites.end import job_end_s

MARGIN_S = 5.0
"""So long before its job a run has ended, and its ranks can leave."""


class Frame:
    """What a run has, of whatever kind it is.

    Args:
        world: The ranks.
        layout: Their roles.
        options: Of the run.
        experiment: The folder.

    Attributes:
        job_end_s: When the job ends in which this runs, in seconds since the epoch, or None.
        deadline_s: When the run must end, likewise: before its job, and when its walltime, which
            begins now, is over.
    """

    def __init__(
        self, world: World, layout: Layout, options: Options, experiment: Experiment
    ) -> None:
        self.world = world
        self.layout = layout
        self.options = options
        self.experiment = experiment
        self.job_end_s = job_end_s(os.environ)
        self.deadline_s = math.inf if self.job_end_s is None else self.job_end_s - MARGIN_S
        if options.walltime_s is not None:
            self.deadline_s = min(self.deadline_s, time.time() + options.walltime_s)

    def open_session(self, journal: Journal, state: State | StepsState) -> None:
        """Write what is known of the session into the journal, its fold and the folder."""
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

    def titles(self, summary: str, *, resumed: bool) -> list[str]:
        """Return the lines that the run begins with."""
        return titles(
            self.world,
            self.layout,
            self.options,
            experiment=self.experiment,
            summary=summary,
            resumed=resumed,
            ends_s=self.job_end_s,
        )
