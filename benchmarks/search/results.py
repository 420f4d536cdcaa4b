"""Finished runs in a CSV file, one line each; what is there need not be run again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Job:
    """One search.

    Attributes:
        task: Its name.
        sampler: Who chooses the points.
        workers: Evaluations at once.
        seed: Of the contender, and of the noise.
        evaluations: How many; epochs, where trainings can be cut short.
    """

    task: str
    sampler: str
    workers: int
    seed: int
    evaluations: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a search gave.

    Attributes:
        job: The search.
        steps: The true score of the incumbent, at each number of evaluations after which it
            was another one.
        busy: The part of the workers' time that was used.
        cpu_s: What the whole of it took on the processor.
        recommended: The true score of the point that the search recommends in the end; None if
            that is not known.
    """

    job: Job
    steps: dict[int, float]
    busy: float
    cpu_s: float
    recommended: float | None = None

    def curve(self) -> list[float]:
        """Return the incumbent's score after 1, 2, ... evaluations."""
        curve: list[float] = []
        for number in range(1, self.job.evaluations + 1):
            curve.append(self.steps[number] if number in self.steps else curve[-1])
        return curve


_HEAD = [*(field.name for field in fields(Job)), "busy", "cpu_s", "steps", "recommended"]


def read(file: Path) -> list[Run]:
    """Return the runs of a file, none if it does not exist; a torn last line is cut off.

    The first line of an older file is completed: columns are added behind the others.
    """
    if not file.exists():
        return []
    text = file.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole:
        whole = "\n".join([",".join(_HEAD), *whole.splitlines()[1:], ""])
    if whole != text:
        file.write_text(whole)
    return [_run(row) for row in csv.DictReader(whole.splitlines())]


def append(file: Path, run: Run) -> None:
    """Write a run at the end of a file; the first line has the names of the columns."""
    steps = " ".join(f"{number}:{score:.6g}" for number, score in run.steps.items())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not file.exists() or file.stat().st_size == 0:
        writer.writerow(_HEAD)
    recommended = "" if run.recommended is None else f"{run.recommended:.6g}"
    row = [*astuple(run.job), f"{run.busy:.4f}", f"{run.cpu_s:.2f}", steps, recommended]
    writer.writerow(row)
    with file.open("a") as lines:
        lines.write(text.getvalue())


def _run(row: Mapping[str, str]) -> Run:
    job = Job(
        row["task"],
        row["sampler"],
        workers=int(row["workers"]),
        seed=int(row["seed"]),
        evaluations=int(row["evaluations"]),
    )
    pairs = (step.split(":") for step in row["steps"].split())
    steps = {int(number): float(score) for number, score in pairs}
    recommended = float(row["recommended"]) if row["recommended"] else None
    return Run(job, steps, float(row["busy"]), float(row["cpu_s"]), recommended)
