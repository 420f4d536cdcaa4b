"""``supervisor submit``."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from supervisor.cli import options
from supervisor.cli.resources import resources_of
from supervisor.cli.run import EXPERIMENTS, NEWEST
from supervisor.core.errors import InputError, SupervisorError
from supervisor.dataflow.document import Document
from supervisor.dataflow.load import load
from supervisor.dataflow.schema import ResourcesSection
from supervisor.experiment.folder import Experiment
from supervisor.experiment.jobs import Submission, read_submission
from supervisor.runtime import submission as submissions
from supervisor.runtime.submission import Checked, Source
from supervisor.sites.environment import Environment
from supervisor.sites.job import Job, check
from supervisor.sites.packing import pack
from supervisor.sites.schedulers import scheduler_of
from supervisor.sites.script import job_script
from supervisor.sites.site import Site, find_site

ENVIRONMENTS = "environments"
"""Folder of packed environments, beside the experiments."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("workflow", required=False, type=click.Path(path_type=Path))
@click.option("--site", required=True, help="A name that 'supervisor sites' lists, or a file.")
@click.option("--nodes", type=click.IntRange(min=1), help="Number of nodes.")
@click.option("--ranks-per-node", type=click.IntRange(min=1), help="Processes on each node.")
@click.option("--gpus-per-node", type=click.IntRange(min=0), help="Accelerators of each node.")
@click.option("--walltime", metavar="HH:MM:SS", help="How long each job may take.")
@click.option("--queue", help="The scheduler's queue, partition or quality of service.")
@click.option("--project", help="Who pays for it.")
@click.option(
    "--chain",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Submit so many jobs; each goes on where the one before it ended.",
)
@click.option("--after", metavar="JOBID", help="Begin when this job has ended.")
@click.option("--launch", metavar="TEMPLATE", help="Start ranks like this, not as the site does.")
@click.option("--pack", "packs", is_flag=True, help="Unpack the environment on every node.")
@click.option("--dry-run", is_flag=True, help="Print the script, and how it would be submitted.")
@click.option(
    "--resume",
    "resumed",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[EXP]",
    help="Go on with an experiment.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=EXPERIMENTS,
    show_default=True,
    help="Folder of all experiments.",
)
@options.servers
@options.workers
@options.overrides
@click.pass_context
def submit(
    context: click.Context,
    /,
    workflow: Path | None,
    site: str,
    chain: int,
    after: str | None,
    launch: str | None,
    packs: bool,
    dry_run: bool,
    resumed: str | None,
    out: Path,
    servers: int | None,
    workers: dict[str, int],
    overrides: tuple[str, ...],
    **resources: int | str | None,
) -> None:
    """Submit WORKFLOW to the scheduler of a machine.

    What is not asked for here is taken from the workflow's section 'resources', and else from the
    site. The experiment's folder keeps the script, the ids of its jobs, and what they print.
    """
    source = _source(context, workflow, resumed, out, overrides)
    if chain > 1 and source.workflow is None:
        raise InputError("--chain", f"{source.path.name} is a script, which cannot go on")
    machine = find_site(site)
    machine = machine.launched_by(launch) if launch else machine
    ranks = Ranks(servers, workers)
    chosen = ResourcesSection(**resources)  # type: ignore[arg-type]  # its keys are the options
    experiment = source.experiment or Experiment.next(out, source.name)
    job = _job(source, machine, chosen, ranks, experiment)
    if dry_run:
        _show(job, machine, experiment, chain=chain, after=after)
        return
    if packs:
        job = replace(job, packed=_pack(out))
    experiment, record = submissions.prepare(source, machine, out)
    placed = _job(source, machine, chosen, ranks, experiment)
    script = job_script(machine, replace(placed, packed=job.packed))
    _submit(experiment, machine, record, script, chain=chain, after=after)


@dataclass(frozen=True, slots=True)
class Ranks:
    """How a job shares out its ranks: number of servers, and of workers by kind."""

    servers: int | None
    workers: Mapping[str, int]


