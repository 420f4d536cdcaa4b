"""The scripts of jobs: equal to those in ``golden``, and true when they are run.

After a change on purpose, write the golden files anew and read what has changed:
``python -m tests.sites.test_job_scripts``, then ``git diff tests/sites/golden``.
"""

from __future__ import annotations

import difflib
import getpass
import itertools
import re
import shutil
import socket
import subprocess
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.cli.resources import resources_of
from supervisor.dataflow.schema import ResourcesSection
from supervisor.sites.job import Job, check
from supervisor.sites.script import job_script
from supervisor.sites.site import Site, load_site
from tests.launching import REPOSITORY

GOLDEN = Path(__file__).parent / "golden"
SITES = sorted(path.stem for path in (REPOSITORY / "site-configs").glob("*.sh"))
PROJECT = Path("/project")
WALLTIME_S = 7200
GPUS = {f"{site}-gpus": site for site in SITES if site.startswith("generic-")}
PACKED = "perlmutter-packed"
SCRIPTS = [*SITES, *GPUS, PACKED]
LAUNCHERS = {
    "aurora": "mpiexec",
    "generic-lsf": "mpiexec",
    "generic-pbs": "mpiexec",
    "local": "python",
    "polaris": "mpiexec",
    "summit": "jsrun",
    "theta": "aprun",
}
"""What starts the ranks; srun everywhere else."""

RECORDER = """\
#!/bin/sh
{ printf '%s\\n' "${0##*/}" "$@"; } >"$RECORD"
printf '%s\\n' "$SUPERVISOR_JOB_END" "$MPI4PY_MPIABI" "$SUPERVISOR_LAUNCHER" >"$RECORD.variables"
"""


def site_of(name: str) -> Site:
    known = {**GPUS, PACKED: "perlmutter"}
    return load_site(REPOSITORY / "site-configs" / f"{known.get(name, name)}.sh")


def job_of(name: str, site: Site, project: Path = PROJECT) -> Job:
    """Return the job whose script is in a golden file, as ``supervisor submit`` makes it."""
    least = site.queue(site["queue"], "queue").least_nodes
    chosen = ResourcesSection(
        nodes=1 if site.scheduler == "none" else max(2, least),
        gpus_per_node=4 if name in GPUS else None,
        walltime="02:00:00",
        project="ABC123" if site.project_required else None,
    )
    asked = resources_of(chosen, ResourcesSection(), None, site)
    search = project / "search"
    experiment = search / "experiments" / "digits" / "EXP000"
    job = Job(
        name="digits",
        nodes=asked.nodes,
        ranks_per_node=asked.ranks_per_node,
        gpus_per_node=asked.gpus_per_node,
        walltime_s=asked.walltime_s,
        queue=asked.queue,
        project=asked.project,
        folder=search,
        output=experiment,
        python=project / "environment" / "bin" / "python",
        arguments=["run", "--resume", str(experiment)],
        packed=search / "environments" / "0123456789abcdef.tar" if name == PACKED else None,
    )
    check(job, site, asked.where)
    return job


def script_of(name: str) -> str:
    site = site_of(name)
    return job_script(site, job_of(name, site))


def write_all() -> None:
    """Write all golden files anew."""
    for path in GOLDEN.glob("*.sh"):
        path.unlink()
    for name in SCRIPTS:
        (GOLDEN / f"{name}.sh").write_text(script_of(name))


each_script = pytest.mark.parametrize("name", SCRIPTS)


@each_script
def test_it_is_the_golden_one(name: str):
    path = GOLDEN / f"{name}.sh"
    old, new = path.read_text().splitlines(), script_of(name).splitlines()
    changed = "\n".join(difflib.unified_diff(old, new, str(path), "now", lineterm=""))
    assert not changed, f"if that is meant: python -m tests.sites.test_job_scripts\n{changed}"


def test_there_is_no_golden_file_without_a_script():
    assert {path.stem for path in GOLDEN.glob("*.sh")} == set(SCRIPTS)


