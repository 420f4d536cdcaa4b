"""What a job asks for: what the command line says, else the workflow, else the site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from supervisor.core.duration import seconds_of
from supervisor.dataflow.document import Document
from supervisor.dataflow.schema import ResourcesSection
from supervisor.sites.site import Site

WALLTIME_S = 3600.0
RANKS_PER_NODE = 4
"""Where nobody says how many cores a node has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a job asks for.

    Attributes:
        where: Where the user has said so, by the key of the workflow's section.
    """

    nodes: int
    ranks_per_node: int
    gpus_per_node: int
    walltime_s: int
    queue: str
    project: str
    where: Callable[[str], str]


def resources_of(
    chosen: ResourcesSection, section: ResourcesSection, document: Document | None, site: Site
) -> Resources:
    """Return what a job asks for.

    Args:
        chosen: What the command line says.
        section: What the workflow says.
        document: The workflow; None for one in Python.
        site: Where the job is to run.

    Raises:
        InputError: If a walltime is none, or there is no such queue.
    """

    def where(key: str) -> str:
        if document is not None and getattr(chosen, key) is None and getattr(section, key):
            return document.where("resources", key)
        return f"--{key.replace('_', '-')}"

    def said(key: str, otherwise: Any) -> Any:
        values = (getattr(chosen, key), getattr(section, key), otherwise)
        return next((value for value in values if value is not None), None)

    queue = site.queue(said("queue", site["queue"]), where("queue"))
    nodes = said("nodes", queue.least_nodes)
    gpus = said("gpus_per_node", site.gpus_per_node or 0)
    longest_s = queue.walltime_s or WALLTIME_S
    walltime = said("walltime", None)
    walltime_s = (
        seconds_of(walltime, where("walltime")) if walltime else min(WALLTIME_S, longest_s)
    )
    return Resources(
        nodes=nodes,
        ranks_per_node=said("ranks_per_node", _ranks_per_node(nodes, gpus, site)),
        gpus_per_node=gpus,
        walltime_s=int(walltime_s),
        queue=queue.name,
        project=said("project", ""),
        where=where,
    )


def _ranks_per_node(nodes: int, gpus: int, site: Site) -> int:
    """Return so many ranks that there is a worker for each GPU, or for each core but a few."""
    cores = site.cores_per_node
    if gpus == 0:
        return cores or RANKS_PER_NODE
    # Rank 0 and a server are no workers; on several nodes, one rank more on each is enough.
    wanted = gpus + (2 if nodes == 1 else 1)
    return min(wanted, cores) if cores else wanted
