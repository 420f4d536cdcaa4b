"""The workflows whose tasks take several ranks, in small, on real ranks."""

import csv
import os
import shutil
import subprocess

import pytest

from tests.launching import REPOSITORY, ROOT_MAY, run
from tests.trainers.test_trainers_on_ranks import EXTRAS, problem

SMALL = ["space.learning_rate=0.05", "space.batch_size=16", "space.epochs=4"]
SMALL += ["optimizer.evaluations=3"]  # a Latin hypercube: each number of ranks once


@pytest.fixture
def play(mpi, tmp_path):
    """Return a function that runs a workflow of a copied folder."""

    def play(file, *options, ranks=5):
        folder = copied(file.split("/")[0], tmp_path)
        command = [*mpi.mpiexec(ranks), *mpi.supervisor, "run", file.split("/")[1], *options]
        path = f"{mpi.bin}{os.pathsep}{os.environ['PATH']}"
        done = run(command, folder, PATH=path, OMP_NUM_THREADS="1")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return play


@pytest.fixture
def rows(play, tmp_path):
    """Return a function that runs a search and returns the rows of its table."""

    def rows(file, *settings, ranks=5):
        chosen = [word for one in settings for word in ("--set", one)]
        play(file, *chosen, "--out", str(tmp_path / "out"), ranks=ranks)
        (table,) = (tmp_path / "out").rglob("results.csv")
        with table.open(newline="") as opened:
            found = list(csv.DictReader(opened))
        failed = [row["point"] for row in found if row["status"] != "finished"]
        logs = [path.read_text() for path in tmp_path.rglob("log.txt")] if failed else []
        assert not failed, "\n".join(logs)
        return found

    return rows


def copied(name, tmp_path):
    return shutil.copytree(
        REPOSITORY / "workflows" / name,
        tmp_path / name,
        ignore=shutil.ignore_patterns("experiments", "rods"),
        dirs_exist_ok=True,
    )


def need(mpi, trainer):
    if why := problem(mpi.bin / "python", trainer):
        told = f"scripts/setup --mpi {mpi.name} --with {EXTRAS[trainer]}"
        pytest.skip(f"{trainer} does not run with {mpi.name} ({why}); {told}")


@pytest.mark.parametrize("trainer", ["horovod", "ddp"])
def test_one_to_three_ranks_train_a_point(mpi, rows, trainer):
    need(mpi, trainer)
    found = rows("horovod-digits/workflow.yaml", *SMALL, f"space.trainer={trainer}")
    assert sorted(row["ranks"] for row in found) == ["1", "2", "3"]
    for row in found:
        assert float(row["val_accuracy"]) > 0.8, "chance is 0.1"
        assert float(row["val_loss"]) < 0.7, "chance is 2.3"
        assert float(row["samples_per_s"]) > 0


def test_scaling_prints_a_table_and_draws_it(mpi, play, tmp_path):
    need(mpi, "horovod")
    small = ["--hidden", "32", "--epochs", "1", "--most", "2"]
    out = play("horovod-scaling/scaling.py", *small, ranks=4)
    lines = [line.split() for line in out.splitlines()]
    begin = lines.index(["ranks", "samples/s", "speed-up", "efficiency"])
    alone, together = lines[begin + 1 : begin + 3]
    assert (alone[0], alone[2:]) == ("1", ["1.00", "100%"])
    assert together[0] == "2"
    assert float(together[2]) == pytest.approx(float(together[1]) / float(alone[1]), abs=0.01)
    image = (tmp_path / "horovod-scaling" / "scaling.png").read_bytes()
    assert image.startswith(b"\x89PNG")


def compiled(mpi, folder):
    if not (mpi.bin / "mpicc").exists() or not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip(f"no mpicc of {mpi.name}, or no C compiler; rods.py does without")
    command = [mpi.bin / "mpicc", "-O2", "-Wall", "-Werror", "-o", "rods", "rods.c"]
    environment = os.environ | ROOT_MAY
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["workflow", "python"])
def test_an_mpi_program_finds_the_same_on_any_number_of_ranks(mpi, rows, file, tmp_path):
    if file == "workflow":
        compiled(mpi, copied("lammps-like", tmp_path))
    else:
        pytest.importorskip("numpy", reason="rods.py computes with numpy")
    found = rows(f"lammps-like/{file}.yaml")
    assert len(found) == 9
    assert all(row["size"] == row["ranks"] for row in found)
    for row in found:
        alone = next(
            one for one in found if (one["diffusivity"], one["ranks"]) == (row["diffusivity"], "1")
        )
        assert row["cooling_s"] == alone["cooling_s"]
        assert float(row["heat"]) == pytest.approx(float(alone["heat"]), rel=1e-12)
        # Of an endless rod: erf(0.1 / (2 * sqrt(diffusivity * cooling_s))) = 0.5
        assert float(row["diffusivity"]) * float(row["cooling_s"]) == pytest.approx(0.011, 0.01)


def test_commands_start_themselves_with_torchrun(mpi, rows):
    need(mpi, "ddp")
    (row,) = rows("torchrun/workflow.yaml", "space.learning_rate=0.3", ranks=4)
    assert row["processes"] == "2"
    assert float(row["error"]) < 0.2
