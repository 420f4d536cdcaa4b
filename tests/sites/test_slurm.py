"""Jobs on a real Slurm, which scripts/slurm-here starts for these tests."""

import os
import shutil
import subprocess
import time

import pytest

from supervisor.experiment.events import Finished, Interrupted
from supervisor.experiment.folder import Experiment
from supervisor.experiment.jobs import read_submission
from supervisor.experiment.journal import read_journal
from tests.launching import REPOSITORY, finish, start
from tests.watching import starts

HERE = REPOSITORY / "scripts" / "slurm-here"
LIMIT_S = 600.0
WALLTIME_S = 60
TASK_S = 2.0

MODEL = f"""
import time

def run(params, task):
    with open("starts", "a") as file:
        file.write(f"{{task.id}}\\n")
    time.sleep({TASK_S})
    return {{"y": params["x"]}}
"""

WORKFLOW = """
name: search
objective: {python: "model:run", minimize: y}
space: {x: {float: [0, 1]}}
optimizer: {kind: random, evaluations: EVALUATIONS, seed: 1}
resources: {nodes: 2, ranks_per_node: 2, walltime: "00:01:00"}
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Start a Slurm of three nodes; yield the variables that a shell needs to use it."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [
        one for one in ("slurmctld", "slurmd", "munged") if not shutil.which(one, path=path)
    ]
    if missing:
        pytest.skip(f"no {', '.join(missing)}; Debian has them in slurm-wlm and munge")
    folder = tmp_path_factory.mktemp("slurm", numbered=True)
    started = subprocess.run(
        [HERE, "start", "--folder", folder / "s"], capture_output=True, text=True
    )
    assert started.returncode == 0, started.stderr
    name, _, value = started.stdout.removeprefix("export ").strip().partition("=")
    yield {"PATH": os.environ["PATH"], "HOME": str(folder), name: value}
    subprocess.run([HERE, "stop", "--folder", folder / "s"], check=True)


@pytest.fixture
def shell(slurm, mpich, tmp_path):
    """Return a function that runs commands in a clean shell, in a folder with a workflow."""
    (tmp_path / "model.py").write_text(MODEL)

    def call(*words, evaluations=6):
        workflow = tmp_path / "workflow.yaml"
        workflow.write_text(WORKFLOW.replace("EVALUATIONS", str(evaluations)))
        command = [*mpich.supervisor, *words] if words[0] != "slurm" else list(words[1:])
        process = start(["env", "-i", *(f"{k}={v}" for k, v in slurm.items()), *command], tmp_path)
        return finish(process)

    call.folder = tmp_path
    call.experiment = Experiment(tmp_path / "experiments" / "search" / "EXP000")
    return call


def until(reached):
    end_s = time.monotonic() + LIMIT_S
    while not reached():
        assert time.monotonic() < end_s, "it took too long"
        time.sleep(0.5)


def nobody_waits(shell):
    return not shell("slurm", "squeue", "--noheader").stdout.strip()


def ended(shell):
    """Wait until all jobs of the experiment have ended; return what they printed."""
    ids = [job.id for job in read_submission(shell.experiment).jobs]
    until(lambda: nobody_waits(shell))
    return [(shell.experiment.path / f"job-{id}.txt").read_text() for id in ids]


def code(shell, number=0):
    """Return the exit code of one of the experiment's jobs, as Slurm knows it."""
    id = read_submission(shell.experiment).jobs[number].id
    said = shell("slurm", "scontrol", "show", "job", id).stdout
    return said.partition("ExitCode=")[2].split()[0]


def finished(shell):
    if not shell.experiment.journal.exists():
        return []
    events = read_journal(shell.experiment.journal)
    return [event.point for event in events if isinstance(event, Finished)]


@pytest.mark.parametrize(
    "launch", [[], ["--launch", "{mpiexec} -n {ranks}"]], ids=["srun", "mpiexec"]
)
def test_a_job_runs_to_its_end(shell, launch):
    submitted = shell("submit", "--site", "generic-slurm", *launch, "workflow.yaml")
    assert submitted.returncode == 0, submitted.stderr
    status = shell("status")
    assert "on generic-slurm:" in status.stdout
    [printed] = ended(shell)
    assert "4 ranks" in printed
    assert "the job ends at" in printed
    assert "6 points: 6 finished, 0 failed" in printed
    assert code(shell) == "0:0"
    assert "complete" in shell("status").stdout


