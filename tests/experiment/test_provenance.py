"""Provenance tells where results come from, and no secrets."""

import json
import math
import shutil
import subprocess

import pytest

from supervisor.core.errors import SupervisorError
from supervisor.experiment import provenance
from supervisor.experiment.events import Opened, Session


def collect(source, **changes):
    opened = Opened(
        name="digits", seed=2**70, metric="loss", maximize=False,
        source=str(source), source_dir=str(source.parent), time_s=0.0,
    )  # fmt: skip
    session = Session(
        number=0, time_s=1.5, ranks=4, workers=2, servers=1, hosts=["a", "b"], walltime_s=math.inf
    )
    chosen = {"command": ["supervisor", "run"], "mpi": "MPICH 5", "chosen": ["a.b=1"], **changes}
    return provenance.collect(opened, session, **chosen)


@pytest.fixture
def git(tmp_path):
    """A function that runs git in a repository with one commit of ``workflow.yaml``."""

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, "-C", str(tmp_path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / "workflow.yaml").write_text("name: digits\n")
    git("init", "-q")
    git("add", "workflow.yaml")
    git("commit", "-q", "-m", "first")
    return git


def test_a_record_tells_versions_machine_command_and_choices(tmp_path):
    record = collect(tmp_path / "workflow.yaml")
    assert record["versions"]["python"].startswith("3.")
    assert "supervisor" in record["versions"]
    assert record["platform"]["cpus"] >= 1
    assert record["hosts"] == ["a", "b"]
    assert (record["mpi"], record["command"]) == ("MPICH 5", ["supervisor", "run"])
    assert (record["chosen"], record["seed"]) == (["a.b=1"], 2**70)
    assert record["started"] == "1970-01-01T00:00:01.500Z"


def test_environment_variables_are_not_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_TOKEN", "hunter2-secret")
    path = tmp_path / "provenance.json"
    provenance.write(path, collect(tmp_path / "workflow.yaml"))
    assert "hunter2" not in path.read_text()


def test_sessions_add_up_in_strict_json(tmp_path):
    path = tmp_path / "provenance.json"
    for command in (["first"], ["second"]):
        provenance.write(path, collect(tmp_path / "workflow.yaml", command=command))

    def refuse(name):
        raise AssertionError(name)

    sessions = json.loads(path.read_text(), parse_constant=refuse)["sessions"]
    assert [session["command"] for session in sessions] == [["first"], ["second"]]
    assert [path.name for path in tmp_path.iterdir()] == ["provenance.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sessions": 1}'])
def test_a_file_that_is_something_else_is_not_overwritten(tmp_path, text):
    path = tmp_path / "provenance.json"
    path.write_text(text)
    with pytest.raises(SupervisorError, match=r"provenance\.json.*Move it away"):
        provenance.write(path, {})
    assert path.read_text() == text


def test_a_clean_repository_has_a_commit_and_is_not_dirty(git, tmp_path):
    (tmp_path / "output.log").touch()
    state = provenance.git_state(tmp_path / "workflow.yaml")
    assert state == {"commit": git("rev-parse", "HEAD"), "dirty": False}


def test_a_changed_file_makes_the_repository_dirty(git, tmp_path):
    (tmp_path / "workflow.yaml").write_text("name: other\n")
    assert provenance.git_state(tmp_path / "workflow.yaml")["dirty"] is True


def test_a_workflow_that_is_not_in_git_is_dirty(git, tmp_path):
    (tmp_path / "new.yaml").touch()
    assert provenance.git_state(tmp_path / "new.yaml")["dirty"] is True


def test_without_repository_or_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.git_state(tmp_path / "workflow.yaml") is None
    assert provenance.git_state(tmp_path / "missing" / "workflow.yaml") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.git_state(tmp_path / "workflow.yaml") is None


def test_a_git_that_hangs_is_given_up(tmp_path, monkeypatch):
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(provenance, "GIT_TIMEOUT_S", 0.1)
    assert provenance.git_state(tmp_path / "workflow.yaml") is None
