"""The beginning of a session, of whatever kind the run is: its event, and where it comes from."""

from __future__ import annotations

import time

from supervisor.balancer.layout import Layout, describe
from supervisor.dataflow.document import Document
from supervisor.experiment.events import Opened, Session
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal
from supervisor.experiment.provenance import collect
from supervisor.experiment.provenance import write as write_provenance
from supervisor.experiment.times import timestamp
from supervisor.runtime.options import Options
from supervisor.runtime.world import World


def new_experiment(options: Options, name: str, document: Document) -> Experiment:
    """Return an experiment whose folder has been made, with the workflow in it."""
    experiment = Experiment.create(options.out, name)
    experiment.workflow.write_text(document.text(), encoding="utf-8")
    return experiment


def open_session(
    world: World,
    layout: Layout,
    options: Options,
    journal: Journal,
    *,
    experiment: Experiment,
    opening: Opened,
    number: int,
) -> Session:
    """Write what is known of a session into the journal and the folder, and return its event.

    Args:
        world: The ranks.
        layout: Their roles.
        options: Of the run.
        journal: Open for appending.
        experiment: The folder.
        opening: The journal's first event.
        number: Of the session, from 0.
    """
    session = session_of(world, layout, options, number)
    journal.append(session)
    journal.flush()
    record = collect(
        opening,
        session,
        command=options.command,
        mpi=world.wire.library,
        chosen=options.overrides,
    )
    write_provenance(experiment.provenance, record)
    return session


def session_of(world: World, layout: Layout, options: Options, number: int) -> Session:
    """Return the event of a session that begins now."""
    return Session(
        number=number,
        time_s=time.time(),
        ranks=layout.size,
        workers=len(layout.workers),
        servers=len(layout.servers),
        hosts=list(dict.fromkeys(world.hosts)),
        walltime_s=options.walltime_s,
    )


def titles(
    world: World,
    layout: Layout,
    options: Options,
    *,
    experiment: Experiment,
    summary: str,
    resumed: bool,
    ends_s: float | None,
) -> list[str]:
    """Return the lines that a run begins with."""
    asked = options.servers
    line = describe(layout, world.hosts)
    if asked is not None and asked != len(layout.servers):
        line += f"; {asked} servers were asked for, but a worker is needed"
    what = "continues" if resumed else "begins"
    lines = [line, f"{experiment.path} {what}: {summary}"]
    if ends_s is not None:
        lines.append(f"the job ends at {timestamp(ends_s)}, and the run before it")
    return lines
