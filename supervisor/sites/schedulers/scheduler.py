"""What all schedulers have in common."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from supervisor.core.errors import SupervisorError
from supervisor.sites.job import Job
from supervisor.sites.site import Site

PATIENCE_S = 120.0
"""A scheduler that does not answer for so long is not asked any further."""


@dataclass(frozen=True, slots=True)
class State:
    """What a scheduler says of a job that has not ended.

    Attributes:
        running: Or else it waits.
        text: The scheduler's own words for it.
    """

    running: bool
    text: str


class Scheduler(ABC):
    """Writes the head of scripts, submits them, and follows their jobs.

    Args:
        site: Where it is.

    Attributes:
        outputs: Pattern of the names of files with what jobs print.
    """

    outputs = "job-*"

    def __init__(self, site: Site) -> None:
        self.site = site

    @abstractmethod
    def head(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        """Return the lines of the script that are not part of what the job does."""

    @abstractmethod
    def submission(self, script: Path, after: str | None) -> list[str]:
        """Return the command that submits a script; it starts when another job has ended."""

    def typed(self, script: Path, after: str | None) -> str:
        """Return the same as people type it."""
        return shlex.join(self.submission(script, after))

    @abstractmethod
    def submit(self, script: Path, after: str | None) -> str:
        """Submit a script; return the job's id.

        Raises:
            SupervisorError: If it is refused.
        """

    @abstractmethod
    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """Return the states of those jobs that have not ended.

        Raises:
            SupervisorError: If nobody can be asked.
        """

    @abstractmethod
    def cancel(self, ids: Sequence[str]) -> None:
        """End jobs.

        Raises:
            SupervisorError: If it is refused.
        """


class BatchScheduler(Scheduler):
    """A scheduler of a cluster, which is spoken to through its commands.

    Attributes:
        prefix: Begins the lines of the head.
        queue_option: Names the queue.
    """

    prefix: str
    queue_option = "-q"

    def head(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        """Return the lines that ask for the job's resources."""
        own = [line.format(**fields) for line in self.site.directives]
        return [f"{self.prefix} {line}" for line in [*self.resources(job, fields), *own]]

    @abstractmethod
    def resources(self, job: Job, fields: Mapping[str, str]) -> list[str]:
        """Return the options of the head that every job has."""

    @property
    def reads_script(self) -> bool:
        """Whether the submission reads the script from its standard input."""
        return False

    def typed(self, script: Path, after: str | None) -> str:
        """Return the submission as people type it."""
        text = super().typed(script, after)
        return f"{text} < {shlex.quote(str(script))}" if self.reads_script else text

    @abstractmethod
    def id_in(self, output: str) -> str | None:
        """Return the job's id in what the submission prints."""

    @abstractmethod
    def inquiry(self, ids: Sequence[str]) -> list[str]:
        """Return the command that prints the states of jobs."""

    @abstractmethod
    def states_in(self, output: str) -> dict[str, State]:
        """Return the states that an inquiry prints, of jobs that have not ended."""

    @abstractmethod
    def cancellation(self, ids: Sequence[str]) -> list[str]:
        """Return the command that ends jobs."""

    def submit(self, script: Path, after: str | None) -> str:
        """Submit a script; return the job's id.

        Raises:
            SupervisorError: If the scheduler refuses it.
        """
        command = self.submission(script, after)
        output = call(command, stdin=script if self.reads_script else None).stdout
        if (found := self.id_in(output)) is None:
            raise SupervisorError(f"{command[0]} names no job in what it prints: {output.strip()}")
        return found

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """Return the states of those jobs that have not ended.

        Raises:
            SupervisorError: If the scheduler cannot be asked.
        """
        # The exit code is of no use: most schedulers fail when one of the jobs is forgotten.
        answer = call(self.inquiry(ids), strict=False)
        found = {id: state for id, state in self.states_in(answer.stdout).items() if id in ids}
        if answer.returncode != 0 and not found and not self.forgotten(answer.stderr):
            raise SupervisorError(f"{self.inquiry(ids)[0]}: {answer.stderr.strip()}")
        return found

    def forgotten(self, complaint: str) -> bool:
        """Return whether a complaint says that jobs are not known, or no longer."""
        return bool(re.search(r"unknown|invalid|not found|not exist|finished", complaint, re.I))

    def cancel(self, ids: Sequence[str]) -> None:
        """End jobs.

        Raises:
            SupervisorError: If the scheduler refuses it.
        """
        call(self.cancellation(ids))


def call(
    command: Sequence[str], *, strict: bool = True, stdin: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a scheduler's command.

    Args:
        command: With its arguments.
        strict: Whether it must not fail.
        stdin: What it reads.

    Raises:
        SupervisorError: If it cannot be run, or fails and that matters.
    """
    try:
        with Path(stdin or os.devnull).open("rb") as source:
            answer = subprocess.run(
                command, capture_output=True, text=True, stdin=source, timeout=PATIENCE_S
            )
    except FileNotFoundError as error:
        problem = "is not on this machine; is it another site, or a node that cannot submit?"
        raise SupervisorError(f"{command[0]} {problem}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SupervisorError(f"{command[0]} gives no answer: {error}") from error
    if strict and answer.returncode != 0:
        said = (answer.stderr or answer.stdout).strip()
        raise SupervisorError(f"{command[0]} failed with exit code {answer.returncode}: {said}")
    return answer
