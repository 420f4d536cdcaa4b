"""The mpiexec of this environment: where it is, and what it wants to be told."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from supervisor.core.errors import SupervisorError


def find_mpiexec() -> str | None:
    """Return the mpiexec of this environment, or else the first on the path."""
    import shutil  # late, as below: every rank imports this file, and few look for mpiexec

    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


@cache
def flavour(mpiexec: str) -> Literal["mpich", "openmpi", "other"]:
    """Return which MPI an mpiexec belongs to, by what it says of itself."""
    import subprocess

    try:
        answer = subprocess.run(
            [mpiexec, "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            env=allowing_root(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SupervisorError(f"{mpiexec} --version gives no answer: {error}") from error
    text = (answer.stdout + answer.stderr).lower()
    if "hydra" in text or "mpich" in text:
        return "mpich"
    return "openmpi" if "open mpi" in text or "openrte" in text or "prrte" in text else "other"


def options(mpiexec: str) -> list[str]:
    """Return what lets there be more ranks than cores, and lets threads use all cores."""
    if flavour(mpiexec) == "openmpi":
        return ["--oversubscribe", "--bind-to", "none"]
    return []


def allowing_root(environment: Mapping[str, str]) -> dict[str, str]:
    """Let root, who is the only user of many containers, run Open MPI too."""
    result = dict(environment)
    if os.geteuid() == 0:
        result.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
        result.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
    return result
