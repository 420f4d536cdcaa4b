"""LSF: bsub, bjobs, bkill."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from supervisor.sites.job import Job
from supervisor.sites.schedulers.scheduler import BatchScheduler, State

RUNNING = {"RUN", "USUSP", "SSUSP", "UNKWN"}  # UNKWN: its host does not answer
WAITING = {"PEND", "PSUSP", "WAIT", "PROV"}


class Lsf(BatchScheduler):
    """Source: IBM Spectrum LSF, command reference: bsub, bjobs, bkill."""

    prefix = "#BSUB"

    @property
    def _whole_nodes(self) -> bool:
        """Whether LSF's Easy Mode gives whole nodes, which the site's own directives ask for."""
        return any("-nnodes" in line for line in self.site.directives)

    @property
    def reads_script(self) -> bool:
        return not self._whole_nodes  # but for Easy Mode, a file's head is not looked at

    def resources(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        minutes = math.ceil(job.walltime_s / 60)
        slots = [f"-n {job.ranks}", f'-R "span[ptile={job.ranks_per_node}]"']
        lines = [
            f"-J {job.name}",
            *([] if self._whole_nodes else slots),
            f"-W {minutes // 60:02d}:{minutes % 60:02d}",
            f"-o {job.output}/job-%J.txt",
        ]
        if job.gpus_per_node and self.site.gpus_per_node is None:  # where nodes may be shared
            lines.append(f'-gpu "num={job.gpus_per_node}"')
        if job.queue:
            lines.append(f"{self.site['queue_option'] or self.queue_option} {job.queue}")
        if job.project:
            lines.append(f"-P {job.project}")
        return lines

    def submission(self, script: Path, after: str | None) -> list[str]:
        waits = ["-w", f"ended({after})"] if after else []
        return ["bsub", *waits, *([] if self.reads_script else [str(script)])]

    def id_in(self, output: str) -> str | None:
        found = re.search(r"Job <(\d+)> is submitted", output)
        return found[1] if found else None

    def inquiry(self, ids: Sequence[str]) -> list[str]:
        return ["bjobs", "-noheader", "-o", "jobid stat delimiter='|'", *ids]

    def states_in(self, output: str) -> dict[str, State]:
        states = {}
        for line in output.splitlines():
            id, _, state = line.strip().partition("|")
            if state in RUNNING | WAITING:
                states[id] = State(state in RUNNING, state.lower())
        return states

    def cancellation(self, ids: Sequence[str]) -> list[str]:
        return ["bkill", *ids]
