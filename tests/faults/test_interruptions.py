"""Runs that end before their time, and go on."""

import csv
import signal
import time

import psutil
import pytest

from supervisor.experiment.events import Finished
from supervisor.experiment.journal import read_journal
from tests.launching import finish, kill, run, start
from tests.watching import start_until, starts

MODEL = """
import time

def run(params, task):
    with open("starts", "a") as file:
        file.write(f"{task.id}\\n")
    time.sleep(0.05)
    return {"y": params["x"] ** 2, "seed": task.seed}
"""

WORKFLOW = """
name: search
objective: {python: "model:run", minimize: y}
space: {x: {float: [-1, 1]}}
optimizer: {kind: random, evaluations: 60, seed: 5}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    return tmp_path


def finished(experiment):
    """Return the points with a result in the journal."""
    events = read_journal(experiment / "journal.jsonl")
    return {event.point for event in events if isinstance(event, Finished)}


def results(experiment):
    """Return parameters and results, without who did it when."""
    with (experiment / "results.csv").open(newline="") as file:
        return [
            (row["point"], row["status"], row["x"], row["y"], row["seed"])
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("after", [1, 13, 37])
def test_a_killed_run_goes_on_as_if_undisturbed(mpi, folder, after):
    command = [*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml"]
    undisturbed = run([*command, "--out", "whole"], folder)
    assert undisturbed.returncode == 0, undisturbed.stderr
    (folder / "starts").unlink()

    experiment = folder / "experiments" / "search" / "EXP000"
    process = start_until(command, folder, experiment, Finished, after)
    kill(process)
    before = finished(experiment)
    begun = starts(folder)
    assert len(before) >= after

    again = run([*mpi.mpiexec(3), *mpi.supervisor, "run", "--resume"], folder)
    assert again.returncode == 0, again.stdout + again.stderr
    total = starts(folder)
    for point in before:
        assert total[str(point)] == begun[str(point)], f"point {point} had finished, but ran again"
    assert set(total) == set(map(str, range(60)))
    assert max(total.values()) <= 2
    assert results(experiment) == results(folder / "whole" / "search" / "EXP000")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_resumably(mpi, folder, number):
    experiment = folder / "experiments" / "search" / "EXP000"
    process = start_until(
        [*mpi.supervisor, "run", "-n", "4", "workflow.yaml"], folder, experiment, Finished, 5
    )
    process.send_signal(number)
    done = finish(process)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "supervisor run --resume experiments/search/EXP000" in done.stdout
    assert len(finished(experiment)) < 60
    assert len(results(experiment)) >= len(finished(experiment))
    again = run([*mpi.supervisor, "run", "--resume", "experiments/search/EXP000"], folder)
    assert again.returncode == 0, again.stderr
    assert len(finished(experiment)) == 60


def test_a_signal_to_the_launcher_itself_ends_the_run_resumably(mpich, folder):
    command = [*mpich.mpiexec(4), *mpich.supervisor, "run", "workflow.yaml"]
    process = start_until(
        command, folder, folder / "experiments" / "search" / "EXP000", Finished, 5
    )
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.returncode == 3, done.stdout + done.stderr


def test_one_process_alone_is_interrupted_too(mpich, folder):
    process = start_until(
        [*mpich.supervisor, "run", "workflow.yaml"],
        folder,
        folder / "experiments" / "search" / "EXP000",
        Finished,
        5,
    )
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.returncode == 3, done.stdout + done.stderr


def test_long_tasks_do_not_outlive_the_grace_of_an_interruption(mpich, folder):
    (folder / "model.py").write_text(MODEL.replace("time.sleep(0.05)", "time.sleep(600)"))
    process = start([*mpich.supervisor, "run", "-n", "4", "workflow.yaml"], folder)
    while not (folder / "starts").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)  # impatient: no grace
    done = finish(process)
    assert done.returncode == 3, done.stdout + done.stderr
    assert time.monotonic() - began < 60
    assert "0 finished, 0 failed" in done.stdout


def test_the_walltime_ends_the_run_in_time_and_costs_no_attempt(mpich, folder):
    (folder / "model.py").write_text(MODEL.replace("time.sleep(0.05)", "time.sleep(0.5)"))
    began = time.time()
    command = [*mpich.supervisor, "run", "-n", "4", "--walltime", "00:00:13", "workflow.yaml"]
    done = run(command, folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert time.time() - began < 20
    assert "the walltime is over" in done.stdout
    experiment = folder / "experiments" / "search" / "EXP000"
    assert '"failed"' not in (experiment / "journal.jsonl").read_text()


def test_an_experiment_that_is_complete_has_nothing_to_resume(mpich, folder):
    less = ["--set", "optimizer.evaluations=3"]
    assert run([*mpich.supervisor, "run", "workflow.yaml", *less], folder).returncode == 0
    again = run([*mpich.supervisor, "run", "--resume"], folder)
    assert again.returncode == 0, again.stderr
    assert sum(starts(folder).values()) == 3


def test_a_changed_model_of_the_search_is_noticed_on_resume(mpich, folder):
    (folder / "points.txt").write_text('{"x": 1}\n{"x": 2}\n{"x": 3}\n')
    (folder / "workflow.yaml").write_text(
        "name: ensemble\nobjective: {python: 'model:run', minimize: y}\npoints: points.txt\n"
    )
    assert run([*mpich.supervisor, "run", "workflow.yaml"], folder).returncode == 0
    (folder / "points.txt").write_text('{"x": 1}\n{"x": 2.5}\n{"x": 3}\n')
    again = run([*mpich.supervisor, "run", "--resume"], folder)
    assert again.returncode == 1
    assert "does not give point" in again.stderr
    assert "Traceback" not in again.stderr


def test_killing_the_command_line_ends_the_ranks_that_it_started(mpich, folder):
    process = start_until(
        [*mpich.supervisor, "run", "-n", "4", "workflow.yaml"],
        folder,
        folder / "experiments" / "search" / "EXP000",
        Finished,
        3,
    )
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    assert run([*mpich.supervisor, "run", "--resume"], folder).returncode == 0


def test_a_task_at_its_limit_can_clean_up(mpich, folder):
    (folder / "workflow.yaml").write_text(
        "name: limit\n"
        "objective:\n"
        "  shell: 'trap \"touch cleaned; exit 0\" TERM; sleep 600 & wait'\n"
        "  minimize: y\n"
        "space: {x: {float: [0, 1]}}\n"
        "optimizer: {kind: random, evaluations: 1}\n"
        "task: {timeout_s: 1}\n"
    )
    done = run([*mpich.supervisor, "run", "-n", "3", "workflow.yaml"], folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "cleaned").exists()
