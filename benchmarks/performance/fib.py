"""Fibonacci numbers by recursive tasks: ours against Parsl and Dask, in interleaved rounds.

    python benchmarks/performance/fib.py [--rounds 3] [--plot FILE.png]

Each round runs ``flows.py --only fib`` on 4 ranks, two of them workers, then each peer with 2
workers, each in a process of its own. Whoever is not installed, fails, or is not done in time is
left out of the rounds that follow, with a line that says so. The table goes to standard output,
progress to standard error.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import table
from fib_contenders import CONTENDERS, WORKERS
from peers import HERE, Failed, launcher, measure, say

OURS = "Supervisor"
RANKS = 4


def main() -> None:
    options = parse()
    launch = launcher(options.mpiexec)
    left_out = {
        name: f"{one.module} is not installed"
        for name, one in CONTENDERS.items()
        if importlib.util.find_spec(one.module) is None
    }
    if not launch:
        left_out[OURS] = "there is no mpiexec"
    rates: dict[str, list[float]] = {}
    for number in range(options.rounds):
        for name in (OURS, *CONTENDERS):
            if name in left_out:
                continue
            say(f"round {number + 1} of {options.rounds}: {name}")
            try:
                [(found, [rate])] = measure(command(name, launch), options.limit_s).items()
            except Failed as error:
                left_out[name] = str(error)
                continue
            rates.setdefault(f"{OURS}, {found}" if name == OURS else found, []).append(rate)
    report(rates, left_out, options.rounds)
    if options.plot and rates:
        title = f"Recursive calls with {WORKERS} workers, rounds: {options.rounds}"
        table.plot(rates, options.plot, title=title, unit="calls/s", ours=OURS)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit-s", type=float, default=180.0, help="for one run of one of them")
    parser.add_argument("--mpiexec", default="", help="e.g. 'mpiexec --oversubscribe'")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    return parser.parse_args()


def command(name: str, launch: Sequence[str]) -> list[str]:
    """Return the command that measures a contender once."""
    if name == OURS:
        ranks = [*launch, "-n", str(RANKS), sys.executable, "-m", "supervisor", "run"]
        return [*ranks, str(HERE / "flows.py"), "--only", "fib", "--as-json", "true", "--quiet"]
    return [sys.executable, str(HERE / "fib_contenders.py"), name, str(CONTENDERS[name].n)]


def report(rates: table.Samples, left_out: dict[str, str], rounds: int) -> None:
    """Print the table."""
    ours = {name: "ours is" for name in rates if name.startswith(OURS)}
    print(f"Calls of fib a second with {WORKERS} workers, rounds: {rounds}\n")
    print(table.compare(rates, ours, unit="calls/s"))
    for name, why in left_out.items():
        print(f"\n{name} was left out: {why}")


if __name__ == "__main__":
    main()
