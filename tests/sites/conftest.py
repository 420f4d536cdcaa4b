"""Machines to submit to: fakes of their schedulers and launchers, on the PATH of a clean shell."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.experiment.folder import Experiment
from supervisor.experiment.jobs import read_submission
from tests.sites.fakes.queue_folder import FOLDER, Jobs

FAKES = Path(__file__).parent / "fakes"
COMMANDS = {
    "pbs": ("qsub", "qstat", "qdel"),
    "lsf": ("bsub", "bjobs", "bkill"),
    "cobalt": ("qsub", "qstat", "qdel"),
    "none": (),
}
LIMIT_S = 90.0

# Launchers of machines, which here start the ranks on this one with its own mpiexec.
LAUNCHER = """\
#!/bin/bash
# {name}: takes the options that the jobs of this test use, and no others
while [[ $1 == -* ]]; do
    case $1 in
        -n) ranks=$2; shift 2 ;;
        --nrs) nodes=$2; shift 2 ;;
        --tasks_per_rs) ranks=$((nodes * $2)); shift 2 ;;
        {options}) shift 2 ;;
        --depth=*) shift ;;
        *) echo "{name}: unknown option $1" >&2; exit 2 ;;
    esac
done
exec {mpiexec} -n "$ranks" "$@"
"""
OPTIONS = {
    "aprun": "-N | -d | -j | -cc",
    "mpiexec": "--ppn | --cpu-bind",
    "jsrun": "--rs_per_host | --cpu_per_rs | --gpu_per_rs | --bind | --launch_distribution",
}

MODEL = """\
def run(params):
    return {"y": params["x"]}
"""
WORKFLOW = """\
name: good
objective: {python: "model:run", minimize: y}
space: {x: {float: [0, 1]}}
optimizer: {kind: random, evaluations: 3, seed: 1}
task: {run: inline}
"""


class Machine:
    """A folder with a workflow, and a clean shell in it, where one scheduler's commands are."""

    def __init__(self, folder: Path, scheduler: str) -> None:
        self.folder = folder
        self.experiment = Experiment(folder / "experiments" / "good" / "EXP000")
        self.parses_scripts = "N"  # as LSF itself is configured where it gives whole nodes
        self.programs = folder / ".programs"
        self.home = folder / ".home"
        self.jobs = Jobs(folder / ".queue")
        for path in (self.programs, self.home, self.jobs.path):
            path.mkdir()
        # A login shell, which jobs have, sets PATH anew before it reads this file.
        # Cray's library with MPICH's binary interface is that of the tests.
        libraries = Path(sys.prefix) / "lib"
        (self.home / ".bash_profile").write_text(
            f'PATH="{self.programs}:$PATH"\nCRAY_LD_LIBRARY_PATH="{libraries}"\n'
        )
        for name in COMMANDS[scheduler]:
            program = FAKES / f"{scheduler}.py"
            self.add(name, f'#!/bin/sh\nexec "{sys.executable}" "{program}" {name} "$@"\n')
        mpiexec = Path(sys.executable).with_name("mpiexec")
        for name, options in OPTIONS.items():
            self.add(name, LAUNCHER.format(name=name, options=options, mpiexec=mpiexec))
        self.add("module", "#!/bin/sh\n")
        self.write("model.py", MODEL)
        self.write("workflow.yaml", WORKFLOW)

    def add(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def close(self) -> None:
        """Let all jobs wait."""
        (self.jobs.path / "closed").touch()

    def open(self) -> None:
        (self.jobs.path / "closed").unlink()

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user does."""
        clean = {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.home)}
        return subprocess.run(
            [sys.executable, "-m", "supervisor", *words],
            cwd=self.folder,
            env={
                **clean,
                FOLDER: str(self.jobs.path),
                "LSB_BSUB_PARSE_SCRIPT": self.parses_scripts,
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    def submit(self, *words: str) -> list[str]:
        """Submit, and return the ids of all jobs that the experiment has then."""
        done = self.run("submit", *words)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        record = read_submission(self.experiment)
        assert record is not None
        ids = [job.id for job in record.jobs]
        assert ids[-1] in done.stdout
        return ids

    def refusal(self, *words: str, code: int = 2) -> str:
        """Return the one line that refuses a submission; it leaves nothing behind."""
        before = self.contents()
        done = self.run("submit", *words)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("supervisor: ") and done.stderr.count("\n") == 1, done.stderr
        assert self.contents() == before
        assert self.jobs.all() == []
        return done.stderr

    def contents(self) -> set[Path]:
        """Return all files, and all folders of experiments."""
        found = {path for path in self.folder.rglob("*") if "__pycache__" not in path.parts}
        return {path for path in found if path.is_file() or path.name.startswith("EXP")}

    def printed(self) -> str:
        """Return what all jobs of the experiment have printed."""
        paths = sorted(self.experiment.path.glob("job-*")) + sorted(
            self.experiment.path.glob("*.OU")
        )
        return "\n".join(path.read_text() for path in paths)

    def until(self, reached: Callable[[], bool]) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not reached():
            ended = [job.state == "ended" for job in self.jobs.all()]
            over = time.monotonic() > end_s or (ended and all(ended) and not reached())
            assert not over, f"never reached; jobs printed:\n{self.printed()}"
            time.sleep(0.05)

    def until_all_ended(self) -> None:
        self.until(lambda: all(job.state == "ended" for job in self.jobs.all()))


@pytest.fixture
def machine(tmp_path, mpich):
    """Return a function that sets up the machine for a scheduler; all its jobs end at last."""
    made = []

    def make(scheduler: str) -> Machine:
        made.append(Machine(tmp_path, scheduler))
        return made[-1]

    yield make
    for one in made:
        for job in reversed(one.jobs.all()):
            one.jobs.end(job.number)
        one.until_all_ended()
        problems = [path.read_text() for path in one.jobs.path.glob("*.err")]
        assert not any(problems), "the fake itself failed"
