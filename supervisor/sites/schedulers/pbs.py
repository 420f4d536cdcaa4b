"""PBS Professional and OpenPBS: qsub, qstat, qdel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from supervisor.core.duration import clock
from supervisor.core.errors import SupervisorError
from supervisor.sites.job import Job
from supervisor.sites.schedulers.scheduler import BatchScheduler, State

STATES = {
    "Q": "queued",
    "H": "held",
    "W": "waits",
    "T": "is moved",
    "R": "running",
    "E": "ending",
    "S": "suspended",
    "U": "suspended while somebody works there",
    "B": "begun",
}
RUNNING = {"R", "E", "S", "U", "B"}


class Pbs(BatchScheduler):
    """Source: Altair PBS Professional, Reference Guide, chapter 2."""

    prefix = "#PBS"
    outputs = "*.OU"

    def resources(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        option = self.site["queue_option"] or self.queue_option
        chunk = f"select={job.nodes}{self.site['select_suffix'].format(**fields)}"
        if job.gpus_per_node and self.site.gpus_per_node is None:  # where nodes may be shared
            chunk += f":ngpus={job.gpus_per_node}"
        lines = [
            f"-N {_name(job.name)}",
            f"-l {chunk}",
            f"-l walltime={clock(job.walltime_s)}",
            f"-o {job.output}/",
            "-j oe",
            "-k doe",  # written where it belongs at once, not when the job has ended
        ]
        if job.queue:
            lines.append(f"{option} {job.queue}")
        if job.project:
            lines.append(f"-A {job.project}")
        return lines

    def submission(self, script: Path, after: str | None) -> list[str]:
        waits = ["-W", f"depend=afterany:{after}"] if after else []
        return ["qsub", *waits, str(script)]

    def id_in(self, output: str) -> str | None:
        found = re.search(r"^\d+(\[\])?(\.\S+)?$", output.strip(), re.MULTILINE)
        return found[0] if found else None

    def inquiry(self, ids: Sequence[str]) -> list[str]:
        return ["qstat", "-f", "-F", "json", *ids]

    def states_in(self, output: str) -> dict[str, State]:
        if not output.strip():
            return {}
        try:
            jobs = json.loads(output).get("Jobs", {})
        except ValueError as error:
            raise SupervisorError(f"qstat prints no JSON: {output[:200]!r}") from error
        states = {}
        for id, job in jobs.items():
            if (letter := job["job_state"]) in STATES:
                comment = f" ({job['comment']})" if "comment" in job else ""
                states[id] = State(letter in RUNNING, STATES[letter] + comment)
        return states

    def cancellation(self, ids: Sequence[str]) -> list[str]:
        return ["qdel", *ids]


def _name(text: str) -> str:
    """Return a name that PBS takes: without blanks, not too long, not beginning with a digit."""
    name = re.sub(r"[^A-Za-z0-9_+.-]", "_", text)[:230]
    return name if name[:1].isalpha() else f"J{name}"
