"""How good the points of an optimizer are, against others, on tasks whose truth is known.

    python benchmarks/search/run.py --out results.csv [--samplers bayes tpe-multivariate random]
        [--families hpobench hpolib] [--workers 1 16 64] [--seeds 10] [--evaluations 100]

Every finished run is a line of the results file. Started again, it goes on with what is missing
there. The table goes to standard output, progress to standard error.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy is imported

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import clock
import results
import samplers
import summary
import tasks
from results import Job, Run

from supervisor.campaign.pace import Pace
from supervisor.core.errors import SupervisorError
from supervisor.core.objective import Values
from supervisor.optimizers.protocol import Optimizer, Recommender, Told


def main() -> None:
    options = parse()
    runs = finish(
        jobs(options),
        partial(play_job, count_asks=options.count_asks, even_times=options.even_times),
        options,
    )
    looks = [number for number in summary.LOOKS if number < options.evaluations]
    print(summary.table(runs, [*looks, options.evaluations]))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE.csv", help="is continued if it exists")
    add("--samplers", nargs="+", default=["bayes", "tpe-multivariate", "random"], metavar="NAME")
    add("--families", nargs="+", choices=tasks.FAMILIES, metavar="NAME", default=[*tasks.FAMILIES])
    add("--tasks", nargs="+", default=[], metavar="NAME", help="only these, e.g. hpobench/car")
    add("--workers", nargs="+", type=int, default=[1])
    add("--seeds", type=int, default=10, help="number of seeds")
    add("--first-seed", type=int, default=0)
    add("--evaluations", type=int, default=100)
    add("--processes", type=int, default=1, help="runs at once, one core each")
    add("--even-times", action="store_true", help="all evaluations take about the same time")
    add("--count-asks", action="store_true", help="workers wait while the optimizer computes")
    return parser.parse_args()


def jobs(options: argparse.Namespace) -> list[Job]:
    """Return the runs that were asked for, of contenders that can do them."""
    names = options.tasks or find_tasks(options.families)
    contenders = [
        (sampler, workers)
        for sampler in options.samplers
        for workers in options.workers
        if can_run(sampler, workers, names[0])
    ]
    return [
        Job(task, sampler, workers, seed, options.evaluations)
        for task in names  # the outer loop, so that a process reads few tables
        for seed in range(options.first_seed, options.first_seed + options.seeds)
        for sampler, workers in contenders
    ]


def find_tasks(families: Sequence[str]) -> list[str]:
    """Return the names of all tasks of some families; one without its package is left out."""
    names = []
    for family in families:
        try:
            names += tasks.family_names(family)
        except ImportError as error:
            say(f"{family} is left out: {error}")
    if not names:
        sys.exit('no tasks; install them: pip install "supervisor[search,bench]"')
    return names


def can_run(sampler: str, workers: int, task: str) -> bool:
    """Tell whether a contender can be made; say why if not."""
    try:
        samplers.make(sampler, tasks.load(task).space, evaluations=1, seed=0, workers=workers)
    except (ImportError, SupervisorError, samplers.Unfit) as error:
        say(f"{sampler} with {workers} workers is left out: {error}")
        return False
    return True


def finish(
    wanted: Sequence[Job], play: Callable[[Job], Run], options: argparse.Namespace
) -> list[Run]:
    """Return the runs of a file, after playing those that it lacks.

    Args:
        wanted: The runs, in the order of the answer.
        play: Gives one of them.
        options: Have the file, ``out``, and the number of ``processes``.
    """
    options.out.parent.mkdir(parents=True, exist_ok=True)
    known = {run.job for run in results.read(options.out)}
    missing = [job for job in wanted if job not in known]
    say(f"{len(wanted) - len(missing)} of {len(wanted)} runs are there")
    for number, run in enumerate(play_all(play, missing, options.processes), 1):
        results.append(options.out, run)
        job = run.job
        name = f"{job.task}, {job.sampler}, {job.workers} workers, seed {job.seed}"
        say(f"{number} of {len(missing)}: {name}, {run.cpu_s:.1f} s")
    runs = {run.job: run for run in results.read(options.out)}
    return [runs[job] for job in wanted]


def play_all(play: Callable[[Job], Run], missing: Sequence[Job], processes: int) -> Iterator[Run]:
    """Yield runs as they end."""
    if processes == 1:
        yield from map(play, missing)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for future in as_completed([pool.submit(play, job) for job in missing]):
            yield future.result()


def play_job(job: Job, *, count_asks: bool, even_times: bool) -> Run:
    """Return what one search gives.

    Args:
        job: The search.
        count_asks: Whether workers wait as long as the optimizer takes on this processor, unless
            points are ready, of which a campaign keeps enough.
        even_times: Whether the table's times do not count.
    """
    task = tasks.load(job.task)
    if even_times:
        task = tasks.Even(task)
    began_s = time.process_time()
    settings = {"evaluations": job.evaluations, "seed": job.seed, "workers": job.workers}
    optimizer = samplers.make(job.sampler, task.space, **settings)
    search = clock.Search(
        task,
        optimizer,
        pace=Pace(job.workers) if count_asks else None,
        stopwatch=time.process_time if count_asks else clock.stopped,
        **settings,
    )
    trace = search.run()
    steps: dict[int, float] = {}
    last = None
    for number, trial in enumerate(trace.incumbents(), 1):
        if trial is not last:
            steps[number] = task.score(trial.values)
        last = trial
    score = task.score(recommended(optimizer, trace))
    return Run(job, steps, trace.busy(), time.process_time() - began_s, score)


def recommended(optimizer: Optimizer, trace: clock.Trace) -> Values:
    """Return the point that a search recommends in the end; the incumbent if it has no view."""
    points = {trial.id: trial for trial in trace.trials}
    if isinstance(optimizer, Recommender):
        told = [Told(trial.id, trial.values, trial.loss) for trial in trace.trials]
        if (best := optimizer.recommend(told)) is not None:
            return points[best.id].values
    return trace.incumbents()[-1].values


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
