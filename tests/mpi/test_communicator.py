"""Gangs of real ranks: their communicators, and the tasks that they run."""

from pathlib import Path

import pytest

from tests.launching import run

HERE = Path(__file__).parent


def behave(mpi, ranks, program, folder, *arguments):
    python = str(mpi.bin / "python")
    command = [*mpi.mpiexec(ranks), python, str(HERE / program), *arguments]
    done = run(command, folder, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.count("ok ")


@pytest.mark.parametrize("ranks", [4, 6])
def test_communicators_give_what_those_of_mpi_give(mpi, ranks, tmp_path):
    assert behave(mpi, ranks, "gang_collectives.py", tmp_path) == 3


@pytest.mark.parametrize("ranks", [4, 6])
def test_members_hear_of_failures_and_leave_nothing_behind(mpi, ranks, tmp_path):
    assert behave(mpi, ranks, "gang_members.py", tmp_path) >= 12


@pytest.mark.parametrize("ranks", [4, 6])
def test_tasks_of_gangs_have_one_value_or_one_failure(mpi, ranks, tmp_path):
    assert behave(mpi, ranks, "gang_tasks.py", tmp_path, str(tmp_path)) >= 8
