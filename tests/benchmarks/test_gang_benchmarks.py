"""The benchmarks of gangs and launches: one small run of each prints its table."""

from __future__ import annotations

import re
import sys

import pytest

from tests.launching import REPOSITORY, run

PERFORMANCE = REPOSITORY / "benchmarks" / "performance"


def rows_of(done):
    """Return the cells of the table that a benchmark printed, by those of their first column."""
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")][2:]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: figures for name, *figures in found}


def number(cell):
    return float(re.match(r"[\d,.]+", cell)[0].replace(",", ""))


def test_gangs_are_measured_against_a_bare_loop(mpi, tmp_path):
    script = [str(mpi.bin / "python"), str(PERFORMANCE / "gangs.py")]
    done = run(
        [*mpi.mpiexec(4), *script, "--size", "2", "--tasks", "5", "--rounds", "1"], tmp_path
    )
    rows = rows_of(done)
    assert len(rows) == 4
    assert rows["bare loop"][3] == rows["tasks for one worker"][4] == "1.00 x"
    assert all(number(cell) > 0 for figures in rows.values() for cell in figures[:3])


def test_gangs_of_more_workers_than_there_are_is_an_error(mpich, tmp_path):
    script = [str(mpich.bin / "python"), str(PERFORMANCE / "gangs.py")]
    done = run([*mpich.mpiexec(3), *script, "--size", "2"], tmp_path)
    assert done.returncode != 0
    assert "2 workers cannot be gathered of 1; start more ranks" in done.stderr


def test_launches_are_measured_against_mpiexec(mpich, tmp_path):
    script = [str(mpich.bin / "python"), str(PERFORMANCE / "launches.py")]
    done = run([*script, "--sizes", "2", "--points", "1", "--rounds", "1"], tmp_path)
    rows = rows_of(done)
    assert [*rows] == ["task, 2 ranks", "mpiexec, 2 ranks"]
    assert rows["mpiexec, 2 ranks"][-1] == "1.00 x"


@pytest.mark.parametrize("workers", ["8", "24"])
def test_a_wide_task_begins_within_some_lengths_and_the_shares_are_plausible(workers, tmp_path):
    script = [sys.executable, str(PERFORMANCE / "wide_load.py")]
    done = run([*script, "--workers", workers, "--every", "5", "--wide", "10"], tmp_path)
    [figures] = rows_of(done).values()
    _, _, wide_work, median, most, held, idle, without = map(number, figures)
    assert wide_work == pytest.approx(800 / (5 * int(workers)), abs=0.1)
    assert 0 < median <= most < 2.5
    assert without < held < idle
