"""Tables and a plot of what ``run.py`` found.

    python benchmarks/search/report.py results.csv [more.csv ...] [--plot search.png]

Prints a Markdown table. The plot has a panel for each family and number of workers: the
normalised regret of the incumbent over the number of evaluations, the median over tasks and
seeds, with a band from the first to the third quartile; or mean ranks, where regrets of different
tasks do not compare.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import results
import summary
from results import Run
from summary import Curves, Setting
from tasks import FAMILIES

FLOOR = 1e-4
"""Least regret that a logarithmic axis shows."""


def main() -> None:
    options = parse()
    runs = list(itertools.chain.from_iterable(results.read(file) for file in options.files))
    if chosen := options.samplers:
        runs = [run for run in runs if run.job.sampler in chosen]
        runs.sort(key=lambda run: chosen.index(run.job.sampler))
    longest = max(run.job.evaluations for run in runs)
    looks = options.looks or [number for number in summary.LOOKS if number <= longest]
    print(summary.table(runs, looks or [longest]))
    if options.plot:
        draw(runs, options.plot)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.csv")
    parser.add_argument(
        "--samplers", nargs="+", default=[], metavar="NAME", help="only these, in this order"
    )
    parser.add_argument("--looks", nargs="+", type=int, default=[], help="numbers of evaluations")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    return parser.parse_args()


def draw(runs: Sequence[Run], file: Path) -> None:
    """Draw a panel for each setting; the suffix of the file decides its format."""
    import matplotlib  # late: only plots need it

    matplotlib.use("Agg")
    from matplotlib import pyplot

    settings = summary.by_setting(runs)
    families = list(dict.fromkeys(setting.family for setting in settings))
    workers = sorted({setting.workers for setting in settings})
    names = list(dict.fromkeys(run.job.sampler for run in runs))
    colours = {name: f"C{index}" for index, name in enumerate(names)}
    figure, panels = pyplot.subplots(
        len(workers),
        len(families),
        figsize=(3.4 * len(families) + 0.6, 2.7 * len(workers) + 0.6),
        squeeze=False,
        layout="constrained",
    )
    for (row, many), (column, family) in itertools.product(
        enumerate(workers), enumerate(families)
    ):
        axes = panels[row][column]
        axes.set_title(f"{family}, workers: {many}", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
        contenders = settings.get(Setting(family, many), {})
        axes.set_visible(bool(contenders))
        if FAMILIES[family].has_regret:
            _draw_regrets(axes, contenders, colours)
        else:
            _draw_ranks(axes, contenders, colours)
    handles = [pyplot.Line2D([], [], color=colours[name], label=name) for name in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(names), frameon=False)
    for axes in panels[-1]:
        axes.set_xlabel("evaluations")
    figure.savefig(file, dpi=100)
    pyplot.close(figure)


def _draw_regrets(axes: Any, contenders: Curves, colours: dict[str, str]) -> None:
    for name, curves in contenders.items():
        scores = np.maximum(
            np.array([*itertools.zip_longest(*curves.values(), fillvalue=np.nan)]), FLOOR
        )
        low, middle, high = np.nanquantile(scores, [0.25, 0.5, 0.75], axis=1)
        evaluations = np.arange(1, len(middle) + 1)
        axes.plot(evaluations, middle, color=colours[name])
        axes.fill_between(evaluations, low, high, color=colours[name], alpha=0.15, linewidth=0)
    axes.set_yscale("log")
    axes.set_ylim(top=1)
    axes.set_ylabel("regret")


def _draw_ranks(axes: Any, contenders: Curves, colours: dict[str, str]) -> None:
    longest = max(
        (len(curve) for curves in contenders.values() for curve in curves.values()), default=0
    )
    ranks = [summary.ranks(contenders, number) for number in range(1, longest + 1)]
    for name in contenders:
        evaluations = [number for number, found in enumerate(ranks, 1) if name in found]
        axes.plot(
            evaluations, [ranks[number - 1][name] for number in evaluations], color=colours[name]
        )
    axes.set_ylabel("mean rank")


if __name__ == "__main__":
    main()