def test_digits_runs_from_a_clean_shell(shell):
    path = REPOSITORY / "workflows" / "digits" / "workflow.yaml"
    few = ["--set", "optimizer.evaluations=4", "--set", "name=search"]
    submitted = shell("submit", "--site", "generic-slurm", *few, str(path))
    assert submitted.returncode == 0, submitted.stderr
    [printed] = ended(shell)
    assert "4 points: 4 finished, 0 failed" in printed


def test_jobs_in_a_chain_finish_what_is_too_long_for_one(shell):
    evaluations = round(2 * WALLTIME_S * 2 / TASK_S) - 10  # two minutes of two workers, nearly
    command = ["submit", "--site", "generic-slurm", "--chain", "3", "workflow.yaml"]
    submitted = shell(*command, evaluations=evaluations)
    assert submitted.returncode == 0, submitted.stderr
    assert "pending (Dependency)" in shell("status", evaluations=evaluations).stdout
    ended(shell)
    assert (code(shell, 0), code(shell, 2)) == ("3:0", "0:0"), "the first is interrupted"
    points = finished(shell)
    assert sorted(points) == list(range(evaluations)), "each point finished, and only once"
    interruptions = [
        event for event in read_journal(shell.experiment.journal) if isinstance(event, Interrupted)
    ]
    assert {event.reason for event in interruptions} == {"the walltime is over"}
    assert len(interruptions) in (1, 2)
    again = [point for point, number in starts(shell.folder).items() if number > 1]
    assert len(again) <= 4, "at most what was in flight twice, on two workers, is begun again"


@pytest.mark.parametrize("command", ["supervisor", "scancel"])
def test_a_cancelled_job_leaves_an_experiment_that_goes_on(shell, command):
    shell("submit", "--site", "generic-slurm", "--chain", "2", "workflow.yaml", evaluations=12)
    until(lambda: len(finished(shell)) >= 3)
    ids = [job.id for job in read_submission(shell.experiment).jobs]
    words = ["cancel"] if command == "supervisor" else ["slurm", "scancel", *ids]
    cancelled = shell(*words, evaluations=12)
    assert cancelled.returncode == 0, cancelled.stderr
    until(lambda: nobody_waits(shell))
    before = finished(shell)
    assert 3 <= len(before) < 12
    again = shell("submit", "--site", "generic-slurm", "--resume", evaluations=12)
    assert again.returncode == 0, again.stderr
    until(lambda: nobody_waits(shell))
    assert sorted(finished(shell)) == list(range(12))
    assert starts(shell.folder)[str(before[0])] == 1


def test_what_slurm_refuses_leaves_nothing(shell):
    refused = shell("submit", "--site", "generic-slurm", "--queue", "nowhere", "workflow.yaml")
    assert refused.returncode == 1
    assert "invalid partition" in refused.stderr
    assert not shell.experiment.path.exists()


def test_mpi_programs_are_tasks_of_a_job(shell):
    path = REPOSITORY / "workflows" / "lammps-like" / "python.yaml"
    wide = ["--nodes", "2", "--ranks-per-node", "3", "--walltime", "00:05:00"]
    submitted = shell(
        "submit", "--site", "generic-slurm", *wide, "--set", "name=search", str(path)
    )
    assert submitted.returncode == 0, submitted.stderr
    [printed] = ended(shell)
    assert "9 points: 9 finished, 0 failed" in printed
    assert {
        event.host
        for event in read_journal(shell.experiment.journal)
        if isinstance(event, Finished)
    } <= {"here1", "here2"}


def test_processes_that_do_not_see_each_other_are_refused(shell, mpich):
    shell("plan", "workflow.yaml")  # writes it
    alone = shell("slurm", "srun", "-n2", *mpich.supervisor, "run", "workflow.yaml")
    assert "srun has started 2 processes that do not see each other" in alone.stderr
    assert alone.returncode == 2
    assert not shell.experiment.path.exists()
