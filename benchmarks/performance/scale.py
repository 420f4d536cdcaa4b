"""How the balancer grows: utilisation, steal traffic and loads of up to 10^5 simulated workers.

    python benchmarks/performance/scale.py [--workers 1000 100000] [--lengths 0.01 1] [--plot F]

The real client, servers and workers run in virtual time, on a simulated cluster whose prices were
measured (see ``supervisor/balancer/machine.py``).
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import table

from supervisor.balancer.bench import Outcome
from supervisor.balancer.layout import Layout, split
from supervisor.balancer.machine import cluster
from supervisor.balancer.simulate import Simulation
from supervisor.balancer.talk import Steal
from supervisor.core.task import Task

RANKS_PER_HOST = 64
TASKS_A_SERVER = 10  # that the client puts at a time
SINGLE, BULK = "single tasks", "a bulk on one server"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table.

    Attributes:
        put: ``SINGLE`` or ``BULK``.
        workers, servers: Numbers of ranks.
        tasks: Number of tasks, or of parts of the bulk.
        length_s: Mean length of a task.
        spread: Lengths vary evenly by this fraction of the mean in both directions.
    """

    put: str
    workers: int
    servers: int
    tasks: int
    length_s: float
    spread: float


@dataclass(frozen=True, slots=True)
class Row:
    """What a case showed: the outcome, and the seconds that the simulation really took."""

    case: Case
    outcome: Outcome
    layout: Layout
    real_s: float


def main() -> None:
    options = parse()
    print(f"{options.tasks} tasks a worker, lengths vary by {options.spread:.0%}\n")
    rows = []
    for put in options.puts:
        for length_s in options.lengths:
            for workers in options.workers:
                servers = -(-workers // options.per_server)
                tasks = workers * options.tasks
                case = Case(put, workers, servers, tasks, length_s, options.spread)
                rows.append(cells(run(case, options.seed)))
                if options.verbose:
                    print(" ".join(rows[-1]), flush=True)
                gc.collect()
    print(table.markdown(HEAD, rows))
    if options.plot:
        plot(rows, options.plot)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--lengths", type=float, nargs="+", default=[0.01, 1.0, 100.0])
    parser.add_argument("--puts", nargs="+", choices=[SINGLE, BULK], default=[SINGLE, BULK])
    parser.add_argument("--tasks", type=int, default=10, help="for each worker")
    parser.add_argument("--per-server", type=int, default=100, help="workers of each server")
    parser.add_argument("--spread", type=float, default=0.5, help="of the lengths of tasks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE")
    parser.add_argument("--verbose", action="store_true", help="print each row when it is there")
    return parser.parse_args()


def run(case: Case, seed: int) -> Row:
    """Simulate one case."""
    layout = split(1 + case.workers + case.servers, case.servers)
    draw = random.Random(seed).uniform
    shortest, longest = (case.length_s * (1 + sign * case.spread) for sign in (-1, 1))
    began_s = time.perf_counter()
    simulation = Simulation(
        layout,
        seed=seed,
        hosts=[f"host{rank // RANKS_PER_HOST}" for rank in range(layout.size)],
        length_s=lambda task_id: draw(shortest, longest),
        machine=cluster(),
        checked=False,
    )
    feed(simulation, case)
    gc.disable()  # nothing becomes garbage in cycles, and there are millions of objects to visit
    outcome = simulation.run()
    gc.enable()
    if sum(result.width for result in outcome.results) != case.tasks:
        raise AssertionError("a result is missing")
    return Row(case, outcome, layout, time.perf_counter() - began_s)


def feed(simulation: Simulation, case: Case) -> None:
    """Put all tasks at the beginning, as fast as the client can."""
    client = simulation.client
    if case.put == BULK:
        server = simulation.layout.servers[case.servers // 2]
        client._servers_for = lambda task: [server]
        bulk = Task(0, b"", parts=(b"",) * case.tasks)
        simulation.at(0.0, partial(client.put, [bulk]))
    else:
        step = TASKS_A_SERVER * case.servers
        for begin in range(0, case.tasks, step):
            batch = range(begin, min(case.tasks, begin + step))
            simulation.at(0.0, lambda batch=batch: client.put(Task(i, b"") for i in batch))
    simulation.at(0.0, client.drain)


HEAD = [
    *("put as", "workers", "servers", "task, s", "utilisation", "middle half", "of ideal"),
    *("steals/task", "moved/task", "server load", "most", "client", "messages/task"),
    *("tasks end, s", "makespan, s", "real, s"),
]


def cells(row: Row) -> list[str]:
    """Return a row of the table as text."""
    case, outcome = row.case, row.outcome
    loads = outcome.loads(row.layout.servers)
    [client] = outcome.loads([row.layout.client])
    return [
        case.put,
        f"{case.workers}",
        f"{case.servers}",
        f"{case.length_s:g}",
        f"{outcome.utilisation(case.workers):.1%}",
        f"{outcome.steady(case.workers):.1%}",
        f"{outcome.ideal_s(case.workers) / outcome.seconds:.1%}",
        f"{outcome.counts[Steal] / case.tasks:.3f}",
        f"{outcome.moved / case.tasks:.3f}",
        f"{sum(loads) / len(loads):.1%}",
        f"{max(loads):.1%}",
        f"{client:.1%}",
        f"{outcome.messages / case.tasks:.2f}",
        f"{outcome.worked_s:.3f}",
        f"{outcome.seconds:.3f}",
        f"{row.real_s:.1f}",
    ]


def plot(rows: Sequence[Sequence[str]], file: Path) -> None:
    """Draw utilisation and messages over the number of workers."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    columns = ("middle half", "of ideal", "messages/task")
    for panel, column in zip(axes, columns, strict=True):
        for put, style in ((SINGLE, "o-"), (BULK, "s--")):
            for number, length in enumerate(dict.fromkeys(row[3] for row in rows)):
                chosen = [row for row in rows if (row[0], row[3]) == (put, length)]
                sizes = [int(row[1]) for row in chosen]
                values = [float(row[HEAD.index(column)].rstrip("%")) for row in chosen]
                label = f"{put}, {length} s"
                panel.plot(sizes, values, style, color=f"C{number}", label=label)
        panel.set(xscale="log", xlabel="workers")
        panel.grid(alpha=0.3)
    axes[0].set(ylabel="utilisation in the middle half, %", ylim=(0, 103))
    axes[1].set(ylabel="of the ideal speed, %", ylim=(0, 103))
    axes[2].set(ylabel="messages a task", ylim=(0, None))
    axes[2].legend(fontsize=8)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
