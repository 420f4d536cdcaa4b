"""Small jobs on machines of each scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A machine, the options for a small job there, and how its scheduler speaks."""

    site: str
    scheduler: str
    options: Sequence[str]
    id: str
    unknown: str

    @property
    def words(self) -> list[str]:
        return ["--site", self.site, *self.options]


SMALL = ["--nodes", "1", "--ranks-per-node", "3", "--walltime", "00:30:00"]
PBS = Case("generic-pbs", "pbs", SMALL, r"\d+\.pbs-server", "7.pbs-server")
LSF = Case("generic-lsf", "lsf", SMALL, r"\d+", "7")
POLARIS = Case("polaris", "pbs", [*SMALL, "--queue", "debug", "--project", "P"], PBS.id, "7")
THETA = Case(
    "theta", "cobalt", [*SMALL, "--queue", "debug-cache-quad", "--project", "P"], r"\d+", "7"
)
SUMMIT = Case("summit", "lsf", [*SMALL, "--queue", "debug", "--project", "P"], r"\d+", "7")
CASES = [PBS, LSF, POLARIS, THETA, SUMMIT]
ONE_EACH = [PBS, LSF, THETA]
