"""A folder of jobs that stands for a scheduler's server; the commands beside it use it.

Its path is in FAKE_SCHEDULER. Each job runs as soon as those that it waits for have ended, unless
the folder holds a file named "closed"; then all of them wait.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NoReturn

FOLDER = "FAKE_SCHEDULER"
LIMIT_S = 120.0
"""A job that has not begun by then never does; nothing is left behind by a test."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job; what the commands of its scheduler know of it."""

    number: int = 0
    name: str
    queue: str
    command: Sequence[str]
    cwd: str
    environment: Mapping[str, str]
    output: str
    error: str = ""
    after: Sequence[int] = ()
    after_success: bool = False
    asked: Mapping[str, str] = field(default_factory=dict)
    state: str = "waiting"  # running, ended
    pid: int = 0
    code: int | None = None


class Jobs:
    """All jobs of a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def here(cls) -> Jobs:
        return cls(Path(os.environ[FOLDER]))

    def next_number(self) -> int:
        return 1 + max((job.number for job in self.all()), default=100)

    def all(self) -> list[Job]:
        paths = self.path.glob("*.json")
        return sorted((self._read(path) for path in paths), key=lambda job: job.number)

    def get(self, number: int) -> Job | None:
        path = self.path / f"{number}.json"
        return self._read(path) if path.exists() else None

    def submit(self, job: Job) -> None:
        """Keep a job, and let it run in the background when its time comes."""
        self._write(job)
        subprocess.Popen(
            [sys.executable, __file__, self.path, str(job.number)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.path / f"{job.number}.err").open("w"),
            start_new_session=True,
        )

    def end(self, number: int) -> None:
        """Delete a job that waits, or ask all processes of one that runs to end."""
        with self.locked():
            job = self.get(number)
            if job is None:
                return
            if job.state == "waiting":
                self._write(replace(job, state="ended", code=-signal.SIGTERM))
            elif job.state == "running":
                os.killpg(job.pid, signal.SIGTERM)

    def waits(self, job: Job) -> bool:
        """Return whether a job waits for others."""
        return any(one is not None and one.state != "ended" for one in map(self.get, job.after))

    def never(self, job: Job) -> bool:
        """Return whether a job waits for one that has failed, or that is not known."""
        others = [self.get(number) for number in job.after]
        return job.after_success and any(
            one is None or (one.state == "ended" and one.code != 0) for one in others
        )

    def run(self, number: int) -> None:
        """Run a job when its time has come; return when it has ended."""
        end_s = time.monotonic() + LIMIT_S
        while (job := self.get(number)) is not None and job.state == "waiting":
            if time.monotonic() > end_s:
                self.end(number)
            elif (self.path / "closed").exists() or self.waits(job) or self.never(job):
                time.sleep(0.05)
            else:
                self._start(job)

    def _start(self, job: Job) -> None:
        with self.locked():
            if self.get(job.number) != job:
                return
            paths = Path(job.output), Path(job.error or os.devnull)
            with paths[0].open("ab") as output, paths[1].open("ab") as error:
                process = subprocess.Popen(
                    job.command,
                    cwd=job.cwd,
                    env=dict(job.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=error if job.error else subprocess.STDOUT,
                    start_new_session=True,
                )
            running = replace(job, state="running", pid=process.pid)
            self._write(running)
        code = process.wait()
        with self.locked():
            self._write(replace(running, state="ended", code=code))

    @contextmanager
    def locked(self) -> Iterator[None]:
        with (self.path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self, path: Path) -> Job:
        return Job(**json.loads(path.read_text()))

    def _write(self, job: Job) -> None:
        part = self.path / f"{job.number}.{os.getpid()}.part"
        part.write_text(json.dumps(asdict(job)))
        part.replace(self.path / f"{job.number}.json")


def refuse(text: str, code: int) -> NoReturn:
    """End a command with what it says on its standard error."""
    print(text, file=sys.stderr)
    sys.exit(code)


def clean_environment(**variables: str) -> dict[str, str]:
    """Return what a job gets whose scheduler does not pass on the submitter's environment."""
    kept = ("HOME", "LANG", "USER", "LOGNAME", "TMPDIR")
    given = {name: os.environ[name] for name in kept if name in os.environ}
    return {"PATH": "/usr/bin:/bin", **given, **variables}


if __name__ == "__main__":
    Jobs(Path(sys.argv[1])).run(int(sys.argv[2]))
