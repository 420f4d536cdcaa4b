"""Slurm: sbatch, squeue, scancel."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from supervisor.core.duration import clock
from supervisor.sites.job import Job
from supervisor.sites.schedulers.scheduler import BatchScheduler, State

RUNNING = {"RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STAGE_OUT", "SIGNALING"}
WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"}


class Slurm(BatchScheduler):
    """Source: the manual pages of sbatch, squeue and scancel, https://slurm.schedmd.com."""

    prefix = "#SBATCH"
    queue_option = "--partition"

    def resources(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        option = self.site["queue_option"] or self.queue_option
        lines = [
            f"--job-name={job.name}",
            f"--nodes={job.nodes}",
            f"--ntasks-per-node={job.ranks_per_node}",
            f"--time={clock(job.walltime_s)}",
            f"--output={job.output}/job-%j.txt",
            "--open-mode=append",
        ]
        if job.queue:
            lines.append(f"{option}={job.queue}")
        if job.project:
            lines.append(f"--account={job.project}")
        if job.gpus_per_node and not any("gpu" in line for line in self.site.directives):
            lines.append(f"--gpus-per-node={job.gpus_per_node}")
        return lines

    def submission(self, script: Path, after: str | None) -> list[str]:
        waits = [f"--dependency=afterany:{after}"] if after else []
        return ["sbatch", "--parsable", *waits, str(script)]

    def id_in(self, output: str) -> str | None:
        # Of several clusters its name comes after a semicolon.
        found = re.search(r"^(\d+)(;.*)?$", output.strip(), re.MULTILINE)
        return found[1] if found else None

    def inquiry(self, ids: Sequence[str]) -> list[str]:
        # Asked for single jobs, squeue fails if it has forgotten one.
        return ["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%i|%T|%r|%e"]

    def states_in(self, output: str) -> dict[str, State]:
        states = {}
        for line in output.splitlines():
            id, state, reason, end = line.split("|")
            if state in RUNNING:
                states[id] = State(True, f"{state.lower()}, until {end.replace('T', ' ')}")
            elif state in WAITING:
                states[id] = State(False, f"{state.lower()} ({reason})")
        return states

    def cancellation(self, ids: Sequence[str]) -> list[str]:
        return ["scancel", *ids]
