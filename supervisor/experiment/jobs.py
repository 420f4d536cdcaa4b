"""The jobs that were submitted for an experiment: a file in its folder."""

from __future__ import annotations

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.experiment.folder import Experiment, replacing


class Submitted(msgspec.Struct, frozen=True):
    """One job.

    Attributes:
        id: The scheduler's.
        time_s: When it was submitted, in seconds since the epoch.
    """

    id: str
    time_s: float


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """All jobs of an experiment, and what they need to begin it.

    Attributes:
        site: Path of the site's file.
        name: The experiment's.
        source: Path of the workflow.
        source_dir: Where its relative paths begin.
        jobs: The oldest first.
    """

    site: str
    name: str
    source: str
    source_dir: str
    jobs: tuple[Submitted, ...] = ()


def read_submission(experiment: Experiment) -> Submission | None:
    """Return what is recorded; None if no job was submitted for the experiment.

    Raises:
        SupervisorError: If the file is not one that ``write_submission`` wrote.
    """
    try:
        data = experiment.jobs.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SupervisorError(f"{experiment.jobs}: cannot be read: {error}") from error
    try:
        return msgspec.json.decode(data, type=Submission)
    except msgspec.DecodeError as error:
        raise SupervisorError(f"{experiment.jobs}: is damaged: {error}") from error


def write_submission(experiment: Experiment, submission: Submission) -> None:
    """Write the record; it takes the place of an older one at once."""
    text = msgspec.json.format(msgspec.json.encode(submission)).decode()
    with replacing(experiment.jobs) as file:
        file.write(text + "\n")
