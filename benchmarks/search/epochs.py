"""How few epochs a search needs that cuts trainings short, against one with full trainings only.

    python benchmarks/search/epochs.py --out epochs.csv [--tasks digits] [--seeds 10]
        [--samplers random bayes asha,resource=epochs,sampler=bayes] [--workers 1 4]

A contender with a resource gets a third of the epochs that the others have. Every finished run is
a line of the results file. Started again, it goes on with what is missing there. The table goes to
standard output, progress to standard error.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy is imported

import argparse
import heapq
import math
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import curves
import numpy as np
import samplers
import summary
from curves import EPOCHS, LEVELS, CurveTask
from results import Job, Run
from run import finish

from supervisor.core.objective import Values
from supervisor.core.parameter import Int
from supervisor.core.space import Space
from supervisor.optimizers.protocol import Continuation, EarlyStopper, Optimizer, Told

REFERENCE = "bayes"
"""The contender whose regret after all its full trainings others are to reach."""
CONTENDERS = (
    "random",
    REFERENCE,
    "asha,resource=epochs,mode=stop,sampler=random",
    "asha,resource=epochs,mode=stop,sampler=bayes",
    "asha,resource=epochs,mode=promote,sampler=bayes",
)
SPREAD = 0.1  # of the times of epochs around their mean, to both sides

Group = Mapping[str, Mapping[tuple[str, int], Sequence[float]]]
"""The incumbents' scores after 1, 2, ... epochs: by contender, by task and seed."""


