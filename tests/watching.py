"""Watching runs from outside: how far they are, what was begun, which processes are left."""

from __future__ import annotations

import collections
import time
from pathlib import Path

import psutil
import pytest

from supervisor.experiment.events import Event


def wait_for(experiment: Path, event: type[Event], number: int) -> None:
    """Wait until so many events of a kind are in the journal."""
    journal = experiment / "journal.jsonl"
    tag = f'"{event.__struct_config__.tag}"'
    for _ in range(6000):
        if journal.exists() and journal.read_text().count(tag) >= number:
            return
        time.sleep(0.01)
    pytest.fail(f"there were never {number} events {tag}")


def starts(folder: Path) -> collections.Counter[str]:
    """Return how often each piece of work was begun, by what models write into ``starts``."""
    path = folder / "starts"
    return collections.Counter(path.read_text().split() if path.exists() else ())


def alive(path: Path) -> bool:
    """Return whether the process whose id a file holds still runs."""
    pid = int(path.read_text())
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
