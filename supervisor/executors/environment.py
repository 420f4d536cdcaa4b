"""The environment of child processes: the one place that strips launcher variables.

A child that inherits them and initialises MPI believes that the launcher started it, and
dies or hangs in ``MPI_Init``. What users set to configure MPI is kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

LAUNCHER_PREFIXES = (
    "ALPS_APP_",
    "FLUX_KVS_",
    "FLUX_PMI_",
    "FLUX_TASK_",
    "HYDI_",
    "HYDRA_",
    "I_MPI_HYDRA_",
    "JSM_",
    "MPI_LOCAL",
    "MPISPAWN_",
    "MV2_COMM_WORLD_",
    "OMPI_",
    "PALS_",
    "PMIX_",
    "PMI_",
    "PMI2_",
    "PRTE_",
    "SLURM_PMI",
    "SLURM_SRUN_COMM_",
    "SLURM_STEP_",
)
LAUNCHER_NAMES = frozenset(
    {
        "OPAL_USER_PARAMS_GIVEN",
        "SLURM_GTIDS",
        "SLURM_LAUNCH_NODE_IPADDR",
        "SLURM_LOCALID",
        "SLURM_MPI_TYPE",
        "SLURM_NODEID",
        "SLURM_PROCID",
        "SLURM_STEPID",
        "SLURM_TASK_PID",
    }
)
KEPT_PREFIXES = (
    "HYDRA_BOOTSTRAP",
    "HYDRA_HOST_FILE",
    "HYDRA_IFACE",
    "HYDRA_LAUNCHER",
    "HYDRA_RMK",
    "I_MPI_HYDRA_BOOTSTRAP",
    "I_MPI_HYDRA_IFACE",
    "OMPI_ALLOW_RUN_AS_ROOT",
    "OMPI_MCA_",
    "PMIX_MCA_",
    "PRTE_MCA_",
)
# Open MPI's launchers pass these to their ranks under the prefix of user settings.
LAUNCHER_MCA_PREFIXES = (
    "OMPI_MCA_PREFIXES",
    "OMPI_MCA_cpu_type",
    "OMPI_MCA_ess_",
    "OMPI_MCA_initial_wdir",
    "OMPI_MCA_num_procs",
    "OMPI_MCA_orte_",
    "OMPI_MCA_pmix",
    "OMPI_MCA_schizo",
    "OMPI_MCA_shmem_RUNTIME",
    "OMPI_MCA_state_",
    "PRTE_MCA_ess_",
    "PRTE_MCA_prte_",
)
HOST = "SUPERVISOR_HOST"
"""Tells tasks what the scheduler calls their host, which has perhaps another name for itself."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def child_environment(env: Mapping[str, str], cores: int | None) -> dict[str, str]:
    """Return the environment for a child of an MPI rank.

    Args:
        env: The rank's own environment.
        cores: Threads that numerical libraries may use, unless the user says something
            about threads; None leaves them alone.
    """
    child = {name: value for name, value in env.items() if not is_launcher_variable(name)}
    if cores is not None and not any(name in child for name in THREAD_VARIABLES):
        child.update(dict.fromkeys(THREAD_VARIABLES, str(cores)))
    return child


def is_launcher_variable(name: str) -> bool:
    """Tell whether an MPI launcher set this variable for the rank that it started."""
    if name.startswith(LAUNCHER_MCA_PREFIXES) or name in LAUNCHER_NAMES:
        return True
    return name.startswith(LAUNCHER_PREFIXES) and not name.startswith(KEPT_PREFIXES)


def fair_share(workers: int) -> int:
    """Return the cores that one of so many workers on this host may keep busy, at least 1."""
    mine = len(os.sched_getaffinity(0))
    # Workers whose cores together fit the host were bound apart; otherwise they share them.
    bound = mine * workers <= (os.cpu_count() or 1)
    return mine if bound else max(1, mine // workers)
