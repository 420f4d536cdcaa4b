"""``supervisor status``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from supervisor.cli.inspect import experiment_argument, out_option
from supervisor.cli.steps import status_lines
from supervisor.core.duration import clock
from supervisor.core.errors import InputError, SupervisorError
from supervisor.experiment.folder import Experiment
from supervisor.experiment.jobs import Submission, read_submission
from supervisor.experiment.journal import read_journal
from supervisor.experiment.state import State, replay
from supervisor.experiment.steps import StepsState, is_pipeline, replay_steps
from supervisor.monitor.progress import best_lines
from supervisor.monitor.text import count
from supervisor.runtime.submission import states, submitted_to
from supervisor.sites.schedulers import State as JobState
from supervisor.sites.schedulers import scheduler_of
from supervisor.sites.site import find_site, load_site

INTERVAL_S = 5.0
"""So often the scheduler is asked while its jobs are followed."""


@click.command()
@experiment_argument
@click.option("--site", help="The newest that was submitted to this machine.")
@click.option("--follow", is_flag=True, help="Print what its jobs print until they have ended.")
@out_option
def status(experiment: str | None, site: str | None, follow: bool, out: Path) -> None:
    """Print how an experiment stands: its jobs, counts and best point; the newest without EXP."""
    if experiment is not None and site is not None:
        raise InputError("--site", "chooses among experiments; leave it out, or the experiment")
    found = Experiment.find(experiment, out) if site is None else submitted_to(_path(site), out)
    record = read_submission(found)
    if follow:
        if record is None:
            raise InputError("--follow", f"{found.path} was not submitted; there are no jobs")
        _follow(found, record)
    jobs = _echo_jobs(found, record) if record else []
    if not found.journal.is_file():
        if record is None:
            raise InputError(str(found.path), "has no journal; it was never begun")
        if found.workflow.is_file():  # a script keeps no journal
            click.echo(f"{found.path}: not begun")
    elif is_pipeline(found.journal):
        steps = replay_steps(read_journal(found.journal))
        click.echo(f"{found.path}: {_phase(steps, jobs)}")
        click.echo("\n".join(status_lines(steps)))
    else:
        _echo_search(found, jobs)


def _path(site: str) -> Path:
    return find_site(site).path


def _echo_jobs(experiment: Experiment, record: Submission) -> list[JobState]:
    """Print a line for each job; return the states of those that have not ended."""
    site = Path(record.site).stem
    try:
        found = states(experiment)
    except SupervisorError as error:  # what the journal says is worth something without it
        click.echo(f"jobs on {site}: {error}")
        return []
    for job, state in found:
        click.echo(f"job {job.id} on {site}: {state.text if state else 'ended'}")
    return [state for _, state in found if state is not None]


def _echo_search(experiment: Experiment, jobs: Sequence[JobState]) -> None:
    state = replay(read_journal(experiment.journal))
    counts = state.counts()
    click.echo(f"{experiment.path}: {_phase(state, jobs)}")
    click.echo(
        f"{counts['finished']} finished, {counts['failed']} failed, {counts['open']} open; "
        f"{clock(state.busy_s)} of work in {count(len(state.sessions), 'session')}"
    )
    if state.waited_s >= 1:
        click.echo(f"workers waited {clock(state.waited_s)} for the optimizer, all together")
    for line in best_lines(state, experiment):
        click.echo(line)


def _phase(state: State | StepsState, jobs: Sequence[JobState]) -> str:
    """Return how a journal ends; its jobs know better whether somebody still writes to it."""
    if state.closed is not None:
        return state.closed
    if any(job.running for job in jobs):
        return "running"
    again = "its next job goes on" if jobs else "resume it with: supervisor run --resume"
    if state.interrupted is not None:
        return f"interrupted ({state.interrupted}); {again}"
    return f"killed; {again}" if jobs else f"running, or killed; if it was killed, {again}"


def _follow(experiment: Experiment, record: Submission) -> None:
    """Print what the jobs print, and how they stand when that changes, until all have ended."""
    read: dict[Path, int] = {}
    before: list[str] = []
    site = Path(record.site).stem
    outputs = scheduler_of(load_site(Path(record.site))).outputs
    while True:
        found = states(experiment)
        for path in sorted(experiment.path.glob(outputs)):
            with path.open(encoding="utf-8", errors="replace") as file:
                file.seek(read.get(path, 0))
                click.echo(file.read(), nl=False)
                read[path] = file.tell()
        if all(state is None for _, state in found):
            return
        now = [f"job {job.id} on {site}: {state.text}" for job, state in found if state]
        for line in now:
            if line not in before:
                click.echo(line)
        before = now
        time.sleep(INTERVAL_S)
