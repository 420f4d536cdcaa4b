"""Both trainers under real launchers, where PyTorch and Horovod are there."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.launching import ROOT_MAY, environment, run

PROGRAM = Path(__file__).with_name("training_behaviours.py")
BEHAVIOURS = re.findall(r"^def (\w+)\(on\):$", PROGRAM.read_text(), re.MULTILINE)
RANKS = 3

PROBES = {
    "ddp": "import torch.distributed as dist; assert dist.is_gloo_available()",
    # What merely imports may still not run.
    "horovod": "from mpi4py import MPI; import horovod.torch as hvd, torch; "
    "hvd.init(comm=MPI.COMM_SELF); hvd.allreduce(torch.ones(1)); hvd.shutdown()",
}
EXTRAS = {"ddp": "torch", "horovod": "horovod"}


@cache
def problem(python, trainer):
    """Return why a trainer does not run in an environment; empty if it does."""
    done = subprocess.run(
        [python, "-c", PROBES[trainer]],
        capture_output=True,
        text=True,
        env=os.environ | ROOT_MAY,
        timeout=120,
    )
    last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return last[0] if done.returncode else ""


@cache
def printed(mpi, folder):
    """Run all behaviours of the trainers that are there, once, and return what was printed."""
    python = mpi.bin / "python"
    trainers = [one for one in PROBES if not problem(python, one)]
    command = [*mpi.mpiexec(RANKS), str(python), str(PROGRAM), *trainers]
    done = run(command, folder, OMP_NUM_THREADS="1")
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trainers")


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("trainer", ["horovod", "ddp"])
@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_training_on_real_ranks(name, trainer, behaviour, folder):
    mpi = environment(name)
    if why := problem(mpi.bin / "python", trainer):
        told = f"scripts/setup --mpi {name} --with {EXTRAS[trainer]}"
        pytest.skip(f"{trainer} does not run with {name} ({why}); {told}")
    output = printed(mpi, folder)
    assert f"ok {trainer} {behaviour}\n" in output, output


def test_there_are_behaviours():
    assert len(BEHAVIOURS) >= 11
