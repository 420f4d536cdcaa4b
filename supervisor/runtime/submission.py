"""Submitting: an experiment's folder, the script of its jobs, and the jobs, one after another."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from supervisor.core.errors import InputError
from supervisor.dataflow.load import load
from supervisor.dataflow.workflow import Workflow
from supervisor.experiment.events import Opened
from supervisor.experiment.folder import Experiment
from supervisor.experiment.jobs import Submission, Submitted, read_submission, write_submission
from supervisor.experiment.journal import read_journal
from supervisor.sites.schedulers import State, scheduler_of
from supervisor.sites.site import Site, load_site

if TYPE_CHECKING:
    from supervisor.dataflow.pipeline import Pipeline

Checked: TypeAlias = "Workflow | Pipeline"


@dataclass(frozen=True, slots=True)
class Source:
    """What is submitted.

    Attributes:
        name: Of the experiment.
        path: Of the workflow.
        workflow: As it was read; None for a script.
        experiment: The one that goes on; None for a new one.
        arguments: Of a script.
    """

    name: str
    path: Path
    workflow: Checked | None
    experiment: Experiment | None = None
    arguments: Sequence[str] = ()


def source_of(experiment: Experiment) -> Source:
    """Return what is submitted to go on with an experiment.

    Raises:
        InputError: If it was never begun or submitted.
    """
    if not begun(experiment):
        workflow = submitted_workflow(experiment)
        return Source(workflow.name, workflow.document.path, workflow, experiment)
    if not experiment.journal.is_file():
        raise InputError(str(experiment.path), "has no journal; it was never begun")
    opened = next(iter(read_journal(experiment.journal)), None)
    if not isinstance(opened, Opened):
        raise InputError(str(experiment.journal), "is empty; submit the workflow anew")
    workflow = load(experiment.workflow, folder=Path(opened.source_dir))
    return Source(opened.name, Path(opened.source), workflow, experiment)


def prepare(source: Source, site: Site, out: Path) -> tuple[Experiment, Submission]:
    """Return the experiment, whose folder is made for a new one, and the record of its jobs.

    Args:
        source: What is submitted.
        site: Where it is to run.
        out: Folder of all experiments.
    """
    record = Submission(
        site=str(site.path.resolve()),
        name=source.name,
        source=str(source.path.resolve()),
        source_dir=str(
            source.workflow.folder if source.workflow else source.path.parent.resolve()
        ),
    )
    if source.experiment is not None:
        known = read_submission(source.experiment)
        jobs = known.jobs if known and known.site == record.site else ()
        return source.experiment, msgspec.structs.replace(record, jobs=jobs)
    experiment = Experiment.create(out, source.name)
    if source.workflow is not None:
        experiment.workflow.write_text(source.workflow.document.text(), encoding="utf-8")
    write_submission(experiment, record)
    return experiment, record


def submit(
    experiment: Experiment,
    site: Site,
    record: Submission,
    script: str,
    *,
    chain: int,
    after: str | None,
) -> Submission:
    """Submit jobs for an experiment, each of which begins when the one before it has ended.

    Args:
        experiment: Its folder gets the script and the record.
        site: Where they run.
        record: Of the jobs so far.
        script: Of every job.
        chain: Number of jobs.
        after: Id of a job for which the first one waits.

    Returns:
        The record with the new jobs.

    Raises:
        SupervisorError: If the scheduler refuses one; those before it are recorded.
    """
    experiment.script.write_text(script, encoding="utf-8")
    experiment.script.chmod(0o755)
    scheduler = scheduler_of(site)
    for _ in range(chain):
        after = scheduler.submit(experiment.script.resolve(), after)
        record = msgspec.structs.replace(
            record, jobs=(*record.jobs, Submitted(after, time.time()))
        )
        write_submission(experiment, record)
    return record


def discard(experiment: Experiment) -> bool:
    """Remove the folder of an experiment that never had a job; return whether it was one."""
    record = read_submission(experiment)
    if record is None or record.jobs or experiment.journal.exists():
        return False
    shutil.rmtree(experiment.path)
    return True


def begun(experiment: Experiment) -> bool:
    """Return whether a run has begun an experiment; if not, its job does so."""
    journal = experiment.journal
    if journal.is_file() and journal.stat().st_size == 0 and experiment.jobs.is_file():
        journal.unlink()  # a run was killed before it wrote anything
    return journal.is_file() or not experiment.jobs.is_file()


def submitted_workflow(experiment: Experiment) -> Checked:
    """Return the workflow of an experiment that was submitted and has not begun.

    Raises:
        InputError: If something is wrong in it.
    """
    record = _record(experiment)
    workflow = load(experiment.workflow, folder=Path(record.source_dir))
    workflow.document.path = Path(record.source)  # where the experiment says that it comes from
    return replace(workflow, name=record.name)


def states(experiment: Experiment) -> list[tuple[Submitted, State | None]]:
    """Return all jobs of an experiment with what the scheduler says; None of one that has ended.

    Raises:
        SupervisorError: If the scheduler cannot be asked.
    """
    record = _record(experiment)
    scheduler = scheduler_of(load_site(Path(record.site)))
    found = scheduler.states([job.id for job in record.jobs]) if record.jobs else {}
    return [(job, found.get(job.id)) for job in record.jobs]


def cancel(experiment: Experiment) -> list[str]:
    """End the jobs of an experiment that have not ended, and return their ids.

    Raises:
        SupervisorError: If the scheduler refuses it.
    """
    # The last ones first: they would start when the one before them has ended.
    ids = [job.id for job, state in reversed(states(experiment)) if state is not None]
    if ids:
        scheduler_of(load_site(Path(_record(experiment).site))).cancel(ids)
    return ids


def submitted_to(site: Path, out: Path) -> Experiment:
    """Return the newest experiment in a folder that was submitted to a site.

    Raises:
        InputError: If there is none.
    """
    for experiment in reversed(Experiment.all(out)):
        record = read_submission(experiment)
        if record is not None and Path(record.site) == site.resolve():
            return experiment
    raise InputError(str(out), f"holds no experiment that was submitted to {site.stem}")


def _record(experiment: Experiment) -> Submission:
    record = read_submission(experiment)
    if record is None:
        raise InputError(str(experiment.path), "was not submitted; there are no jobs for it")
    return record
