"""What all ranks agree on about files: where relative names begin, and which must be there.

Values that stand for files (see ``dataflow.files``) note their arrival here, at any depth of a
call's arguments, so that calls without files pay nothing for the check.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

_folder: Path | None = None


class Arrived(Protocol):
    """A value that stands for a file."""

    def problem(self) -> str:
        """Return why a call that needs the file cannot run, or nothing."""


arrived: list[Arrived] = []
"""Of the call that is being unpickled; cleared before each."""

_noted = False


def note_arrivals() -> None:
    """Let files be noted in this process, since it makes calls."""
    global _noted
    _noted = True


def note(file: Arrived) -> None:
    """Note that a file has arrived."""
    if _noted:
        arrived.append(file)


def folder() -> Path:
    """Return the folder that relative names of files begin at."""
    return _folder or Path.cwd()


def set_folder(path: str) -> None:
    """Let relative names of files begin at the folder of the script."""
    global _folder
    _folder = Path(path).absolute()


def missing(value: Any) -> str:
    """Return what is wrong with the files in a value, or nothing."""
    import pickle  # a second time: only pickling finds files at any depth

    arrived.clear()
    pickle.loads(pickle.dumps(value, protocol=5))
    return next(filter(None, (one.problem() for one in arrived)), "")
