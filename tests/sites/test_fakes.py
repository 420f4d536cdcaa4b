"""The fakes of schedulers refuse what the real ones refuse; else they would prove nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.sites.conftest import FAKES
from tests.sites.fakes.queue_folder import FOLDER, Jobs

HEADS = {
    "pbs": "#PBS -l select=1:ncpus=2 -l walltime=00:10:00\n",
    "lsf": "#BSUB -n 2 -W 0:10\n",
    "cobalt": "#COBALT -n 1 -t 10 -A P\n",
}
SUBMIT = {"pbs": "qsub", "lsf": "bsub", "cobalt": "qsub"}


@pytest.fixture
def command(tmp_path):
    """Return a function that runs a command of a fake; jobs wait for ever."""
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "closed").touch()
    jobs = Jobs(tmp_path / "queue")

    def run(scheduler, *words, head=None):
        script = tmp_path / "job.sh"
        script.write_text(
            "#!/bin/bash\n" + (HEADS[scheduler] if head is None else head) + "true\n"
        )
        script.chmod(0o755)
        with script.open() as file:
            return subprocess.run(
                [sys.executable, FAKES / f"{scheduler}.py", *words],
                stdin=file,
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env=os.environ | {FOLDER: str(jobs.path)},
            )

    def submit(scheduler, *words, head=None):
        script = [] if scheduler == "lsf" else ["job.sh"]
        return run(scheduler, SUBMIT[scheduler], *words, *script, head=head)

    run.submit = submit
    run.jobs = jobs
    yield run
    for job in jobs.all():
        jobs.end(job.number)


@pytest.mark.parametrize("scheduler", HEADS)
def test_what_is_right_is_taken(command, scheduler):
    done = command.submit(scheduler)
    assert done.returncode == 0, done.stderr
    assert len(command.jobs.all()) == 1


@pytest.mark.parametrize(
    ("scheduler", "head", "code", "said"),
    [
        ("pbs", "#PBS --walltime 1\n", 2, "invalid option"),
        ("pbs", "#PBS -l walltime=1h\n", 166, "Illegal attribute or resource value"),
        ("pbs", "#PBS -l walltime=01:70:00\n", 166, "Resource_List.walltime"),
        ("pbs", "#PBS -l select=two\n", 166, "Resource_List.select"),
        ("pbs", "#PBS -l select=1:cpus=2\n", 166, "Resource_List.select"),
        ("pbs", "#PBS -l nodez=1\n", 187, "Unknown resource"),
        ("pbs", "#PBS -l place=scattered\n", 166, "Resource_List.place"),
        ("pbs", "#PBS -k all\n", 2, "illegal -k value"),
        ("pbs", "#PBS -j yes\n", 2, "illegal -j value"),
        ("pbs", "#PBS -N 1digits\n", 2, "illegal -N value"),
        ("pbs", "#PBS -q nowhere\n", 170, "Unknown queue"),
        ("pbs", "#PBS -W depends=afterany:1\n", 2, "illegal -W value"),
        ("pbs", "#PBS -W depend=afterall:1\n", 2, "illegal -W value"),
        ("pbs", "#PBS -W depend=afterany:1\n", 153, "Unknown Job Id"),
        ("lsf", "#BSUB --walltime 1\n", 255, "Illegal option"),
        ("lsf", "#BSUB -W 00:10:00\n", 255, "Bad argument for option -W"),
        ("lsf", "#BSUB -n two\n", 255, "Bad argument for option -n"),
        ("lsf", "#BSUB -nnodes 1 -n 2\n", 255, "cannot be used with"),
        ("lsf", '#BSUB -R "span[ptiles=2]"\n', 255, "Bad resource requirement"),
        ("lsf", "#BSUB -q nowhere\n", 255, "No such queue"),
        ("lsf", '#BSUB -w "after(1)"\n', 255, "Bad argument for option -w"),
        ("lsf", '#BSUB -w "ended(1)"\n', 255, "No matching job"),
        ("lsf", "#BSUB -J\n", 255, "needs a value"),
        ("cobalt", "#COBALT -n 1 -t 10 -A P -z\n", 2, "no such option: -z"),
        ("cobalt", "#COBALT -n 1 -A P\n", 1, "'time' not provided"),
        ("cobalt", "#COBALT -n 1 -t 1h -A P\n", 1, "is invalid"),
        ("cobalt", "#COBALT -n one -t 10 -A P\n", 1, "non-integer node count"),
        ("cobalt", "#COBALT -n 1 -t 10\n", 1, "No project"),
        ("cobalt", "#COBALT -n 1 -t 10 -A P --attrs home\n", 1, "Improperly formatted"),
        ("cobalt", "#COBALT -n 1 -t 10 -A P -O none/job\n", 1, "does not exist"),
        ("cobalt", "\n#COBALT -n 1 -t 10 -A P\n", 1, "'time' not provided"),
    ],
)
def test_what_is_wrong_in_the_head_is_refused(command, scheduler, head, code, said):
    done = command.submit(scheduler, head=head)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert command.jobs.all() == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["pbs", "qstat", "-f", "-F", "json", "7"], 153, "qstat: Unknown Job Id 7"),
        (["pbs", "qdel", "7"], 153, "qdel: Unknown Job Id 7"),
        (["pbs", "qstat", "--json", "7"], 2, "invalid option"),
        (["lsf", "bjobs", "-noheader", "7"], 255, "Job <7> is not found"),
        (["lsf", "bjobs", "-json", "7"], 255, "Illegal job ID"),
        (["lsf", "bjobs", "-o", "jobid status", "7"], 255, "Illegal field name"),
        (["lsf", "bkill", "7"], 255, "Job <7>: No matching job found"),
        (["cobalt", "qstat", "--header", "JobID:State", "7"], 1, ""),
        (["cobalt", "qstat", "--headers", "7"], 2, "no such option"),
        (["cobalt", "qdel", "7"], 0, "qdel: Job 7 not found"),
    ],
)
def test_jobs_that_are_not_known(command, words, code, said):
    done = command(*words)
    assert done.returncode == code
    assert said in done.stderr
