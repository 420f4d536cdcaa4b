"""When the job ends in which this process runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from supervisor.core.errors import InputError

JOB_END = "SUPERVISOR_JOB_END"
"""Variable that job scripts set: when the job ends, in seconds since the epoch."""

PATIENCE_S = 30.0


def job_end_s(environment: Mapping[str, str]) -> float | None:
    """Return when this job ends, in seconds since the epoch; None if nobody says so.

    Slurm is asked, as it may have changed the time since the job was submitted. If it does not
    answer, this is said on the standard error, and the run has no end.

    Args:
        environment: This process's.
    """
    for name in (JOB_END, "SLURM_JOB_END_TIME", "COBALT_ENDTIME"):
        text = environment.get(name, "")
        if not text:
            continue
        try:
            return float(text)
        except ValueError as error:
            raise InputError(name, f"{text!r} is not a time in seconds") from error
    job = environment.get("SLURM_JOB_ID", "")
    return _asked_of_slurm(job) if job else None


def _asked_of_slurm(job: str) -> float | None:
    command = ["squeue", "--noheader", "--jobs", job, "--format", "%e"]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"SLURM_TIME_FORMAT": "%s"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _warn(str(error))
        return None
    text = answer.stdout.strip()
    if answer.returncode != 0:
        _warn(answer.stderr.strip())
        return None
    return float(text) if text.isdecimal() else None  # a job without end has none


def _warn(problem: str) -> None:
    sys.stderr.write(
        f"supervisor: Slurm does not say when this job ends ({problem}); --walltime does\n"
    )
