"""Where the results come from: versions, machines, commands and the workflow's git commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from supervisor.core.errors import SupervisorError
from supervisor.experiment.events import Opened, Session
from supervisor.experiment.folder import replacing
from supervisor.experiment.strict import encode_json
from supervisor.experiment.table import timestamp

GIT_TIMEOUT_S = 5.0
"""A git that waits, for a file system say, must not hold up the run."""


def collect(
    opened: Opened, session: Session, *, command: Sequence[str], mpi: str, chosen: Sequence[str]
) -> dict[str, Any]:
    """Return the record of one session. Never fails; what cannot be found out is None.

    Environment variables are left out, for some hold secrets.

    Args:
        opened: The experiment.
        session: The run of it that begins.
        command: The command line.
        mpi: What the MPI library says of itself.
        chosen: What the user set on the command line, each as ``key=value``.
    """
    return {
        "session": session.number,
        "started": timestamp(session.time_s),
        "experiment_started": timestamp(opened.time_s),
        "command": list(command),
        "chosen": list(chosen),
        "seed": opened.seed,
        "workflow": opened.source,
        "git": git_state(Path(opened.source)),
        "ranks": session.ranks,
        "workers": session.workers,
        "servers": session.servers,
        "hosts": list(session.hosts),
        "walltime_s": session.walltime_s,
        "mpi": mpi,
        "platform": _platform(),
        "versions": {"python": platform.python_version(), **_versions("supervisor")},
    }


def write(path: Path, record: dict[str, Any]) -> None:
    """Add a session's record to the file, which is made if need be and replaced at once.

    Raises:
        SupervisorError: The file is there and is not one that this function wrote.
    """
    sessions = [*_read_sessions(path), record]
    text = msgspec.json.format(encode_json({"sessions": sessions})).decode()
    with replacing(path) as file:
        file.write(text + "\n")


def git_state(source: Path) -> dict[str, Any] | None:
    """Return the commit of the folder of a file, and whether anything differs from it.

    ``dirty`` tells of changed files in that folder, or that the file itself is not in git. None
    means that there is no git, no repository, or no answer in time.
    """
    folder = source.parent
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    listed = _git(folder, "ls-files", "--", source.name)
    if changed is None or listed is None:
        return None
    return {"commit": commit, "dirty": bool(changed) or not listed}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, or None if it fails."""
    # Without optional locks: looking must not disturb another git in the same repository.
    options = ["--no-optional-locks", "--literal-pathspecs", "-C", str(folder)]
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _platform() -> dict[str, Any]:
    """Return what is known of this machine."""
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def _versions(package: str) -> dict[str, str | None]:
    """Return the versions of a package and of those it can use; None for what is absent."""
    try:
        requirements = importlib.metadata.requires(package) or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    names = [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements]
    return {name: _version(name) for name in dict.fromkeys([package, *names])}


def _version(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _read_sessions(path: Path) -> list[Any]:
    """Return the records that the file holds."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SupervisorError(f"{path}: cannot read: {error}") from error
    try:
        return msgspec.json.decode(data, type=dict[str, list[Any]])["sessions"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise SupervisorError(
            f"{path}: not a list of sessions: {error}. Move it away; the next run makes another"
        ) from error
