"""A job: what is asked of a site, and whether the site can give it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from supervisor.core.duration import clock
from supervisor.core.errors import InputError
from supervisor.sites.site import Queue, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a scheduler is asked for, and what is run then.

    Attributes:
        name: Shown by the scheduler.
        nodes: Number of hosts.
        ranks_per_node: Processes on each of them.
        gpus_per_node: Accelerators of each host that are used.
        walltime_s: How long it may take.
        queue: Of the site; empty for the scheduler's own default.
        project: Who pays; empty if nobody asks.
        folder: Where commands run, and relative paths begin.
        output: Folder of what the job prints.
        python: The interpreter, on all nodes.
        arguments: Of ``python -m supervisor``.
        packed: Archive of the environment that is unpacked on each node; None if it is not.
    """

    name: str
    nodes: int
    ranks_per_node: int
    gpus_per_node: int
    walltime_s: int
    queue: str
    project: str
    folder: Path
    output: Path
    python: Path
    arguments: Sequence[str]
    packed: Path | None = None

    @property
    def ranks(self) -> int:
        """Number of all processes."""
        return self.nodes * self.ranks_per_node


def check(job: Job, site: Site, where: Callable[[str], str]) -> None:
    """Check that a site can give what a job asks for.

    Args:
        job: What is asked for.
        site: The machine.
        where: Where the user has asked for one of the job's attributes, by its name.

    Raises:
        InputError: If it cannot; the text says what it can give.
    """
    if site.scheduler != "none" and re.search(r"[\s:]", str(job.output)):
        problem = "schedulers take no path with blanks or colons; name another folder"
        raise InputError("--out", f"{job.output}: {problem}")
    if site.project_required and not job.project:
        raise InputError("--project", f"{site.name} runs jobs of a project only; name yours")
    queue = site.queue(job.queue, where("queue"))
    _check_queue(job, queue, where)
    if site.gpus_per_node is not None and job.gpus_per_node > site.gpus_per_node:
        problem = f"a node of {site.name} has {site.gpus_per_node} GPUs, not {job.gpus_per_node}"
        raise InputError(where("gpus_per_node"), problem)
    if site.cores_per_node is not None and job.ranks_per_node > site.cores_per_node:
        problem = f"a node of {site.name} has {site.cores_per_node} cores"
        place = where("ranks_per_node")
        raise InputError(place, f"{problem}, too few for {job.ranks_per_node} ranks")
    if site.scheduler == "none" and job.nodes > 1:
        raise InputError(where("nodes"), f"{site.name} is one machine; give --nodes 1")


def _check_queue(job: Job, queue: Queue, where: Callable[[str], str]) -> None:
    name = repr(queue.name) if queue.name else "of the site"
    if job.nodes < queue.least_nodes:
        problem = f"the queue {name} takes {queue.least_nodes} nodes or more, not {job.nodes}"
        raise InputError(where("nodes"), problem)
    if queue.most_nodes is not None and job.nodes > queue.most_nodes:
        problem = f"the queue {name} takes {queue.most_nodes} nodes at most, not {job.nodes}"
        raise InputError(where("nodes"), problem)
    if queue.walltime_s is not None and job.walltime_s > queue.walltime_s:
        longest, asked = clock(queue.walltime_s), clock(job.walltime_s)
        problem = f"the queue {name} lets jobs run for {longest} at most, not {asked}"
        raise InputError(where("walltime"), f"{problem}; for longer runs: --chain")
