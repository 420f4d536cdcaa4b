"""The folder of an experiment; every file name in it is decided here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import msgspec

from supervisor.core.errors import InputError, SupervisorError

_NUMBERED = re.compile(r"EXP(\d{3,})").fullmatch


class Experiment(msgspec.Struct, frozen=True):
    """An experiment's folder, e.g. ``experiments/digits/EXP000``.

    Attributes:
        path: The folder.
    """

    path: Path

    @classmethod
    def create(cls, root: Path, name: str) -> Experiment:
        """Make the folder with the next free number; several processes may do so at once.

        Args:
            root: Folder of all experiments; made if need be.
            name: The experiment's, e.g. ``digits``.
        """
        if not name or name in (".", "..") or any(char in name for char in "/\\\0"):
            raise InputError(f"name {name!r}", "give a name that can be a folder's, without '/'")
        parent = root / name
        with _explained(parent):
            parent.mkdir(parents=True, exist_ok=True)
            number = _number(cls.next(root, name).path)
            while True:
                path = parent / f"EXP{number:03d}"
                try:
                    path.mkdir()
                except FileExistsError:
                    number += 1
                else:
                    return cls(path)

    @classmethod
    def next(cls, root: Path, name: str) -> Experiment:
        """Return what ``create`` would make now; nothing is made."""
        parent = root / name
        paths = parent.iterdir() if parent.is_dir() else ()
        return cls(parent / f"EXP{max(map(_number, paths), default=-1) + 1:03d}")

    @classmethod
    def at(cls, path: Path) -> Experiment:
        """Return the experiment in a folder that exists."""
        if not path.is_dir():
            raise InputError(str(path), "no such experiment folder")
        return cls(path)

    @classmethod
    def find(cls, text: str | None, root: Path) -> Experiment:
        """Return the experiment that a user means.

        Args:
            text: A path, ``name/EXP003``, ``EXP003``, a name for the newest of that name, or
                None for the newest of all.
            root: Folder of all experiments.

        Raises:
            InputError: There is none, or more than one; the text lists what exists.
        """
        existing = _existing(root)
        if text is None:
            found = existing[-1:]
        elif _is_experiment(path := Path(text)):
            return cls(path)
        elif _NUMBERED(text):
            found = [one for one in existing if one.path.name == text]
        elif "/" in text.rstrip("/"):
            found = [one for one in existing if one.label == text.rstrip("/")]
        else:
            found = [one for one in existing if one.path.parent.name == text.rstrip("/")][-1:]
        if len(found) != 1:
            problem = "several experiments match" if found else "no such experiment"
            raise InputError(
                f"experiment {text!r}" if text else f"folder {root}",
                f"{problem}; {_listing(found or existing, root)}",
            )
        return found[0]

    @classmethod
    def all(cls, root: Path) -> list[Experiment]:
        """Return all experiments in a folder, the one that was written to last at the end."""
        return _existing(root)

    @property
    def label(self) -> str:
        """Return the name and number, e.g. ``digits/EXP000``."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def workflow(self) -> Path:
        """Return the path of the workflow as it was run."""
        return self.path / "workflow.yaml"

    @property
    def provenance(self) -> Path:
        """Return the path of the record of versions, hosts and commands."""
        return self.path / "provenance.json"

    @property
    def jobs(self) -> Path:
        """Return the path of the record of jobs that were submitted for it."""
        return self.path / "jobs.json"

    @property
    def script(self) -> Path:
        """Return the path of the script of its jobs."""
        return self.path / "job.sh"

    @property
    def journal(self) -> Path:
        """Return the path of the journal."""
        return self.path / "journal.jsonl"

    @property
    def results(self) -> Path:
        """Return the path of the table of results."""
        return self.path / "results.csv"

    @property
    def report(self) -> Path:
        """Return the path of the report."""
        return self.path / "report.html"

    @property
    def values(self) -> Path:
        """Return the path of the folder of values of steps that JSON cannot hold."""
        return self.path / "values"

    @property
    def runs(self) -> Path:
        """Return the path of the folder of run directories."""
        return self.path / "runs"

    def run_dir(self, name: str) -> Path:
        """Return the path of a run directory, which need not exist; names may have components.

        Raises:
            InputError: The name leads out of ``runs``.
        """
        where = f"run directory {name!r}"
        if not name or "\0" in name:
            raise InputError(where, "give a name that a folder can have")
        inside, outside = (self.runs / name).resolve(), self.runs.resolve()
        if outside not in inside.parents:
            raise InputError(where, f"leads out of {self.runs}; give a relative name without '..'")
        return self.runs / name


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a file to write text that takes the place of ``path`` at once, when all is written.

    If the block raises, ``path`` stays as it is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SupervisorError(f"{path}: cannot write: {error}") from error
    finally:
        # Already moved if all went well, and never made if the folder is missing.
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one that names what was being made."""
    try:
        yield
    except OSError as error:
        raise SupervisorError(f"{path}: cannot make an experiment here: {error}") from error


def _number(path: Path) -> int:
    """Return the number in a folder's name, or -1."""
    match = _NUMBERED(path.name)
    return int(match[1]) if match else -1


def _is_experiment(path: Path) -> bool:
    """Return whether a folder is one of ours, by its journal or its name."""
    return (path / "journal.jsonl").is_file() or (_number(path) >= 0 and path.is_dir())


def _existing(root: Path) -> list[Experiment]:
    """Return all experiments, the one that was written to last at the end."""
    folders = [path for path in root.glob("*/EXP*") if _is_experiment(path)]
    return [Experiment(path) for path in sorted(folders, key=_age)]


def _age(path: Path) -> tuple[int, int]:
    """Return a key that is larger for an experiment that was written to later."""
    journal = path / "journal.jsonl"
    newest = journal if journal.exists() else path
    return newest.stat().st_mtime_ns, _number(path)


def _listing(experiments: list[Experiment], root: Path) -> str:
    """Return what there is, newest first, for an error's text."""
    if not experiments:
        return f"there are none in {root}; `supervisor run` makes one"
    labels = [experiment.label for experiment in reversed(experiments)]
    more = f" and {len(labels) - 10} older" if len(labels) > 10 else ""
    return f"there are: {', '.join(labels[:10])}{more}"
