"""MPI programs that are tasks: started by a launcher inside of the run."""

import csv
import time

import psutil
import pytest

from tests.launching import run

PROGRAM = """
import json, os, signal, sys, time
from mpi4py import MPI

comm, (_, x, fault) = MPI.COMM_WORLD, sys.argv
last = comm.rank == comm.size - 1
if fault == "segfaults" and last:
    os.kill(os.getpid(), signal.SIGSEGV)
if fault == "is killed" and last:
    os.kill(os.getpid(), signal.SIGKILL)
if fault == "exits":
    os._exit(7)
if fault == "hangs":
    open("pid.%d" % comm.rank, "w").write(str(os.getpid()))
    time.sleep(600)
total = comm.allreduce(float(x))
if comm.rank == 0:
    print(json.dumps({"y": total, "size": comm.size}))
"""

WORKFLOW = """
name: launched
objective: {{shell: "{python} program.py ${{x}} ${{fault}}", minimize: y}}
space:
  x: {{ordered: [1.5, 2.5]}}
  ranks: {{ordered: {sizes}}}
  fault: {{choice: {faults}}}
optimizer: {{kind: grid}}
task: {{run: launch, size: ranks, timeout_s: {limit_s}}}
"""


@pytest.fixture
def play(mpi, tmp_path):
    def play(sizes, faults, limit_s=60):
        (tmp_path / "program.py").write_text(PROGRAM)
        python = mpi.bin / "python"
        text = WORKFLOW.format(python=python, sizes=sizes, faults=faults, limit_s=limit_s)
        (tmp_path / "workflow.yaml").write_text(text)
        done = run([*mpi.mpiexec(5), *mpi.supervisor, "run", "workflow.yaml"], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        experiment = next((tmp_path / "experiments").glob("*/EXP000"))
        with (experiment / "results.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return rows, (experiment / "journal.jsonl").read_text()

    return play


def test_sizes_vary_from_task_to_task(play):
    rows, _ = play([1, 2, 3], ["none"])
    assert [row["status"] for row in rows] == ["finished"] * 6
    for row in rows:
        assert row["size"] == row["ranks"]
        assert float(row["y"]) == float(row["x"]) * int(row["ranks"])


@pytest.mark.parametrize(
    ("fault", "sizes", "reason"),
    [
        ("segfaults", [2, 3], "SIGSEGV"),
        ("is killed", [2, 3], "SIGKILL"),
        ("exits", [1], "exited with code 7"),  # of several, mpiexec may kill one and report that
    ],
)
def test_a_crash_is_one_failed_task(play, fault, sizes, reason):
    rows, journal = play(sizes, ["none", fault])
    assert {row["status"] for row in rows if row["fault"] == "none"} == {"finished"}
    assert {row["status"] for row in rows if row["fault"] == fault} == {"failed"}
    failures = [line for line in journal.splitlines() if '"event":"failed"' in line]
    assert len(failures) == 2 * len(sizes)
    assert [line for line in failures if reason not in line] == []


def test_a_time_limit_ends_all_processes(play, tmp_path):
    rows, journal = play([3], ["none", "hangs"], limit_s=12)
    assert [row["status"] for row in rows] == ["finished", "failed"] * 2
    assert "reached its time limit of 12 s" in journal
    pids = [int(file.read_text()) for file in tmp_path.glob("pid.*")]
    assert len(pids) == 3
    for _ in range(100):
        if not any(map(psutil.pid_exists, pids)):
            break
        time.sleep(0.1)
    assert not any(map(psutil.pid_exists, pids))


def test_what_is_too_wide_is_refused_with_both_numbers(mpich, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    text = WORKFLOW.format(python="python", sizes=[1, 8], faults=["none"], limit_s=9)
    (tmp_path / "workflow.yaml").write_text(text)
    done = run([*mpich.mpiexec(5), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 2
    assert "task.size: wants 8 workers at once, but this run has 3 workers" in done.stderr
    assert not (tmp_path / "experiments").exists()
