"""How each scheduler is asked: the head of a script, and the commands for jobs."""

from __future__ import annotations

from supervisor.sites.schedulers.background import Background
from supervisor.sites.schedulers.cobalt import Cobalt
from supervisor.sites.schedulers.lsf import Lsf
from supervisor.sites.schedulers.pbs import Pbs
from supervisor.sites.schedulers.scheduler import Scheduler, State
from supervisor.sites.schedulers.slurm import Slurm
from supervisor.sites.site import Site

SCHEDULERS: dict[str, type[Scheduler]] = {
    "slurm": Slurm,
    "pbs": Pbs,
    "lsf": Lsf,
    "cobalt": Cobalt,
    "none": Background,
}
"""By the name that a site's file has for it."""


def scheduler_of(site: Site) -> Scheduler:
    """Return the scheduler of a site."""
    return SCHEDULERS[site.scheduler](site)


__all__ = ["SCHEDULERS", "Scheduler", "State", "scheduler_of"]