def main() -> None:
    options = parse()
    for name in options.tasks:
        curves.load(name, options.cache)  # makes its files before processes look for them
    runs = finish(jobs(options), partial(play, cache=options.cache), options)
    whole = options.evaluations * EPOCHS
    print(table(runs, [whole // 9, whole // 3, whole]))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE.csv", help="is continued if it exists")
    add("--samplers", nargs="+", default=[*CONTENDERS], metavar="NAME")
    add("--tasks", nargs="+", choices=curves.NAMES, metavar="NAME", default=[*curves.NAMES])
    add("--workers", nargs="+", type=int, default=[1])
    add("--seeds", type=int, default=10, help="number of seeds")
    add("--first-seed", type=int, default=0)
    add("--evaluations", type=int, default=100, help="full trainings that the others have")
    add("--processes", type=int, default=1, help="runs at once, one core each")
    add("--cache", type=Path, default=curves.CACHE, metavar="FOLDER", help="keeps the curves")
    return parser.parse_args()


def jobs(options: argparse.Namespace) -> list[Job]:
    """Return the runs that were asked for; what is counted in them are epochs."""
    whole = options.evaluations * EPOCHS
    return [
        Job(task, sampler, workers, seed, whole // 3 if cuts(sampler) else whole)
        for task in options.tasks
        for seed in range(options.first_seed, options.first_seed + options.seeds)
        for sampler in options.samplers
        for workers in options.workers
    ]


def cuts(sampler: str) -> bool:
    """Tell whether a contender does not train every point to the end."""
    return ",resource=" in sampler


def play(job: Job, *, cache: Path) -> Run:
    """Return what one search gives.

    Args:
        job: The search.
        cache: Folder of the curves.
    """
    task = curves.load(job.task, cache)
    began_s = time.process_time()
    space, evaluations = task.space, job.evaluations // EPOCHS
    if cuts(job.sampler):
        space = Space({**space.parameters, "epochs": Int(1, EPOCHS)})
        evaluations = job.evaluations  # no point takes less than one epoch
    settings = {"evaluations": evaluations, "seed": job.seed, "workers": job.workers}
    optimizer = samplers.make(job.sampler, space, **settings)
    search = Search(task, optimizer, workers=job.workers, epochs=job.evaluations, seed=job.seed)
    steps = {spent: task.score(values) for spent, values in search.run().items()}
    return Run(job, steps, 1.0, time.process_time() - began_s)


@dataclass(slots=True)
class Training:
    """A training under way.

    Attributes:
        values: Its parameters.
        curve: The loss after 1, 2, ... epochs.
        noise: Seed of the curve.
        done: Number of epochs so far.
    """

    values: Values
    curve: Sequence[float]
    noise: int
    done: int


class Search:
    """A search with workers that exist in virtual time only, epoch by epoch.

    No worker ever waits: a search has points for all of them, and thinks in no time.

    Args:
        task: What is minimised.
        optimizer: At its first point.
        workers: Trainings at once.
        epochs: After so many in all the search ends.
        seed: Of the noise and of the times of epochs.
    """

    def __init__(
        self, task: CurveTask, optimizer: Optimizer, *, workers: int, epochs: int, seed: int
    ) -> None:
        self._task = task
        self._optimizer = optimizer
        self._free = workers
        self._epochs = epochs
        self._noise = random.Random(seed)
        self._trainings: list[Training] = []
        self._ends: list[tuple[float, int]] = []  # of the epochs under way, and their points
        self._now_s = 0.0
        self._best = (0, math.inf)  # the level, and the least loss there
        self._incumbents: dict[int, Values] = {}

    def run(self) -> dict[int, Values]:
        """Return the incumbents, each by the number of epochs after which it became that."""
        for spent in range(1, self._epochs + 1):
            self._begin()
            if not self._ends:
                break
            self._now_s, id = heapq.heappop(self._ends)
            training = self._trainings[id]
            training.done += 1
            loss = training.curve[training.done - 1]
            self._compare(training, loss, spent)
            if self._ended(id, training, loss):
                self._optimizer.tell([Told(id, training.values, loss)])
                self._free += 1
            else:
                self._go_on(id)
        return self._incumbents

    def _begin(self) -> None:
        """Give points to idle workers."""
        for suggestion in self._optimizer.ask(self._free) if self._free else []:
            if isinstance(suggestion, Continuation):
                values, parent = suggestion.values, self._trainings[suggestion.parent]
                training = Training(values, parent.curve, parent.noise, parent.done)
            else:
                noise = self._noise.getrandbits(32)
                curve = self._task.curve(suggestion, noise)
                training = Training(suggestion, curve, noise, 0)
            self._trainings.append(training)
            self._go_on(len(self._trainings) - 1)
            self._free -= 1

    def _go_on(self, id: int) -> None:
        """Begin the next epoch of a training."""
        training = self._trainings[id]
        time_s = random.Random(training.noise + training.done).uniform(1 - SPREAD, 1 + SPREAD)
        heapq.heappush(self._ends, (self._now_s + time_s, id))

    def _ended(self, id: int, training: Training, loss: float) -> bool:
        """Tell whether a training has all its epochs, or is stopped."""
        stopped = isinstance(self._optimizer, EarlyStopper) and self._optimizer.report(
            id, training.done - 1, {"loss": loss}
        )
        return stopped or training.done == training.values.get("epochs", EPOCHS)

    def _compare(self, training: Training, loss: float, spent: int) -> None:
        """Take the incumbent: the least loss at the highest level that any training reached."""
        level, least = self._best
        if training.done in LEVELS and (-training.done, loss) < (-level, least):
            self._best = training.done, loss
            self._incumbents[spent] = training.values


def table(runs: Iterable[Run], looks: Sequence[int]) -> str:
    """Return a Markdown table of all tasks and contenders.

    Args:
        runs: In any order.
        looks: Numbers of epochs: of the first one, of the end of contenders that cut trainings
            short, and of the end of the others.
    """
    head = ["task", "workers", "contender", *(f"{number:,}" for number in looks)]
    head += ["90 % at the end", f"as {REFERENCE}", "runs"]
    rows = []
    for (task, workers), contenders in _groups(runs).items():
        goals = _goals(contenders.get(REFERENCE, {}))
        for name, found in contenders.items():
            longest = max(number for number in looks if summary.scores_at(found, number).size)
            scores = (summary.scores_at(found, number) for number in looks)
            row = [task, str(workers), name]
            row += [f"{np.median(each):.4f}" if each.size else "" for each in scores]
            row.append("{:.4f} to {:.4f}".format(*summary.interval(found, longest)))
            row.append(_reached(found, goals) if goals else "")
            rows.append([*row, str(len(found))])
    return summary.markdown(head, rows)


def _groups(runs: Iterable[Run]) -> dict[tuple[str, int], Group]:
    """Return the curves of each task and number of workers; behind them, those of all tasks."""
    found: dict[tuple[str, int], dict[str, dict[tuple[str, int], list[float]]]] = {}
    placed = [(run.job.task, run) for run in runs]
    if len({task for task, _ in placed}) > 1:
        placed += [("all", run) for _, run in placed]
    for place, run in placed:
        group = found.setdefault((place, run.job.workers), {})
        group.setdefault(run.job.sampler, {})[run.job.task, run.job.seed] = run.curve()
    return found


def _goals(found: Mapping[tuple[str, int], Sequence[float]]) -> dict[str, float]:
    """Return the median over seeds of the last score, for each task."""
    tasks = {task for task, _ in found}
    return {
        task: float(np.median([curve[-1] for (name, _), curve in found.items() if name == task]))
        for task in tasks
    }


def _reached(found: Mapping[tuple[str, int], Sequence[float]], goals: Mapping[str, float]) -> str:
    """Return how many runs end where the goal of their task is, or below."""
    reached = sum(curve[-1] <= goals[task] for (task, _), curve in found.items())
    return f"{reached} of {len(found)}"


if __name__ == "__main__":
    main()
