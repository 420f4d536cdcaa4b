"""Pipelines in folders, run in this process, and what came of them."""

import csv
from pathlib import Path

from supervisor.cli import execute
from supervisor.experiment.journal import read_journal
from supervisor.experiment.step_events import StepFinished
from supervisor.experiment.steps import named


def write(folder: Path, steps: str, module: str = "", name: str = "work") -> Path:
    """Write a workflow with these steps, and a module beside it."""
    (folder / f"{name}.py").write_text(module)
    path = folder / "workflow.yaml"
    path.write_text(f"name: flow\n{steps}")
    return path


def run(folder: Path, *options: str, resume: bool = False) -> int:
    """Run the workflow in this process and return the exit code."""
    what = ["--resume"] if resume else [str(folder / "workflow.yaml")]
    return execute(["run", *what, "--out", str(folder / "experiments"), *options])


def newest(folder: Path) -> Path:
    return max((folder / "experiments" / "flow").iterdir())


def rows(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the newest experiment's table by the names of instances."""
    with (newest(folder) / "results.csv").open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def statuses(folder: Path) -> dict[str, str]:
    return {name: row["status"] for name, row in rows(folder).items()}


def values(folder: Path) -> dict[str, object]:
    """Return the values in the newest experiment's journal by the names of instances."""
    events = read_journal(newest(folder) / "journal.jsonl")
    return {named(one): one.value for one in events if isinstance(one, StepFinished)}


def calls(folder: Path) -> list[str]:
    """Return what the functions noted with ``note``, in order."""
    path = folder / "calls"
    return path.read_text().split() if path.exists() else []


NOTE = """
def note(word):
    with open("calls", "a") as file:
        file.write(f"{word}\\n")
"""
