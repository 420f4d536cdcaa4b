"""Watching runs from outside: how far they are, what was begun, which processes are left."""

from __future__ import annotations

import collections
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from supervisor.experiment.events import Event
from tests.launching import LIMIT_S, NOT_STARTED, finish, start


def start_until(
    command: list[str], cwd: Path, experiment: Path, event: type[Event], number: int
) -> subprocess.Popen[str]:
    """Start a run, and wait until so many events of a kind are in its journal.

    If the launcher did not come up it is started once more. If the run ends before, or hangs, the
    test fails with what it printed.
    """
    for _ in range(2):
        process = start(command, cwd)
        if _reached(process, experiment / "journal.jsonl", event, number):
            return process
        done = finish(process, limit_s=0.1)
        if NOT_STARTED not in done.stderr:
            break
    pytest.fail(
        f"it ended before there were {number} {event.__name__}:\n{done.stdout}{done.stderr}"
    )


def _reached(
    process: subprocess.Popen[str], journal: Path, event: type[Event], number: int
) -> bool:
    """Return whether a run came so far, before it ended or its time was over."""
    tag = f'"{event.__struct_config__.tag}"'
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        if journal.exists() and journal.read_text().count(tag) >= number:
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return False


def starts(folder: Path) -> collections.Counter[str]:
    """Return how often each piece of work was begun, by what models write into ``starts``."""
    path = folder / "starts"
    return collections.Counter(path.read_text().split() if path.exists() else ())


def alive(path: Path) -> bool:
    """Return whether the process whose id a file holds still runs."""
    pid = int(path.read_text())
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
