"""Models that misbehave: each is one failed point with its reason, and the campaign goes on."""

import csv
import json
import os

import psutil

from tests.launching import run
from tests.watching import alive

MODEL = """
import ctypes, os, signal, sys, time

def run(params, task):
    with open(f"pid.{params['fault']}", "w") as file:
        file.write(str(os.getpid()))
    return globals()[params["fault"]]()

def fine(): return {"y": 1.0}
def raises(): raise ValueError("no such luck")
def exits(): sys.exit(3)
def leaves(): os._exit(3)
def segfaults(): ctypes.string_at(0)
def garbage():
    os.write(1, b"\\xff\\xfe garbage \\0")
    return object()
def missing(): return {"z": 1.0}
def nan(): return float("nan")
def hangs(): time.sleep(600)
def forks():
    if os.fork() == 0:
        os.setsid()
        open("pid.child", "w").write(str(os.getpid()))
        time.sleep(600)
    time.sleep(600)
def floods():
    line = b"x" * 1023 + b"\\n"
    for _ in range(100 * 1024):
        os.write(1, line)
    return 1.0
"""

EXPECTED = {
    "fine": ("finished", "y 1"),
    "raises": ("failed", "ValueError: no such luck"),
    "exits": ("failed", "exited with code 3"),
    "leaves": ("failed", "exited with code 3"),
    "segfaults": ("failed", "SIGSEGV"),
    "garbage": ("failed", "object"),
    "missing": ("failed", "'y'"),
    "nan": ("finished", "y nan"),
    "hangs": ("failed", "time limit of 3 s"),
    "forks": ("failed", "time limit of 3 s"),
    "floods": ("failed", "task.output_limit_mb"),
}

SHELL = {
    "echo '{\"y\": 1}'": ("finished", "y 1"),
    "exit 3": ("failed", "exited with code 3"),
    "echo garbage": ("failed", "JSON"),
    "echo NaN": ("finished", "y nan"),
    "kill -SEGV $$": ("failed", "SIGSEGV"),
    "sleep 600": ("failed", "time limit of 3 s"),
    "sleep 600 & echo $! > pid.sleep; wait": ("failed", "time limit of 3 s"),
    "yes | head -c 100000000": ("failed", "task.output_limit_mb"),
    "/no/such/program": ("failed", "not found"),
}


def check(mpi, tmp_path, expected):
    """Run the workflow in ``tmp_path`` and compare each point with what is expected of it."""
    command = [*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    experiment = next((tmp_path / "experiments").glob("*/EXP000"))
    with (experiment / "results.csv").open(newline="") as file:
        table = {row["fault"]: row for row in csv.DictReader(file)}
    assert table.keys() == expected.keys()
    for fault, (status, reason) in expected.items():
        row = table[fault]
        assert row["status"] == status, fault
        why = run([*mpi.supervisor, "why", str(experiment), row["point"]], tmp_path)
        assert reason in why.stdout, f"{fault}: {why.stdout}"
        if status == "failed":
            assert row["y"] == ""
    return experiment


def test_python_models(mpi, tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "workflow.yaml").write_text(
        "name: faults\n"
        "objective: {python: 'model:run', minimize: y}\n"
        f"space: {{fault: {{choice: [{', '.join(EXPECTED)}]}}}}\n"
        "optimizer: {kind: grid}\n"
        "task: {timeout_s: 3, output_limit_mb: 8}\n"
    )
    experiment = check(mpi, tmp_path, EXPECTED)
    assert not alive(tmp_path / "pid.hangs")
    assert not alive(tmp_path / "pid.child")
    logs = sum(path.stat().st_size for path in experiment.rglob("log.txt"))
    assert logs < 10e6


def test_shell_models(mpi, tmp_path):
    lines = "\n".join(f"    - {json.dumps(command)}" for command in SHELL)
    (tmp_path / "workflow.yaml").write_text(
        "name: faults\n"
        "objective: {shell: 'eval ${fault}', minimize: y}\n"
        f"space:\n  fault:\n    choice:\n{lines}\n"
        "optimizer: {kind: grid}\n"
        "task: {timeout_s: 3, output_limit_mb: 8}\n"
    )
    check(mpi, tmp_path, SHELL)
    assert not alive(tmp_path / "pid.sleep")


def test_a_failure_is_tried_again_on_another_rank(mpich, tmp_path):
    (tmp_path / "model.py").write_text(
        "def run(params, task):\n"
        "    if task.attempt < 3:\n"
        "        raise RuntimeError(f'attempt {task.attempt}')\n"
        "    return task.attempt\n"
    )
    (tmp_path / "workflow.yaml").write_text(
        "name: again\n"
        "objective: {python: 'model:run', minimize: y}\n"
        "space: {x: {int: [1, 6]}}\n"
        "optimizer: {kind: grid}\n"
        "task: {retries: 2}\n"
    )
    done = run([*mpich.mpiexec(5), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    experiment = tmp_path / "experiments" / "again" / "EXP000"
    with (experiment / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["status"], row["attempts"], row["y"]) for row in table] == [
        ("finished", "3", "3.0")
    ] * 6
    why = run([*mpich.supervisor, "why", "0"], tmp_path).stdout
    ranks = [line.split()[2] for line in why.splitlines() if line.strip().startswith("on rank")]
    assert len(ranks) == 3
    assert ranks[0] != ranks[1] != ranks[2]


def test_nothing_is_left_running(mpich, tmp_path):
    (tmp_path / "model.py").write_text(
        "import os, subprocess\n"
        "def run(params, task):\n"
        "    subprocess.Popen(['sleep', '987'])\n"
        "    return os.getpid()\n"
    )
    (tmp_path / "workflow.yaml").write_text(
        "name: leftovers\n"
        "objective: {python: 'model:run', minimize: y}\n"
        "space: {x: {int: [1, 3]}}\n"
        "optimizer: {kind: grid}\n"
    )
    done = run([*mpich.mpiexec(4), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stderr
    left = [
        process.pid
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _command(process) == ["sleep", "987"]
    ]
    assert not left


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
