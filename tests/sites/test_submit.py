"""``supervisor submit``, ``status`` and ``cancel``, as users run them, for each scheduler."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import psutil
import pytest

from supervisor.experiment.jobs import read_submission
from tests.sites.cases import CASES, LSF, ONE_EACH, PBS, SUMMIT
from tests.sites.conftest import WORKFLOW

each_site = pytest.mark.parametrize("case", CASES, ids=lambda case: case.site)
each_scheduler = pytest.mark.parametrize("case", ONE_EACH, ids=lambda case: case.site)


def takes_long(here):
    """Write a workflow that takes half a minute, and can be interrupted at any time."""
    model = "import time\n\ndef run(params):\n    time.sleep(0.5)\n    return {'y': 1.0}\n"
    here.write("model.py", model)
    here.write("workflow.yaml", WORKFLOW.replace("evaluations: 3", "evaluations: 60"))


@each_site
def test_a_job_runs_to_its_end(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    here.close()
    [id] = here.submit(*case.words, "workflow.yaml")
    assert re.fullmatch(case.id, id)
    record = json.loads((here.experiment.path / "jobs.json").read_text())
    assert [job["id"] for job in record["jobs"]] == [id]
    assert record["name"] == "good"
    status = here.run("status")
    assert f"job {id} on {case.site}: " in status.stdout
    assert "not begun" in status.stdout
    here.open()
    here.until_all_ended()
    [job] = here.jobs.all()
    assert job.code == 0, here.printed()
    assert "3 ranks" in here.printed()
    assert "3 points: 3 finished, 0 failed" in here.printed()
    assert here.experiment.results.read_text().count("\n") == 4
    status = here.run("status")
    assert status.returncode == 0, status.stderr
    assert f"job {id} on {case.site}: ended\n" in status.stdout
    assert "complete" in status.stdout and "3 finished" in status.stdout


@each_scheduler
def test_a_chain_waits_and_is_cancelled_as_a_whole(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    here.close()
    first, second, third = here.submit(*case.words, "--chain", "3", "workflow.yaml")
    jobs = here.jobs.all()
    assert [list(job.after) for job in jobs] == [[], [jobs[0].number], [jobs[1].number]]
    cancelled = here.run("cancel")
    assert (cancelled.returncode, cancelled.stderr) == (0, "")
    assert f"cancelled {third} {second} {first}" in cancelled.stdout
    assert {job.state for job in here.jobs.all()} == {"ended"}
    again = here.run("cancel")
    assert (again.returncode, again.stderr) == (0, "")
    assert "no job was left" in again.stdout
    assert here.run("status").stdout.count("ended") == 3
    assert not here.experiment.journal.exists()


@each_scheduler
def test_a_job_of_a_chain_begins_although_the_one_before_it_was_interrupted(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    takes_long(here)
    # The scripts are told of an end that is near; what was asked for takes longer.
    here.close()
    here.submit(*case.words, "--chain", "2", "workflow.yaml")
    for job in here.jobs.all():
        script = Path(job.command[-1])
        script.write_text(script.read_text().replace("+ 1800))", "+ 9))"))
    here.open()
    here.until_all_ended()
    first, second = here.jobs.all()
    assert "interrupted (the walltime is over)" in here.run("status").stdout, here.printed()
    assert first.code == (0 if case.scheduler == "cobalt" else 3)
    assert second.pid, "it has begun"


@each_scheduler
def test_a_job_that_runs_is_cancelled(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    takes_long(here)
    [id] = here.submit(*case.words, "workflow.yaml")
    here.until(here.experiment.journal.exists)
    assert f"job {id} on {case.site}: run" in here.run("status").stdout
    cancelled = here.run("cancel", "good")
    assert f"cancelled {id}" in cancelled.stdout, cancelled.stderr
    here.until_all_ended()
    assert here.run("cancel").stdout.endswith("no job was left\n")


@each_scheduler
def test_jobs_that_the_scheduler_has_forgotten_have_ended(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    here.close()
    [id] = here.submit(*case.words, "workflow.yaml")
    [job] = here.jobs.all()
    here.jobs.end(job.number)
    here.until_all_ended()
    (here.jobs.path / f"{job.number}.json").unlink()
    status = here.run("status")
    assert (status.returncode, status.stderr) == (0, "")
    assert f"job {id} on {case.site}: ended\n" in status.stdout


@each_scheduler
def test_a_job_waits_for_another_one(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    here.close()
    [first] = here.submit(*case.words, "workflow.yaml")
    done = here.run("submit", *case.words, "--after", first, "workflow.yaml")
    assert done.returncode == 0, done.stderr
    assert "EXP001" in done.stdout
    before, after = here.jobs.all()
    assert list(after.after) == [before.number]


@each_scheduler
def test_a_scheduler_that_does_not_answer_is_said_to_be_so(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    here.close()
    here.submit(*case.words, "workflow.yaml")
    command = "bjobs" if case.scheduler == "lsf" else "qstat"
    here.add(command, "#!/bin/sh\necho 'cannot connect to server' >&2\nexit 1\n")
    status = here.run("status")
    assert status.returncode == 0
    assert "cannot connect to server" in status.stdout
    cancelled = here.run("cancel")
    assert cancelled.returncode == 1
    assert "cannot connect to server" in cancelled.stderr


@each_site
def test_dry_run_writes_nothing(machine, case):
    here = machine(case.scheduler)
    here.parses_scripts = "Y" if case is SUMMIT else "N"
    before = here.contents()
    done = here.run("submit", *case.words, "--chain", "2", "--dry-run", "workflow.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert here.contents() == before and here.jobs.all() == []
    assert done.stdout.startswith("#!/bin/bash -l\n#")
    first, second = re.findall(r"^# (?:qsub|bsub).*$", done.stdout, re.MULTILINE)
    assert "JOB1" in second and "JOB1" not in first
    here.close()
    here.submit(*case.words, "workflow.yaml")
    script = here.experiment.script.read_text()
    assert done.stdout.startswith(script), "what is printed is what is submitted"
    assert os.access(here.experiment.script, os.X_OK)


def test_set_and_resume(machine):
    here = machine("pbs")
    here.submit(*PBS.words, "--set", "optimizer.evaluations=2", "workflow.yaml")
    here.until_all_ended()
    assert "2 points: 2 finished" in here.printed()
    said = here.run("submit", *PBS.words, "--resume", "--set", "optimizer.evaluations=4")
    assert said.returncode == 2 and "--set: cannot change" in said.stderr
    ids = here.submit(*PBS.words, "--resume", "good/EXP000")
    assert len(ids) == 2
    here.until_all_ended()
    assert [job.code for job in here.jobs.all()] == [0, 0], here.printed()
    assert here.experiment.results.read_text().count("\n") == 3
    assert not (here.experiment.path.parent / "EXP001").exists()


def test_a_script_gets_its_arguments(machine):
    here = machine("lsf")
    text = "def main(epochs: int, name: str, home: str):\n    print('told:', epochs, name, home)\n"
    here.write("good.py", text)
    here.submit(*LSF.words, "good.py", "--epochs", "3", "--name=two words", "--home=$HOME")
    here.until_all_ended()
    assert "told: 3 two words $HOME" in here.printed()


def test_options_of_the_run_are_passed_on(machine):
    here = machine("pbs")
    here.close()
    words = [*PBS.words, "--ranks-per-node", "4", "--servers", "1", "--workers", "gpu=1"]
    here.submit(*words, "workflow.yaml")
    assert "--servers 1 --workers gpu=1" in here.experiment.script.read_text()


def test_another_launcher(machine):
    here = machine("pbs")
    done = here.run(
        *("submit", *PBS.words, "--dry-run", "--launch", "mpirun -n {ranks}", "workflow.yaml")
    )
    assert re.search(r"^exec mpirun -n 3 \S+/python -P -m", done.stdout, re.MULTILINE)
    said = here.refusal(*PBS.words, "--launch", "mpirun -n {rank}", "workflow.yaml")
    assert "--launch: unknown field 'rank'. Did you mean 'ranks'?" in said


LOCAL = ["--site", "local", "--ranks-per-node", "3"]


def test_local_runs_in_the_background(machine):
    here = machine("none")
    began_s = time.monotonic()
    ids = here.submit(*LOCAL, "--chain", "2", "workflow.yaml")
    assert time.monotonic() - began_s < 60
    here.until(lambda: here.run("status").stdout.count(": ended\n") == 2)
    assert "3 points: 3 finished" in here.printed()
    assert "complete" in here.run("status").stdout
    names = {f"job-{id.partition('.')[0]}.txt" for id in ids}
    assert {path.name for path in here.experiment.path.glob("job-*")} == names


def test_local_jobs_are_cancelled_with_all_their_processes(machine):
    here = machine("none")
    takes_long(here)
    first, second = here.submit(*LOCAL, "--chain", "2", "workflow.yaml")
    assert f"job {second} on local: waits for the job before it" in here.run("status").stdout
    here.until(here.experiment.journal.exists)
    assert f"job {first} on local: running" in here.run("status").stdout
    assert here.run("cancel").stdout.endswith(f"cancelled {second} {first}\n")
    here.until(lambda: here.run("status").stdout.count(": ended\n") == 2)
    here.until(lambda: not processes_in(here.folder))
    record = read_submission(here.experiment)
    assert record is not None and len(record.jobs) == 2


def processes_in(folder):
    """Return the processes whose working folder is in another one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(f"{folder}"):
                found.append(process)
        except psutil.Error:
            continue
    return found
