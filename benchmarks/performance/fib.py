"""Fibonacci numbers by recursive tasks: ours against Parsl and Dask, in interleaved rounds.

    python benchmarks/performance/fib.py [--rounds 3] [--plot FILE.png]

Each round runs ``flows.py --only fib`` on 4 ranks, two of them workers, then each peer with 2
workers, each in a process of its own. Whoever is not installed, fails, or is not done in time is
left out of the rounds that follow, with a line that says so. The table goes to standard output,
progress to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import rounds
import table
from contender import WORKERS
from fib_contenders import CONTENDERS

OURS = "Supervisor"
RANKS = 4


def main() -> None:
    options = rounds.parser(__doc__.splitlines()[0], rounds=3, limit_s=180.0).parse_args()
    launch = rounds.launcher(options.mpiexec)
    left_out = rounds.missing(OURS, CONTENDERS, launch)
    commands = {name: command(name, launch) for name in (OURS, *CONTENDERS)}
    rates = rounds.take_turns(
        commands, left_out, label, rounds=options.rounds, limit_s=options.limit_s
    )
    ours = {name: "ours is" for name in rates if name.startswith(OURS)}
    title = f"Recursive calls with {WORKERS} workers, rounds: {options.rounds}"
    rounds.report(rates, left_out, ours, title=title, unit="calls/s")
    if options.plot and rates:
        table.plot(rates, options.plot, title=title, unit="calls/s", ours=OURS)


def command(name: str, launch: Sequence[str]) -> list[str]:
    """Return the command that measures a contender once."""
    if name == OURS:
        ranks = [*launch, "-n", str(RANKS), sys.executable, "-m", "supervisor", "run"]
        flows = str(rounds.HERE / "flows.py")
        return [*ranks, flows, "--only", "fib", "--as-json", "true", "--quiet"]
    script = [sys.executable, str(rounds.HERE / "fib_contenders.py")]
    return [*script, name, str(CONTENDERS[name].size)]


def label(printed: str, name: str) -> str:
    """Return what a contender is called in the table."""
    return f"{OURS}, {printed}" if name == OURS else printed


if __name__ == "__main__":
    main()
