"""What many runs say together: medians over tasks and seeds, ranks, and the lead that is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from results import Run
from tasks import FAMILIES

BASELINE = "random"
LOOKS = (25, 50, 100, 200, 400)
"""Numbers of evaluations after which a table shows the incumbents."""
RESAMPLES = 1_000

Scores = Mapping[tuple[str, int], Sequence[float]]
"""Scores of a contender after 1, 2, ... evaluations: by task and seed."""

Curves = Mapping[str, Scores]
"""The incumbents' scores, by contender."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where contenders meet.

    Attributes:
        family: Of tasks.
        workers: Evaluations at once.
    """

    family: str
    workers: int


def by_setting(runs: Iterable[Run]) -> dict[Setting, Curves]:
    """Return the curves of all runs, families in their order, then by the number of workers.

    Of two runs that differ in the number of evaluations only, the longer one counts.
    """
    found: dict[Setting, dict[str, dict[tuple[str, int], list[float]]]] = {}
    for run in sorted(runs, key=lambda one: one.job.evaluations):
        setting = Setting(run.job.task.partition("/")[0], run.job.workers)
        contenders = found.setdefault(setting, {})
        contenders.setdefault(run.job.sampler, {})[run.job.task, run.job.seed] = run.curve()
    order = list(FAMILIES)
    return {
        setting: found[setting]
        for setting in sorted(found, key=lambda one: (order.index(one.family), one.workers))
    }


def recommendations(runs: Iterable[Run], number: int) -> dict[tuple[Setting, str], Scores]:
    """Return what contenders recommend after so many evaluations, by setting and contender.

    Those that lack it for some of their runs are left out.
    """
    found: dict[tuple[Setting, str], dict[tuple[str, int], list[float]]] = {}
    partial = set()
    for run in runs:
        job = run.job
        key = Setting(job.task.partition("/")[0], job.workers), job.sampler
        if run.recommended is None or job.evaluations != number:
            partial.add(key)
        else:
            found.setdefault(key, {})[job.task, job.seed] = [run.recommended]
    return {key: scores for key, scores in found.items() if key not in partial}


def scores_at(curves: Scores, number: int) -> np.ndarray:
    """Return the scores of a contender's runs after a number of evaluations, if all got there."""
    if any(len(curve) < number for curve in curves.values()):
        return np.array([])
    return np.array([curve[number - 1] for curve in curves.values()])


def interval(curves: Scores, number: int) -> tuple[float, float]:
    """Return between which medians nine of ten sets of other seeds would lie.

    The seeds of each task are drawn again, with replacement.
    """
    by_task: dict[str, list[float]] = defaultdict(list)
    for (task, _), curve in curves.items():
        by_task[task].append(curve[number - 1])
    rng = np.random.default_rng(0)
    drawn = [rng.choice(scores, (RESAMPLES, len(scores))) for scores in by_task.values()]
    medians = np.median(np.concatenate(drawn, axis=1), axis=1)
    low, high = np.quantile(medians, [0.05, 0.95])
    return float(low), float(high)


def ranks(contenders: Curves, number: int) -> dict[str, float]:
    """Return the mean ranks after a number of evaluations, 1 for the best; ties share theirs.

    Of contenders that did so many, in the tasks and with the seeds that all of these did.
    """
    taking_part = {
        name: curves for name, curves in contenders.items() if scores_at(curves, number).size
    }
    if not taking_part:
        return {}
    common = sorted(set.intersection(*(set(curves) for curves in taking_part.values())))
    if not common:
        return {}
    scores = np.array(
        [[curves[each][number - 1] for each in common] for curves in taking_part.values()]
    )
    better = (scores < scores[:, np.newaxis]).sum(axis=1)
    equal = (scores == scores[:, np.newaxis]).sum(axis=1)  # itself among them
    means = (better + (equal + 1) / 2).mean(axis=1)
    return dict(zip(taking_part, map(float, means), strict=True))


def lead_kept(one: Curves, many: Curves, sampler: str, number: int) -> float | None:
    """Return which part of its lead over random search a contender keeps with more workers.

    Args:
        one: Of one worker.
        many: Of several, in the same family.
        sampler: The contender.
        number: Of evaluations.
    """
    found = [
        scores_at(curves.get(name, {}), number)
        for curves in (one, many)
        for name in (BASELINE, sampler)
    ]
    if sampler == BASELINE or not all(scores.size for scores in found):
        return None
    random_one, sampler_one, random_many, sampler_many = map(np.median, found)
    lead = float(random_one - sampler_one)
    return float(random_many - sampler_many) / lead if lead > 0 else None


def table(runs: Iterable[Run], numbers: Sequence[int]) -> str:
    """Return a Markdown table of all settings and contenders.

    Args:
        runs: In any order.
        numbers: Of evaluations, after which to look; the last one for ranks and intervals.
    """
    runs = list(runs)
    settings = by_setting(runs)
    last = numbers[-1]
    recommended = recommendations(runs, last)
    head = ["family", "workers", "contender", *map(str, numbers)]
    head += [
        f"90 % at {last}",
        "recommended",
        "90 % of these",
        f"rank at {last}",
        "lead kept",
        "runs",
    ]
    rows = []
    for setting, contenders in settings.items():
        ranked = ranks(contenders, last)
        comparable = setting.workers > 1 and FAMILIES[setting.family].has_regret
        alone = settings.get(Setting(setting.family, 1), {}) if comparable else {}
        for name, curves in contenders.items():
            kept = lead_kept(alone, contenders, name, last)
            row = [setting.family, str(setting.workers), name]
            row += _figures(setting.family, curves, numbers)
            row += _figures(setting.family, recommended.get((setting, name), {}), [1])
            row.append(f"{ranked[name]:.2f}" if name in ranked else "")
            row.append("" if kept is None else f"{kept:.0%}")
            rows.append([*row, str(len(curves))])
    return markdown(head, rows)


def _figures(family: str, curves: Scores, numbers: Sequence[int]) -> list[str]:
    """Return medians and the interval of the last one; empty where scores do not compare."""
    cells = []
    for number in numbers:
        scores = scores_at(curves, number)
        shown = FAMILIES[family].has_regret and scores.size
        cells.append(f"{np.median(scores):.4f}" if shown else "")
    low, high = interval(curves, numbers[-1]) if cells[-1] else (0.0, 0.0)
    return [*cells, f"{low:.4f} to {high:.4f}" if cells[-1] else ""]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    padded = (
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)
