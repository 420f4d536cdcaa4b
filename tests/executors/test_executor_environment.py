"""What children inherit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.executors.environment import THREAD_VARIABLES, child_environment, fair_share

MPIEXEC = Path(sys.executable).parent / "mpiexec"


@pytest.mark.parametrize(
    "name",
    [
        "PMI_RANK",
        "PMI_FD",
        "PMIX_SERVER_URI4",
        "HYDI_CONTROL_FD",
        "MPI_LOCALRANKID",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_MCA_ess_base_jobid",
        "OMPI_MCA_initial_wdir",
        "PRTE_LAUNCHED",
        "PALS_RANKID",
        "SLURM_PROCID",
        "SLURM_STEP_ID",
        "SLURM_STEPID",
        "ALPS_APP_PE",
        "JSM_NAMESPACE_RANK",
    ],
)
def test_launcher_variables_are_stripped(name):
    assert child_environment({name: "1"}, None) == {}


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "OMPI_ALLOW_RUN_AS_ROOT",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
        "OMPI_MCA_btl",
        "PRTE_MCA_rmaps_default_mapping_policy",
        "OPAL_PREFIX",
        "MPICH_GPU_SUPPORT_ENABLED",
        "MPIR_CVAR_CH4_NETMOD",
        "SLURM_JOB_ID",
        "SLURM_JOB_NODELIST",
        "CUDA_VISIBLE_DEVICES",
    ],
)
def test_what_users_set_is_kept(name):
    assert child_environment({name: "1"}, None) == {name: "1"}


def test_threads_get_a_fair_share():
    assert child_environment({}, 4) == dict.fromkeys(THREAD_VARIABLES, "4")


@pytest.mark.parametrize("name", THREAD_VARIABLES)
def test_what_users_say_about_threads_is_kept(name):
    assert child_environment({name: "8"}, 4) == {name: "8"}


def test_workers_that_share_cores_divide_them(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))
    assert fair_share(1) == 16
    assert fair_share(5) == 3
    assert fair_share(64) == 1


def test_workers_that_the_launcher_bound_apart_keep_their_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)))
    assert fair_share(4) == 4


WORKER = """
import sys, time
from mpi4py import MPI
from supervisor.core.objective import Objective
from supervisor.core.executor import Seat
from supervisor.executors import build
from tests.contracts.executor import evaluate, metrics

objective = Objective(run="process", python="model:run", metric="loss",
                      source_dir=sys.argv[1], experiment_dir=sys.argv[1])
rank = MPI.COMM_WORLD.rank
executor = build(objective, Seat(rank))
found = metrics(evaluate(executor, rank, {"x": rank}))
executor.close()
assert MPI.COMM_WORLD.size == 2
assert MPI.COMM_WORLD.allreduce(found["loss"]) == 3, found
"""
MODEL = """
from mpi4py import MPI

def run(params):
    size = MPI.COMM_WORLD.allreduce(1)
    return params["x"] + size
"""


@pytest.mark.skipif(not MPIEXEC.exists(), reason="no mpiexec beside this Python")
def test_a_model_in_a_child_of_an_mpi_rank_may_use_mpi(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    script = tmp_path / "worker.py"
    script.write_text(f"import sys; sys.path[:0] = [{str(Path.cwd())!r}]\n{WORKER}")
    command = [MPIEXEC, "-n", "2", sys.executable, script, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
