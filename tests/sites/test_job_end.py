"""When a job ends: what variables say, and what Slurm says when it is asked."""

from __future__ import annotations

import pytest

from supervisor.core.errors import InputError
from supervisor.sites.end import job_end_s


@pytest.mark.parametrize("name", ["SUPERVISOR_JOB_END", "SLURM_JOB_END_TIME", "COBALT_ENDTIME"])
def test_each_variable(name):
    assert job_end_s({name: "1700000000"}) == 1700000000.0


def test_outside_of_jobs_there_is_no_end():
    assert job_end_s({}) is None
    assert job_end_s({"SUPERVISOR_JOB_END": "", "SLURM_JOB_ID": ""}) is None


def test_the_script_knows_better_than_the_scheduler():
    variables = {"COBALT_ENDTIME": "2", "SLURM_JOB_END_TIME": "3", "SUPERVISOR_JOB_END": "1.5"}
    assert job_end_s(variables) == 1.5


def test_what_is_no_time_is_refused():
    with pytest.raises(InputError, match="COBALT_ENDTIME: 'soon' is not a time in seconds"):
        job_end_s({"COBALT_ENDTIME": "soon"})


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Return a function that puts a squeue on the PATH, instead of all other programs."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def add(text):
        (tmp_path / "squeue").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "squeue").chmod(0o755)
        return tmp_path

    return add


def test_slurm_is_asked_for_this_job_in_seconds(squeue, capfd):
    folder = squeue('echo "$SLURM_TIME_FORMAT $*" >"${0%/*}/asked"; echo 1700000123')
    assert job_end_s({"SLURM_JOB_ID": "17"}) == 1700000123.0
    assert (folder / "asked").read_text() == "%s --noheader --jobs 17 --format %e\n"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("said", ["N/A", "Unknown", ""])
def test_a_job_without_a_limit_has_no_end(squeue, capfd, said):
    squeue(f"echo {said}")
    assert job_end_s({"SLURM_JOB_ID": "17"}) is None
    assert capfd.readouterr().err == ""


def test_slurm_that_refuses_is_quoted(squeue, capfd):
    squeue("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert job_end_s({"SLURM_JOB_ID": "17"}) is None
    said = capfd.readouterr().err
    assert "Slurm does not say when this job ends (slurm_load_jobs error: Invalid job id" in said
    assert said.count("\n") == 1


def test_without_squeue_there_is_no_end(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert job_end_s({"SLURM_JOB_ID": "17"}) is None
    assert "squeue" in capfd.readouterr().err
