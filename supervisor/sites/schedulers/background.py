"""No scheduler: jobs are run in the background of this machine."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from supervisor.sites.job import Job
from supervisor.sites.schedulers.scheduler import Scheduler, State

WAITING = "supervisor-waits"
"""First argument of a shell that waits for another job."""

# What has ended and was not yet asked for is a zombie, which counts as ended.
_WAIT = """
while state=$(ps -o stat= -p "$1") && [[ $state != Z* ]]; do sleep 0.5; done
exec bash "$2"
"""


class Background(Scheduler):
    """Processes without a terminal; a job's id is that of its process, and when that began."""

    def head(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        return [f'exec >>{shlex.quote(str(job.output))}/job-"$$".txt 2>&1']

    def submission(self, script: Path, after: str | None) -> list[str]:
        if after is None:
            return ["bash", str(script)]
        return ["bash", "-c", _WAIT, WAITING, _pid(after), str(script)]

    def submit(self, script: Path, after: str | None) -> str:
        """Start a process that outlives this one; return its id."""
        process = subprocess.Popen(
            self.submission(script, after),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return f"{process.pid}.{_began(psutil.Process(process.pid))}"

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """Return the states of those jobs that have not ended."""
        found = {id: process for id in ids if (process := _alive(id)) is not None}
        return {id: _state(process) for id, process in found.items()}

    def cancel(self, ids: Sequence[str]) -> None:
        """Ask all processes of jobs to end."""
        for id in ids:
            if _alive(id) is not None:
                with suppress(ProcessLookupError):  # it has just ended
                    os.killpg(int(_pid(id)), signal.SIGTERM)


def _pid(id: str) -> str:
    return id.partition(".")[0]


def _began(process: psutil.Process) -> int:
    """Return when a process began; with it, a process that has the same number is another one."""
    return int(process.create_time() * 100)


def _alive(id: str) -> psutil.Process | None:
    pid, _, began = id.partition(".")
    try:
        process = psutil.Process(int(pid))
        gone = process.status() == psutil.STATUS_ZOMBIE or str(_began(process)) != began
    except psutil.NoSuchProcess:
        return None
    return None if gone else process


def _state(process: psutil.Process) -> State:
    try:
        waits = WAITING in process.cmdline()
    except psutil.Error:
        waits = False
    return State(not waits, "waits for the job before it" if waits else "running")
