"""Bad input: one message that says where, what and what to do; exit 2; nothing created.

Wrong workflow files have tables of their own: test_bad_searches.py and test_bad_steps.py.
"""

import subprocess
import sys

import pytest

from supervisor.cli import execute
from tests.cli.good import GOOD
from tests.launching import run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nosuch.yaml"], "nosuch.yaml: there is no such file"),
        (["run"], "name a workflow file"),
        (["run", "workflow.yaml", "--walltime", "soon"], "--walltime: 'soon'"),
        (["run", "workflow.yaml", "--set", "task"], "--set task: is not of the form key=value"),
        (["run", "workflow.yaml", "--set", "name.x=1"], "'name' is not a mapping"),
        (["run", "workflow.yaml", "--set", "task.retries=often"], "--set task.retries"),
        (["run", "workflow.yaml", "--workers", "gpu"], "--workers gpu: is not of the form"),
        (["run", "workflow.yaml", "--workers", "gpu=x"], "--workers gpu=x: is not of the form"),
        (["run", "workflow.yaml", "--workers", "gpu=0"], "--workers gpu=0: give 1 or more"),
        (["run", "workflow.yaml", "--workers", "=1"], "--workers =1: '' cannot name a kind"),
        (["run", "workflow.yaml", "--workers", "gpu=1"], "no worker takes tasks of kind 'work'"),
        (
            ["run", "-n", "4", "workflow.yaml", "--workers", "gpu=3"],
            "--workers: gpu=3 makes 3, but this run has 2 workers; use more ranks",
        ),
        (
            ["plan", "-n", "8", "workflow.yaml", "--workers", "work=2", "--workers", "gpu=1"],
            "--workers: work=2, gpu=1 makes 3, but this run has 6 workers; leave 'work' out",
        ),
        (
            ["run", "workflow.yaml", "--set", "task.kind=gpu"],
            "--set task.kind: no worker takes tasks of kind 'gpu'",
        ),
        (["run", "workflow.yaml", "--trace"], "--trace: is for workflows with steps"),
        (["plan", "workflow.yaml", "--dot"], "--dot: draws steps"),
        (["run", "--resume"], "no such experiment"),
        (["run", "--resume", "EXP007"], "no such experiment"),
        (["status"], "no such experiment"),
        (["why", "3"], "no such experiment"),
        (["table", "nosuch"], "no such experiment"),
    ],
)
def test_a_wrong_command_line(arguments, message, refusal):
    assert message in refusal(*arguments)


def test_an_unknown_option_is_bad_input(folder, capsys):
    assert execute(["run", "workflow.yaml", "--nosuch"]) == 2
    assert "--nosuch" in capsys.readouterr().err


def test_under_a_launcher_it_is_said_once(mpi, folder):
    (folder / "workflow.yaml").write_text(GOOD.replace("float", "flaot"))
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml"], folder)
    assert done.returncode == 2
    assert done.stderr.count("supervisor: workflow.yaml:6") == 1
    assert "Traceback" not in done.stderr
    assert not (folder / "experiments").exists()


def test_with_n_it_is_said_before_mpiexec_starts(folder):
    command = [sys.executable, "-m", "supervisor", "run", "-n", "4", "workflow.yaml"]
    (folder / "workflow.yaml").write_text(GOOD.replace("float", "flaot"))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
