"""How soon wide tasks begin among serial ones, and what is lost while workers wait for them.

    python benchmarks/performance/wide_load.py [--workers 8 128] [--every 5 20] [--size 8]

The real client, servers and workers run in virtual time, on a simulated cluster whose prices were
measured (see ``supervisor/balancer/machine.py``). Serial tasks are always queued; every so many
task lengths a task for several workers is put, at any moment. No MPI.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import table

from supervisor.balancer.layout import split
from supervisor.balancer.machine import cluster
from supervisor.balancer.simulate import Simulation
from supervisor.core.task import Gang, Task

RANKS_PER_HOST = 64
WORKERS_PER_SERVER = 64
BACKLOG = 3  # serial tasks for each worker that are left when the last wide task is put


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table.

    Attributes:
        workers: Number of ranks.
        size: Workers of a wide task; 0 if there are to be none.
        every: Task lengths from one wide task to the next.
        wide: Number of wide tasks.
        length_s: Mean length of a task.
        spread: Lengths vary evenly by this fraction of the mean in both directions.
    """

    workers: int
    size: int
    every: float
    wide: int
    length_s: float
    spread: float

    @property
    def end_s(self) -> float:
        """When the last wide task is put, and the load is no longer looked at."""
        return self.every * self.wide * self.length_s


@dataclass(frozen=True, slots=True)
class Measured:
    """What a case showed.

    Attributes:
        waits_s: From when each wide task is put until its last member begins.
        held: Share of the workers' time that they rest, lent, until their gangs are complete.
        idle: Share of the workers' time in which they do nothing, whatever they wait for.
    """

    waits_s: list[float]
    held: float
    idle: float


class Watch:
    """Notes when the tasks of a simulation begin.

    Args:
        simulation: Before its run.
        wide: Ids of the tasks that are of interest.
    """

    def __init__(self, simulation: Simulation, wide: range) -> None:
        self.begins_s: dict[int, list[float]] = {id: [] for id in wide}
        self._simulation = simulation
        for executor in simulation.executors.values():
            executor.start = partial(self._start, executor.start)

    def _start(self, start: Callable[[Task], None], task: Task) -> None:
        if task.id in self.begins_s:
            self.begins_s[task.id].append(self._simulation.now)
        start(task)


def measure(case: Case, seed: int) -> Measured:
    """Simulate one case."""
    servers = servers_for(case.workers)
    layout = split(1 + case.workers + servers, servers)
    draw = random.Random(seed).uniform
    shortest, longest = (case.length_s * (1 + sign * case.spread) for sign in (-1, 1))
    serial = round(case.workers * (case.every * case.wide + BACKLOG))
    lengths = [draw(shortest, longest) for _ in range(case.wide + serial)]
    simulation = Simulation(
        layout,
        seed=seed,
        hosts=[f"host{rank // RANKS_PER_HOST}" for rank in range(layout.size)],
        length_s=lengths.__getitem__,
        machine=cluster(),
        checked=False,
    )
    client, at = simulation.client, simulation.at
    ids = range(case.wide, case.wide + serial)
    at(0.0, lambda: client.put(Task(id, b"") for id in ids))
    wide = range(case.wide) if case.size else range(0)
    watch = Watch(simulation, wide)
    step_s = case.every * case.length_s
    puts_s = {id: step_s * (id + draw(0.0, 1.0)) for id in wide}
    for id, put_s in puts_s.items():
        at(put_s, partial(client.put, [Task(id, b"", gang=Gang(case.size))]))
    at(case.end_s, client.inquire)
    at(case.end_s, client.drain)
    outcome = simulation.run()
    assert len(outcome.results) == serial + len(wide), "a result is missing"
    assert all(len(begins) == case.size for begins in watch.begins_s.values()), "a member is"
    whole_s = case.workers * case.end_s
    return Measured(
        waits_s=[max(begins_s) - puts_s[id] for id, begins_s in watch.begins_s.items()],
        held=client.loads[layout.master].held_s / whole_s,
        idle=1 - outcome.spans.busy_s(0.0, case.end_s) / whole_s,
    )


def servers_for(workers: int) -> int:
    """Return how many servers so many workers have."""
    return -(-workers // WORKERS_PER_SERVER)


HEAD = [
    *("workers", "servers", "one every", "wide work", "begins after", "max"),
    *("held", "idle", "idle without"),
]


def cells(case: Case, measured: Measured, without: Measured) -> list[str]:
    """Return a row of the table as text; times are in task lengths."""
    waits = [wait_s / case.length_s for wait_s in measured.waits_s]
    return [
        f"{case.workers}",
        f"{servers_for(case.workers)}",
        f"{case.every:g}",
        f"{case.size / (case.workers * case.every):.1%}",
        f"{statistics.median(waits):.2f}",
        f"{max(waits):.2f}",
        f"{measured.held:.2%}",
        f"{measured.idle:.2%}",
        f"{without.idle:.2%}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--every", type=float, nargs="+", default=[5.0, 20.0])
    parser.add_argument("--size", type=int, default=8, help="workers of a wide task")
    parser.add_argument("--wide", type=int, default=40, help="number of wide tasks")
    parser.add_argument("--length", type=float, default=1.0, help="mean seconds of a task")
    parser.add_argument("--spread", type=float, default=0.5, help="of the lengths of tasks")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.size > min(options.workers):
        parser.error(f"{options.size} workers at once are more than {min(options.workers)}")
    rows = []
    for workers in options.workers:
        for every in options.every:
            numbers = (every, options.wide, options.length, options.spread)
            case = Case(workers, options.size, *numbers)
            measured = measure(case, options.seed)
            without = measure(replace(case, size=0), options.seed)
            rows.append(cells(case, measured, without))
    print(f"Tasks of {options.length:g} s, lengths vary by {options.spread:.0%}; ", end="")
    print(f"{options.wide} tasks for {options.size} workers each\n")
    print(table.markdown(HEAD, rows))


if __name__ == "__main__":
    main()