@each_script
def test_bash_and_shellcheck_find_nothing(name: str):
    path = GOLDEN / f"{name}.sh"
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    # SC2016: the script that unpacks is to be expanded by another shell, on each node.
    done = subprocess.run(["shellcheck", "--exclude=SC2016", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@each_script
def test_the_head_begins_right_below_the_first_line(name: str):
    """Cobalt reads its head only there; the other schedulers up to the first command."""
    prefix = {"pbs": "#PBS ", "lsf": "#BSUB ", "cobalt": "#COBALT ", "slurm": "#SBATCH "}
    site = site_of(name)
    first, second, *_ = script_of(name).splitlines()
    assert first == "#!/bin/bash -l"
    assert second.startswith(prefix.get(site.scheduler, "exec >>"))


@each_script
def test_it_says_nothing_of_who_wrote_it_where(name: str):
    text = (GOLDEN / f"{name}.sh").read_text()
    for word in (str(REPOSITORY), str(Path.home()), socket.gethostname(), getpass.getuser()):
        assert not re.search(rf"(?<![\w/]){re.escape(word)}(?!\w)", text), word


@each_script
def test_something_was_put_in_for_all_fields(name: str):
    text = (GOLDEN / f"{name}.sh").read_text()
    of_the_job = re.sub(r"^export SUPERVISOR_LAUNCHER=.*", "", text, flags=re.MULTILINE)
    assert not re.search(r"(?<!\$)\{\w*\}|\bNone\b", of_the_job)


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs a script where launchers only write down what they are told."""
    programs, environment = tmp_path / "programs", tmp_path / "environment" / "bin"
    for folder in (programs, environment):
        folder.mkdir(parents=True)
    for path in [
        *(programs / name for name in ("srun", "mpiexec", "jsrun", "aprun")),
        *(environment / name for name in ("mpiexec", "python")),
    ]:
        path.write_text(RECORDER)
        path.chmod(0o755)
    (programs / "module").write_text("#!/bin/sh\n")
    (programs / "module").chmod(0o755)
    # A login shell, which jobs have, sets PATH anew before it reads this file.
    (tmp_path / ".bash_profile").write_text(f'PATH="{programs}:$PATH"\n')
    (tmp_path / "search" / "experiments" / "digits" / "EXP000").mkdir(parents=True)

    def run(script: str) -> tuple[list[str], list[str]]:
        path = tmp_path / "job.sh"
        path.write_text(script)
        record = tmp_path / "record"
        variables = {"HOME": str(tmp_path), "RECORD": str(record)}
        done = subprocess.run(
            ["bash", "-l", str(path)], env=variables, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        words = record.read_text().splitlines()
        return words, record.with_suffix(".variables").read_text().split("\n")

    return run


@pytest.mark.parametrize("name", [*SITES, *GPUS])
def test_run_it_starts_the_ranks(shell, tmp_path, name: str):
    site = site_of(name)
    job = job_of(name, site, tmp_path)
    words, variables = shell(job_script(site, job))
    experiment = str(tmp_path / "search" / "experiments" / "digits" / "EXP000")
    python = str(tmp_path / "environment" / "bin" / "python")
    launcher = LAUNCHERS.get(site.name, "srun")
    assert words[0] == launcher
    if launcher == "python":
        assert words[1:] == [
            *("-P", "-m", "supervisor", "run", "-n", str(job.ranks), "--resume", experiment)
        ]
    else:
        supervisor = [python, "-P", "-m", "supervisor", "run", "--resume", experiment]
        assert words[-len(supervisor) :] == supervisor
        assert started(words[1 : -len(supervisor)]) == job.ranks
    job_end, abi, task_launch, _ = variables
    if site.scheduler == "slurm":
        assert job_end == "", "Slurm can be asked"
    else:
        assert 0 <= time.time() + WALLTIME_S - float(job_end) < 60
    assert abi in ("", "mpich")
    assert bool(task_launch) == bool(site["task_launch"])
    assert task_launch.endswith(site["task_launch"])


def started(words: list[str]) -> int:
    """Return how many processes a launcher is asked for, by its own options."""
    pairs = dict(itertools.pairwise(words))
    pairs |= dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
    if "--nrs" in pairs:
        return int(pairs["--nrs"]) * int(pairs["--tasks_per_rs"])
    return int(pairs.get("-n") or pairs["--ntasks"])


def test_run_a_packed_environment_is_unpacked_first(shell, tmp_path):
    site = site_of(PACKED)
    values = {**site.facts.values, "node_local": str(tmp_path / "node"), "each_node": ""}
    site = replace(site, facts=replace(site.facts, values=values))
    archive = tmp_path / "search" / "environments" / "0123456789abcdef.tar"
    archive.parent.mkdir()
    with tarfile.open(archive, "w") as file:
        file.add(tmp_path / "environment", arcname=".")
    words, _ = shell(job_script(site, job_of(PACKED, site, tmp_path)))
    assert words[0] == "srun"
    unpacked = tmp_path / "node" / "0123456789abcdef" / "bin" / "python"
    assert str(unpacked) in words and unpacked.exists()


def test_a_path_with_blanks_and_quotes_stays_one_word(shell, tmp_path):
    site = site_of("local")
    job = job_of("local", site, tmp_path)
    strange = tmp_path / "two words' end"
    strange.mkdir()
    job = replace(job, folder=strange, output=strange, arguments=["run", str(strange), "$HOME"])
    words, _ = shell(job_script(site, job))
    assert words[-2:] == [str(strange), "$HOME"]
    assert len(list(strange.glob("job-*.txt"))) == 1


if __name__ == "__main__":
    write_all()