def _source(
    context: click.Context,
    workflow: Path | None,
    resumed: str | None,
    out: Path,
    overrides: Sequence[str],
) -> Source:
    """Return what is to be submitted, checked."""
    if workflow is not None and workflow.suffix == ".py":
        if resumed is not None or overrides:
            raise InputError(str(workflow), "is a script; it takes no --resume and no --set")
        if not workflow.is_file():
            raise InputError(str(workflow), "there is no such file")
        return Source(workflow.stem, workflow, None, arguments=context.args)
    if context.args:
        raise click.UsageError(f"Got unexpected extra argument ({context.args[0]})", context)
    if resumed is not None:
        if overrides:
            raise InputError("--set", "cannot change an experiment that goes on")
        name = None if workflow is None else load(workflow).name
        return submissions.source_of(Experiment.find(name if resumed == NEWEST else resumed, out))
    if workflow is None:
        raise InputError("supervisor submit", "name a workflow file, or --resume an experiment")
    checked = load(workflow, overrides)
    return Source(checked.name, workflow, checked)


def _job(
    source: Source, site: Site, chosen: ResourcesSection, ranks: Ranks, experiment: Experiment
) -> Job:
    """Return the job that begins or continues an experiment, checked against the site."""
    checked = source.workflow
    section = checked.resources if checked else ResourcesSection()
    asked = resources_of(chosen, section, _document(checked), site)
    place = experiment.path.resolve()
    job = Job(
        name=re.sub(r"[^A-Za-z0-9._+-]", "_", source.name),  # schedulers take no others
        nodes=asked.nodes,
        ranks_per_node=asked.ranks_per_node,
        gpus_per_node=asked.gpus_per_node,
        walltime_s=asked.walltime_s,
        queue=asked.queue,
        project=asked.project,
        folder=Path.cwd(),
        output=place,
        python=Path(sys.executable),
        arguments=_arguments(source, ranks, place),
    )
    check(job, site, asked.where)
    if checked is not None:
        checked.layout(job.ranks, ranks.servers, ranks.workers)
    return job


def _document(checked: Checked | None) -> Document | None:
    return None if checked is None else checked.document


def _arguments(source: Source, ranks: Ranks, experiment: Path) -> list[str]:
    """Return the command line that a job runs."""
    if source.workflow is None:
        what = ["run", str(source.path.resolve())]
    else:
        what = ["run", "--resume", str(experiment)]
    if ranks.servers is not None:
        what += ["--servers", str(ranks.servers)]
    for kind, number in ranks.workers.items():
        what += ["--workers", f"{kind}={number}"]
    return [*what, *source.arguments]


def _pack(out: Path) -> Path:
    """Return the archive of this process's environment; say what is not in it."""
    prefix = Path(sys.prefix)
    for folder in Environment(prefix).outside():
        why = "is installed in editable mode and stays there; install it without -e"
        click.echo(f"not packed: {folder} {why}")
    return pack(prefix, out.resolve() / ENVIRONMENTS)


def _show(job: Job, site: Site, experiment: Experiment, *, chain: int, after: str | None) -> None:
    """Print the script, and below it, as a comment, the commands that would submit it."""
    click.echo(job_script(site, job))
    scheduler = scheduler_of(site)
    for number in range(1, chain + 1):
        click.echo(f"# {scheduler.typed(experiment.script, after)}")
        after = f"JOB{number}"


def _submit(
    experiment: Experiment,
    site: Site,
    record: Submission,
    script: str,
    *,
    chain: int,
    after: str | None,
) -> None:
    known = len(record.jobs)
    try:
        record = submissions.submit(experiment, site, record, script, chain=chain, after=after)
    except SupervisorError as error:
        if submissions.discard(experiment):
            raise
        raise SupervisorError(f"{error}\n{_partly(experiment, known)}") from error
    ids = " ".join(job.id for job in record.jobs[known:])
    click.echo(f"{experiment.path}: {'jobs' if chain > 1 else 'job'} {ids} on {site.name}")
    click.echo(f"to see how it stands: supervisor status {experiment.path}")


def _partly(experiment: Experiment, known: int) -> str:
    """Return what became of the jobs before the one that was refused."""
    record = read_submission(experiment)
    ids = [job.id for job in record.jobs[known:]] if record else []
    if not ids:
        return "no job was submitted"
    return f"submitted before it: {' '.join(ids)}; supervisor cancel {experiment.path} ends them"
