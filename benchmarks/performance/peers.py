"""No-op tasks a second: the balancer against its peers, in interleaved rounds.

    python benchmarks/performance/peers.py [--rounds 5] [--tasks 200000] [--plot FILE.png]

Each round runs ``throughput.py`` on 4 ranks, then each peer with 2 workers, one after the other,
each in a process of its own. A peer that is not installed, fails, or is not done in time is left
out of the rounds that follow, with a line that says so. The table goes to standard output,
progress to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import rounds
import table
from contender import WORKERS
from contenders import CONTENDERS

OURS = "supervisor"
RANKS = 4


def main() -> None:
    parser = rounds.parser(__doc__.splitlines()[0], rounds=5, limit_s=120.0)
    parser.add_argument("--tasks", type=int, default=200_000, help="of throughput.py")
    options = parser.parse_args()
    launch = rounds.launcher(options.mpiexec)
    left_out = rounds.missing(OURS, CONTENDERS, launch)
    commands = {name: command(name, launch, options.tasks) for name in (OURS, *CONTENDERS)}
    rates = rounds.take_turns(
        commands, left_out, label, rounds=options.rounds, limit_s=options.limit_s
    )
    ours = {name: f"{name.split(', ', 1)[-1]} is" for name in rates if name.startswith(OURS)}
    title = f"No-op tasks with {WORKERS} workers, rounds: {options.rounds}"
    rounds.report(rates, left_out, ours, title=title, unit="tasks/s")
    if options.plot and rates:
        table.plot(rates, options.plot, title=title, unit="tasks/s", ours=OURS)


def command(name: str, launch: Sequence[str], tasks: int) -> list[str]:
    """Return the command that measures a contender once."""
    if name == OURS:
        script = [sys.executable, str(rounds.HERE / "throughput.py")]
        ranks = [*launch, "-n", str(RANKS)]
        return [*ranks, *script, "--json", "--rounds", "1", "--tasks", str(tasks)]
    contender = CONTENDERS[name]
    script = [sys.executable, str(rounds.HERE / "contenders.py"), name, str(contender.size)]
    return [*launch, "-n", str(contender.ranks), *script] if contender.ranks else script


def label(printed: str, name: str) -> str:
    """Return what a contender is called in the table.

    The pool that ``throughput.py`` runs has the four ranks that ours has, so three workers.
    """
    return f"{printed}, 3 workers" if name == OURS and not printed.startswith(OURS) else printed


if __name__ == "__main__":
    main()
