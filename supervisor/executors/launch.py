"""MPI programs as tasks: a launcher inside the run starts them on the hosts of a gang."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections import Counter

from supervisor.core.mpiexec import allowing_root, find_mpiexec, flavour, options
from supervisor.executors.context import Context
from supervisor.executors.environment import HOST
from supervisor.executors.failures import TaskError

TEMPLATE = "SUPERVISOR_LAUNCHER"
"""The variable that sites set to their launcher, e.g. ``srun --overlap -n {size} -w {hosts}``."""


class MpiLauncher:
    """Mpiexec, srun, or what the site says."""

    def command(self, context: Context) -> list[str]:
        """Return the command that starts a program on the workers of a gang.

        Raises:
            TaskError: If there is no launcher.
        """
        os.environ.update(allowing_root(os.environ))
        slots = Counter(map(_known_as, context.hosts or [_this_host()]))
        fields = {
            "size": context.size,
            "hosts": ",".join(slots),
            "slots": ",".join(f"{host}:{number}" for host, number in slots.items()),
            "nodes": len(slots),
            "per_node": max(slots.values()),
        }
        if template := os.environ.get(TEMPLATE):
            return [word.format(**fields) for word in template.split()]
        mpiexec = find_mpiexec()
        if "SLURM_JOB_ID" in os.environ and shutil.which("srun"):
            # Within the run's own step; mpiexec would ask for a step beside it, and wait for ever.
            pmi = ["--mpi=pmi2"] if mpiexec and flavour(mpiexec) == "mpich" else []
            hosts = ["--nodes", str(len(slots)), "--nodelist", str(fields["hosts"])]
            return ["srun", "--overlap", *pmi, "--ntasks", str(context.size), *hosts]
        if mpiexec is not None:
            return [mpiexec, "-n", str(context.size), *options(mpiexec), *_places(mpiexec, slots)]
        text = f"there is no mpiexec; install one with: pip install mpich, or set {TEMPLATE}"
        raise TaskError("exited", text)

    def code_of(self, code: int, output: bytes) -> int:
        """Return the exit code of a launcher, as a shell would say it.

        MPICH's mpiexec ends with the number of the signal that killed a process, as if that were
        an exit code; only what it prints tells which it is.
        """
        killed = re.findall(rb"EXIT STRING: .*\(signal (\d+)\)", output)
        return 128 + int(killed[-1]) if killed and code == int(killed[-1]) else code


def _this_host() -> str:
    return os.environ.get(HOST) or socket.gethostname()


def _known_as(host: str) -> str:
    """Return the name of a host for launchers: Slurm knows none with a domain."""
    return host.partition(".")[0] if "SLURM_JOB_ID" in os.environ else host


def _places(mpiexec: str, slots: Counter[str]) -> list[str]:
    """Return where processes are started; nothing if it is on this host."""
    if len(slots) == 1:
        return []  # the gang's first member, who starts them, is there
    option = "--host" if flavour(mpiexec) == "openmpi" else "-hosts"
    return [option, ",".join(f"{host}:{number}" for host, number in slots.items())]
