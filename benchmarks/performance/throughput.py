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
import statistics
import time
from collections.abc import Iterable

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout, split
from supervisor.balancer.messages import Message, Send
from supervisor.balancer.pump import Pump
from supervisor.balancer.server import Server
from supervisor.balancer.wire import MpiWire
from supervisor.balancer.worker import Worker
from supervisor.core.calls import Callee, values
from supervisor.core.task import Task
from supervisor.executors.function import FunctionExecutor

REFERENCE = "supervisor, one bulk"


def nothing(argument: int) -> int:
    """Do nothing."""
    return argument


class Caller:
    """The client's side: puts all tasks at once and sums their results up."""

    def __init__(self, layout: Layout, tasks: Iterable[Task]) -> None:
        self.client = Client(layout)
        self.client.put(tasks)
        self.total = 0

    @property
    def done(self) -> bool:
        return self.client.done

    @property
    def eager(self) -> bool:
        return self.client.eager

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        return self.client.handle(message, source, now)

    def filenos(self) -> tuple[int, ...]:
        return ()

    def poll(self, now: float) -> list[Send]:
        for result in self.client.take_results():
            self.total += sum(values(result))
        if not self.client.outstanding:
            self.client.drain()
        return self.client.poll(now)


def balancer(wire: MpiWire, number: int, *, as_bulk: bool) -> float:
    """Return the seconds that ``number`` calls take."""
    MPI.COMM_WORLD.Barrier()
    began = time.perf_counter()
    layout = split(wire.size, 1)
    caller = worker = server = None
    if wire.rank == layout.client:
        callee = Callee(nothing)
        if as_bulk:
            tasks: Iterable[Task] = [callee.bulk(0, range(number))]
        else:
            tasks = (callee.task(i, i) for i in range(number))
        caller = Caller(layout, tasks)
    if wire.rank in layout.workers:
        worker = Worker(wire.rank, layout, FunctionExecutor(wire.rank))
    if wire.rank in layout.servers:
        server = Server(wire.rank, layout)
    Pump(wire, client=caller, worker=worker, server=server).run()
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
        REFERENCE: (many, lambda: balancer(wire, many, as_bulk=True)),
        "supervisor, one by one": (few, lambda: balancer(wire, few, as_bulk=False)),
        "mpi4py.futures, chunksize 64": (many, lambda: futures(many, 64)),
        "mpi4py.futures, chunksize 1": (few, lambda: futures(few, 1)),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, (number, run) in contenders.items():
            rates[name].append(number / run())
    if wire.rank == 0:
        print(json.dumps(rates)) if options.json else report(rates, wire.size, many)


def report(rates: dict[str, list[float]], ranks: int, tasks: int) -> None:
    """Print medians, spreads and ratios."""
    medians = {name: statistics.median(each) for name, each in rates.items()}
    print(f"{tasks} no-op tasks on {ranks} ranks, {len(rates[REFERENCE])} rounds")
    print(f"{'':30}{'median/s':>10}{'min':>10}{'max':>10}{'bulk is':>12}{'one by one':>12}")
    for name, each in rates.items():
        ratios = [medians[ours] / medians[name] for ours in (REFERENCE, "supervisor, one by one")]
        shown = "".join(f"{ratio:10.2f} x" for ratio in ratios)
        print(f"{name:30}{medians[name]:10.0f}{min(each):10.0f}{max(each):10.0f}{shown}")


if __name__ == "__main__":
    main()
