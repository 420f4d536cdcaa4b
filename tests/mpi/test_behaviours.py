"""What ADLB's users rely on, under real launchers."""

from pathlib import Path

import pytest

from tests.launching import environment, run

PROGRAM = Path(__file__).with_name("behaviours.py")
RANKS = 8


@pytest.mark.parametrize("servers", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_queues_targets_and_data_behave_on_real_ranks(name, servers, tmp_path):
    mpi = environment(name)
    python = str(mpi.bin / "python")
    done = run([*mpi.mpiexec(RANKS), python, str(PROGRAM), str(servers)], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") >= 18
