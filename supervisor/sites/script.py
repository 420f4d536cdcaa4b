"""The script of a job: a pure function of the site and of what is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from supervisor.core.duration import clock
from supervisor.sites.end import JOB_END
from supervisor.sites.job import Job
from supervisor.sites.packing import unpacking_lines
from supervisor.sites.schedulers import scheduler_of
from supervisor.sites.site import Site

LAUNCHER = "SUPERVISOR_LAUNCHER"
"""Variable with the command for MPI programs that are tasks."""

PLACES = {
    "SUPERVISOR_NODE_LOCAL": "node_local",
    "SUPERVISOR_SCRATCH": "scratch",
    "SUPERVISOR_HOST_FILE": "host_file",
}
"""Variables that tell tasks of places, and the facts that they come from."""

MPIEXEC = "mpiexec "
"""Begins the templates of sites with an mpiexec of their own."""


def job_script(site: Site, job: Job) -> str:
    """Return the script that runs a job; nothing is submitted."""
    fields = fields_of(site, job)
    environment = site.facts.environment
    sections = [
        ["#!/bin/bash -l", *scheduler_of(site).head(job, fields)],
        [f"# {job.name} on {site.name}; written by supervisor submit"],
        [f"cd {shlex.quote(str(job.folder))} || exit 2"],
        [environment, "environment"] if environment else [],
        _exports(site, job),
        _unpacking(site, job, fields),
        _path(site, job),
        [_command(site, job, fields)],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def fields_of(site: Site, job: Job) -> dict[str, str]:
    """Return what is put into a site's templates."""
    cores = site.cores_per_node or 0
    return {
        "nodes": str(job.nodes),
        "ranks": str(job.ranks),
        "ranks_per_node": str(job.ranks_per_node),
        "cores_per_rank": str(max(1, cores // job.ranks_per_node)),
        "gpus_per_node": str(job.gpus_per_node),
        "gpus_per_rank": str(-(-job.gpus_per_node // job.ranks_per_node)),
        "walltime": clock(job.walltime_s),
        "queue": job.queue,
        "project": job.project,
        "mpiexec": shlex.quote(str(job.python.parent / "mpiexec")),
    }


def _exports(site: Site, job: Job) -> list[str]:
    """Return what the run and its tasks are told by variables."""
    lines = []
    if site.scheduler != "slurm":  # which can be asked, and whose answer may change
        lines.append(f"export {JOB_END}=$(($(date +%s) + {job.walltime_s}))")
    for variable, name in PLACES.items():
        if place := site[name]:
            lines.append(f'export {variable}="{f"${place}" if name == "host_file" else place}"')
    if (variable := site["gpu_variable"]) and job.gpus_per_node:
        devices = ",".join(map(str, range(job.gpus_per_node)))
        lines.append(f'export {variable}="${{{variable}:-{devices}}}"')
    return lines


def _unpacking(site: Site, job: Job, fields: Mapping[str, str]) -> list[str]:
    if job.packed is None:
        return []
    each_node = site["each_node"].format(**fields)
    return unpacking_lines(job.packed, site["node_local"], each_node)


def _path(site: Site, job: Job) -> list[str]:
    """Return what lets tasks find the programs of the environment, and ranks those of the site."""
    lines = []
    tasks = site["task_launch"]
    if any(site[name].startswith(MPIEXEC) for name in ("launch", "task_launch")):
        missing = "supervisor: there is no mpiexec; let the site's environment() load its module"
        lines.append("# The machine's own mpiexec, not that of the environment.")
        lines.append(f'mpiexec=$(command -v mpiexec) || {{ echo "{missing}" >&2; exit 2; }}')
    if tasks.startswith(MPIEXEC):
        lines.append(f'export {LAUNCHER}="$mpiexec {tasks.removeprefix(MPIEXEC)}"')
    elif tasks:
        lines.append(f"export {LAUNCHER}={shlex.quote(tasks)}")
    programs = '"$environment/bin"' if job.packed else shlex.quote(str(job.python.parent))
    return [*lines, f'export PATH={programs}:"$PATH"']


def _command(site: Site, job: Job, fields: Mapping[str, str]) -> str:
    """Return the last line, which the shell makes way for, so that it gets signals itself."""
    python = '"$environment/bin/python"' if job.packed else shlex.quote(str(job.python))
    mpiexec = '"$environment/bin/mpiexec"' if job.packed else fields["mpiexec"]
    launch = site["launch"].format(**{**fields, "mpiexec": mpiexec})
    if launch.startswith(MPIEXEC):
        launch = f'"$mpiexec" {launch.removeprefix(MPIEXEC)}'
    arguments = list(job.arguments)
    if not launch:  # the run starts its ranks by itself
        arguments[1:1] = ["-n", fields["ranks"]]
    # -P: a module in the working directory must not hide one of the standard library.
    command = f"{python} -P -m supervisor {shlex.join(arguments)}"
    return f"exec {launch} {command}" if launch else f"exec {command}"
