"""How long an optimizer thinks: for one ask, and while workers wait.

    python benchmarks/search/ask_times.py [--sampler bayes] [--rounds 3] [--evaluations 5000]

Times are those of the processor, on one core, so that what else the machine does counts little.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy is imported

import argparse
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import clock
import numpy as np
import samplers
from hartmann import Hartmann

from supervisor.campaign.pace import Pace
from supervisor.core.objective import Values
from supervisor.optimizers.protocol import Learner, Told

POINTS = 64
OBSERVATIONS = 1_000
MANY_OBSERVATIONS = 10_000
WORKERS = 64
SIZES = (25, 50, 100, 200)
"""Numbers of observations at which scikit-optimize is measured."""

TASK = Hartmann()


def main() -> None:
    options = parse()
    if options.rounds:
        compare_asks(options.sampler, options.rounds, options.sizes)
    if options.evaluations:
        keep_busy(options.sampler, options.evaluations)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sampler", default="bayes", metavar="NAME", help="as those of run.py")
    parser.add_argument("--rounds", type=int, default=3, help="of single asks; 0 for none")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="of scikit-optimize")
    parser.add_argument("--evaluations", type=int, default=5_000, help="of a search; 0 for none")
    return parser.parse_args()


# --- single asks ---------------------------------------------------------------------------


def compare_asks(sampler: str, rounds: int, sizes: Sequence[int]) -> None:
    """Print how long asks take, each contender once a round; medians of the rounds."""
    asks: dict[tuple[int, int], list[float]] = {}
    fits: dict[int, list[float]] = {}
    for number in range(rounds):
        for observations, points in (
            (OBSERVATIONS, POINTS),
            (MANY_OBSERVATIONS, 1),
            (MANY_OBSERVATIONS, POINTS),
        ):
            say(f"round {number + 1} of {rounds}: {sampler}, {observations} observations")
            took_s = ask_s(sampler, observations, points, seed=number)
            asks.setdefault((observations, points), []).append(took_s)
        for size in sizes:
            say(f"round {number + 1} of {rounds}: scikit-optimize, {size} observations")
            fits.setdefault(size, []).append(fit_s(size, seed=number))
    for (observations, points), each in asks.items():
        print(f"{sampler}: ask({points}) at {observations} observations: {spread(each)}")
    report_fits(fits, statistics.median(asks[OBSERVATIONS, POINTS]))


def ask_s(sampler: str, observations: int, points: int, *, seed: int) -> float:
    """Return how long an ask takes after so many observations."""
    optimizer = samplers.make(
        sampler, TASK.space, evaluations=2 * observations, seed=seed, workers=WORKERS
    )
    if not isinstance(optimizer, Learner):
        sys.exit(f"{sampler} cannot learn what it did not suggest")
    optimizer.learn(
        [
            Told(index, values, TASK.evaluate(values, index).loss)
            for index, values in enumerate(random_points(observations, seed))
        ]
    )
    return timed(lambda: optimizer.ask(points))


def fit_s(observations: int, *, seed: int) -> float:
    """Return how long one of the fits takes of which scikit-optimize needs one for each point.

    An ``ask(n, "cl_min")`` copies the optimizer, which fits it again, and then tells the copy a
    made-up loss of each of the n points; so it takes n + 1 fits.
    """
    import skopt

    optimizer = skopt.Optimizer([(0.0, 1.0)] * 6, "GP", random_state=seed)
    points = list(random_points(observations, seed))
    losses = [TASK.evaluate(values, 0).loss for values in points]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that did not converge
        optimizer.tell([list(values.values()) for values in points], losses)
        return timed(lambda: optimizer.ask(2, "cl_min")) / 3


def report_fits(fits: dict[int, list[float]], ours_s: float) -> None:
    """Print what was measured of scikit-optimize, and what follows for more observations."""
    medians = {size: statistics.median(each) for size, each in fits.items()}
    for size, each in fits.items():
        print(f"scikit-optimize: one fit at {size} observations: {spread(each)}")
    if len(medians) < 2:
        return
    largest = max(medians)
    slope, offset = np.polyfit(np.log(list(medians)), np.log(list(medians.values())), 1)
    estimates = {
        f"if fits took no longer than at {largest}": medians[largest],
        f"if they grew as observations to the power {slope:.2f}, as up to there": float(
            np.exp(offset) * OBSERVATIONS**slope
        ),
        "if they grew in proportion from there on": medians[largest] * OBSERVATIONS / largest,
    }
    for assumption, each_s in estimates.items():
        all_s = (POINTS + 1) * each_s
        print(
            f'scikit-optimize: ask({POINTS}, "cl_min") at {OBSERVATIONS} observations, '
            f"{assumption}: {all_s:,.0f} s, {all_s / ours_s:,.0f} times ours"
        )


def random_points(number: int, seed: int) -> list[Values]:
    rng = random.Random(seed)
    return [{name: rng.random() for name in TASK.space.names} for _ in range(number)]


def timed(call: Callable[[], object]) -> float:
    began_s = time.process_time()
    call()
    return time.process_time() - began_s


def spread(times_s: Sequence[float]) -> str:
    middle = statistics.median(times_s)
    return f"{middle:.3g} s ({min(times_s):.3g} to {max(times_s):.3g})"


# --- a whole search ------------------------------------------------------------------------


def keep_busy(sampler: str, evaluations: int) -> None:
    """Print which part of the time workers work while the optimizer's thinking is real."""
    optimizer = samplers.make(
        sampler, TASK.space, evaluations=evaluations, seed=0, workers=WORKERS
    )
    search = clock.Search(
        TASK,
        optimizer,
        workers=WORKERS,
        evaluations=evaluations,
        seed=0,
        pace=Pace(WORKERS),
        stopwatch=time.process_time,
    )
    trace = search.run()
    best = trace.incumbents()[-1]
    print(
        f"{sampler}: {WORKERS} workers, {len(trace.trials)} evaluations of about a second: "
        f"busy {trace.busy():.1%}; {trace.asks} asks took {trace.thought_s:,.0f} s; "
        f"regret {TASK.score(best.values):.4f}"
    )


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
