"""No-op tasks a second: the balancer against mpi4py.futures, on the same ranks, interleaved.

    mpiexec -n 4 python benchmarks/performance/throughput.py [--tasks 200000] [--rounds 5]

Each round times, one after the other on the ranks of one run: the balancer with the calls put as
one bulk and with tasks put one by one (one server, the other ranks workers), and mpi4py.futures
with chunksize 64 and 1 (the other ranks are its workers). Each call takes an argument, does
nothing, and returns it to rank 0. Ratios are of medians; single figures say little on a shared
machine. The slower contenders get a tenth of the tasks.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable

import table
from mpi4py import MPI
from mpi4py.futures import MPICommExecutor
from noop import nothing
from ranks import Caller, layout_of, make_tasks, play

from supervisor.balancer.layout import Layout
from supervisor.balancer.wire import MpiWire
from supervisor.core.calls import values
from supervisor.core.task import Result, Task

BULK, SINGLE = "supervisor, one bulk", "supervisor, one by one"


class AllAtOnce(Caller):
    """Puts all tasks at once and sums their values up.

    Args:
        layout: The roles of all ranks.
        tasks: One at least.

    Attributes:
        total: The sum.
    """

    def __init__(self, layout: Layout, tasks: Iterable[Task]) -> None:
        super().__init__(layout)
        self.client.put(tasks)
        self.total = 0

    def take(self, results: Iterable[Result]) -> None:
        for result in results:
            self.total += sum(values(result))
        if not self.client.outstanding:
            self.client.drain()


def balancer(wire: MpiWire, number: int, *, width: int) -> float:
    """Return the seconds that ``number`` calls take, put as tasks of so many calls."""
    MPI.COMM_WORLD.Barrier()
    began = time.perf_counter()
    caller = AllAtOnce(layout_of(wire), make_tasks(number, width)) if wire.rank == 0 else None
    play(wire, caller)
    seconds = time.perf_counter() - began
    if caller is not None:
        assert caller.total == number * (number - 1) // 2, "a result is missing"
    return seconds


def futures(number: int, chunksize: int) -> float:
    """Return the seconds that mpi4py.futures takes for the same."""
    MPI.COMM_WORLD.Barrier()
    began = time.perf_counter()
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is not None:
            total = sum(executor.map(nothing, range(number), chunksize=chunksize))
            assert total == number * (number - 1) // 2, "a result is missing"
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the rates and nothing else")
    options = parser.parse_args()
    wire = MpiWire(MPI.COMM_WORLD)
    many, few = options.tasks, max(1, options.tasks // 10)
    contenders = {
        BULK: (many, lambda: balancer(wire, many, width=many)),
        SINGLE: (few, lambda: balancer(wire, few, width=1)),
        "mpi4py.futures, chunksize 64": (many, lambda: futures(many, 64)),
        "mpi4py.futures, chunksize 1": (few, lambda: futures(few, 1)),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, (number, run) in contenders.items():
            rates[name].append(number / run())
    if wire.rank != 0:
        return
    if options.json:
        print(json.dumps(rates))
    else:
        print(f"{many} no-op tasks on {wire.size} ranks, rounds: {options.rounds}\n")
        headings = {BULK: "one bulk is", SINGLE: "one by one is"}
        print(table.compare(rates, headings, unit="tasks/s"))


if __name__ == "__main__":
    main()
