"""Whole runs under real launchers, with both MPIs."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.launching import REPOSITORY, run

ONED = REPOSITORY / "workflows" / "oned" / "workflow.yaml"
DIGITS = REPOSITORY / "workflows" / "digits" / "workflow.yaml"
CANDLE = REPOSITORY.parent / "shared" / "data" / "candle"


def rows(experiment):
    """Return the rows of an experiment's table."""
    with (experiment / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def points(experiment):
    """Return what was evaluated and what came out, without who did it when."""
    return [(row["point"], row["status"], row["x"], row["value"]) for row in rows(experiment)]


@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
def test_the_same_points_come_out_whatever_the_number_of_ranks(mpi, ranks, servers, tmp_path):
    options = ["--servers", str(servers), "--set", "optimizer.evaluations=30"]
    done = run([*mpi.mpiexec(ranks), *mpi.supervisor, "run", str(ONED), *options], tmp_path)
    assert done.returncode == 0, done.stderr
    experiment = tmp_path / "experiments" / "oned" / "EXP000"
    alone = tmp_path / "alone"
    reference = [*mpi.supervisor, "run", str(ONED), "--out", str(alone), *options[2:]]
    assert run(reference, tmp_path).returncode == 0
    assert points(experiment) == points(alone / "oned" / "EXP000")
    assert len(points(experiment)) == 30
    assert "best: " in done.stdout
    assert "results: experiments/oned/EXP000/results.csv" in done.stdout


def test_digits_trains_on_real_data(mpi, tmp_path):
    less = ["--set", "optimizer.evaluations=4", "--set", "space.epochs=3"]
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", str(DIGITS), *less], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    table = rows(tmp_path / "experiments" / "digits" / "EXP000")
    assert [row["status"] for row in table] == ["finished"] * 4
    assert {row["rank"] for row in table} == {"1", "2"}
    assert max(float(row["val_accuracy"]) for row in table) > 0.5
    journal = (tmp_path / "experiments" / "digits" / "EXP000" / "journal.jsonl").read_text()
    assert journal.count('"event":"reported"') == 4 * 3


def test_run_starts_mpiexec_itself(mpi, tmp_path):
    command = [*mpi.supervisor, "run", "-n", "4", str(ONED), "--set", "optimizer.evaluations=9"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 ranks on ")
    assert len(rows(tmp_path / "experiments" / "oned" / "EXP000")) == 9


def test_tasks_of_a_kind_run_only_on_its_workers(mpi, tmp_path):
    command = [*mpi.mpiexec(4), *mpi.supervisor, "run", str(ONED), "--workers", "gpu=1"]
    less = ["--set", "optimizer.evaluations=9"]
    for kind, rank in (("gpu", "2"), ("work", "1")):
        done = run([*command, *less, "--set", f"task.kind={kind}"], tmp_path)
        assert done.returncode == 0, done.stderr
        assert "workers 1-2 (2) [1 work, 1 gpu], server 3" in done.stdout
        experiment = max((tmp_path / "experiments" / "oned").iterdir())
        assert [row["rank"] for row in rows(experiment)] == [rank] * 9


def test_a_resumed_run_takes_the_kinds_of_the_file_unless_the_command_line_has_others(
    mpich, tmp_path
):
    (tmp_path / "model.py").write_text("def run(params):\n    return params['n']\n")
    (tmp_path / "workflow.yaml").write_text(
        "name: kinds\n"
        "objective: {python: 'model:run', minimize: y}\n"
        "space: {n: {int: [0, 9]}}\n"
        "optimizer: {kind: grid}\n"
        "task: {run: inline, kind: gpu}\n"
        "workers: {gpu: 1}\n"
    )
    ranks = [*mpich.mpiexec(5), *mpich.supervisor, "run"]
    stopped = run([*ranks, "workflow.yaml", "--walltime", "00:00:01"], tmp_path)
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    refused = run([*ranks, "--resume", "--workers", "gpu=4"], tmp_path)
    assert refused.returncode == 2
    assert "--workers: gpu=4 makes 4, but this run has 3 workers" in refused.stderr
    stopped = run([*ranks, "--resume", "--walltime", "00:00:01"], tmp_path)
    assert "[2 work, 1 gpu]" in stopped.stdout
    done = run([*ranks, "--resume", "--workers", "gpu=2"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[1 work, 2 gpu]" in done.stdout
    table = rows(tmp_path / "experiments" / "kinds" / "EXP000")
    assert [row["status"] for row in table] == ["finished"] * 10
    assert {row["rank"] for row in table} <= {"2", "3"}


def test_the_table_says_where_and_when_each_point_ran(mpich, tmp_path):
    command = [*mpich.supervisor, "run", "-n", "4", str(ONED), "--set", "optimizer.evaluations=9"]
    assert run(command, tmp_path).returncode == 0
    for row in rows(tmp_path / "experiments" / "oned" / "EXP000"):
        assert row["attempts"] == "1"
        assert row["host"]
        assert row["start"] <= row["end"]


@pytest.mark.parametrize(("name", "count"), [("upf-1.txt", 3), ("cp1-upf.txt", 25)])
def test_unrolled_parameter_files_of_the_field_run(mpich, name, count, tmp_path):
    if not CANDLE.is_dir():
        pytest.skip(f"the files of the CANDLE project are not at {CANDLE}")
    shutil.copy(CANDLE / "upf" / name, tmp_path)
    (tmp_path / "workflow.yaml").write_text(
        "name: field\n"
        "objective:\n"
        '  shell: \'echo "{\\"loss\\": ${epochs}}"; test -n ${id}\'\n'
        "  minimize: loss\n"
        f"points: {name}\n"
    )
    done = run([*mpich.mpiexec(4), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    table = rows(tmp_path / "experiments" / "field" / "EXP000")
    assert len(table) == count
    assert {row["status"] for row in table} == {"finished"}
    names = [row["name"] for row in table]
    wanted = ["RUN000", "RUN001", "RUN002"] if count == 3 else [str(i) for i in range(25)]
    assert names == wanted


def test_worker_ranks_import_neither_command_line_nor_yaml_nor_optimizers(mpich, tmp_path):
    (tmp_path / "model.py").write_text(
        "import json, sys\n"
        "def run(params):\n"
        "    with open('modules.json', 'w') as file:\n"
        "        json.dump(sorted(sys.modules), file)\n"
        "    return 0.0\n"
    )
    (tmp_path / "workflow.yaml").write_text(
        "objective: {python: 'model:run', minimize: y}\n"
        "space: {x: {float: [0, 1]}}\n"
        "optimizer: {kind: random, evaluations: 1}\n"
        "task: {run: inline}\n"
    )
    done = run([*mpich.mpiexec(3), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stderr
    modules = json.loads((tmp_path / "modules.json").read_text())
    banned = ("click", "rich", "ruamel", "supervisor.optimizers", "supervisor.cli", "numpy")
    for module in modules:
        assert not module.startswith(banned), f"a worker rank imports {module}"
    assert "supervisor.balancer.worker" in modules


def test_a_crash_of_a_rank_ends_the_run_and_can_be_resumed(mpich, tmp_path):
    (tmp_path / "model.py").write_text(
        "import os, pathlib\n"
        "def run(params):\n"
        "    flag = pathlib.Path('crashed')\n"
        "    if params['n'] == 5 and not flag.exists():\n"
        "        flag.touch()\n"
        "        os._exit(9)\n"
        "    return params['n']\n"
    )
    (tmp_path / "workflow.yaml").write_text(
        "name: crash\n"
        "objective: {python: 'model:run', minimize: y}\n"
        "space: {n: {int: [0, 9]}}\n"
        "optimizer: {kind: grid}\n"
        "task: {run: inline}\n"
    )
    done = run([*mpich.mpiexec(4), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode != 0
    again = run([*mpich.mpiexec(4), *mpich.supervisor, "run", "--resume"], tmp_path)
    assert again.returncode == 0, again.stderr
    table = rows(Path(tmp_path / "experiments" / "crash" / "EXP000"))
    assert [row["n"] for row in table] == [str(n) for n in range(10)]
    assert {row["status"] for row in table} == {"finished"}
