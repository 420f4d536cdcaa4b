"""Whether an MPI launcher started this process, and how to start one."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Mapping, Sequence

from supervisor.core.errors import InputError
from supervisor.core.mpiexec import allowing_root, find_mpiexec, options

_RANK_VARIABLES = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PALS_RANKID", "ALPS_APP_PE")

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

CONSOLE_WIDTH = "SUPERVISOR_CONSOLE_WIDTH"
"""Tells rank 0 that its output ends on a terminal of this width, behind the launcher."""


def launched(environment: Mapping[str, str]) -> bool:
    """Return whether mpiexec, srun, jsrun or aprun started this process as a rank."""
    if any(name in environment for name in _RANK_VARIABLES):
        return True
    # The batch script of a Slurm job has a process number too, but it is not a step of srun.
    step = environment.get("SLURM_STEP_ID", "")
    return step.isdigit() and int(step) < 2**32 - 16 and "SLURM_PROCID" in environment


def mpiexec_command(ranks: int, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs ``supervisor ARGUMENTS`` on ``ranks`` ranks of this host.

    Raises:
        InputError: If there is no mpiexec.
    """
    mpiexec = find_mpiexec()
    if mpiexec is None:
        raise InputError(
            f"-n {ranks}",
            "there is no mpiexec; install one with: pip install mpich, "
            "or leave -n out to run in one process",
        )
    return [
        *(mpiexec, "-n", str(ranks), *options(mpiexec)),
        # -P: a module in the working directory must not hide one of the standard library.
        *(sys.executable, "-P", "-m", "supervisor", *arguments),
    ]


def end_with_parent() -> None:
    """Let the system send this process SIGTERM when its parent dies; for ``preexec_fn``."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def launch_environment(environment: Mapping[str, str], width: int | None) -> dict[str, str]:
    """Return the environment for mpiexec.

    Args:
        environment: This process's.
        width: Columns of the terminal that shows the output, or None.
    """
    result = allowing_root(environment)
    if width is not None:
        result[CONSOLE_WIDTH] = str(width)
    return result
