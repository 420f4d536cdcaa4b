"""Cobalt: qsub, qstat, qdel."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from supervisor.sites.job import Job
from supervisor.sites.schedulers.scheduler import BatchScheduler, State

RUNNING = {"running", "starting", "exiting", "killing"}

# Cobalt begins the next job of a chain only if the one before it has ended with exit code 0.
_RUN_BELOW = """\
# What is below runs in another shell. If it ends with 3, the next job of a chain is to go on.
if [ "$1" != run ]; then
    bash -l "$0" run &
    run=$!
    trap 'kill -TERM "$run"' TERM
    wait "$run"
    code=$?
    [ "$code" -le 128 ] || { wait "$run"; code=$?; } # a signal has ended the first wait
    exit $((code == 3 ? 0 : code))
fi"""


class Cobalt(BatchScheduler):
    """Source: the manual pages of Cobalt's qsub, qstat and qdel."""

    prefix = "#COBALT"

    def head(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        return [*super().head(job, fields), "", _RUN_BELOW]

    def resources(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        lines = [
            f"--jobname {job.name}",
            f"-n {job.nodes}",
            f"-t {math.ceil(job.walltime_s / 60)}",  # minutes
            f"-O {job.output}/job-$jobid",
        ]
        if job.queue:
            lines.append(f"{self.site['queue_option'] or self.queue_option} {job.queue}")
        if job.project:
            lines.append(f"-A {job.project}")
        return lines

    def submission(self, script: Path, after: str | None) -> list[str]:
        waits = ["--dependencies", after] if after else []
        return ["qsub", *waits, str(script)]

    def id_in(self, output: str) -> str | None:
        found = re.search(r"^\d+$", output.strip(), re.MULTILINE)
        return found[0] if found else None

    def inquiry(self, ids: Sequence[str]) -> list[str]:
        return ["qstat", "--header", "JobID:State", *ids]

    def states_in(self, output: str) -> dict[str, State]:
        found = re.findall(r"^\s*(\d+)\s+(\S+)", output, re.MULTILINE)
        return {id: State(state in RUNNING, state) for id, state in found}

    def forgotten(self, complaint: str) -> bool:
        # Where none of the jobs is in a queue any more, qstat fails without a word.
        return not complaint.strip() or super().forgotten(complaint)

    def cancellation(self, ids: Sequence[str]) -> list[str]:
        return ["qdel", *ids]
