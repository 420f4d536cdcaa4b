"""No-op tasks a second: the balancer against mpi4py.futures, on the same ranks, interleaved.

    mpiexec -n 4 python benchmarks/performance/throughput.py [--tasks 20000] [--rounds 5]

Each round times, one after the other on the ranks of one run: the balancer with tasks put one
by one (one server, the other ranks workers), mpi4py.futures with chunksize 1, and with chunksize
64 (the other ranks are its workers). Ratios are of the medians; single figures say little on a
shared machine.

The balancer's tasks carry a pickled argument each, run an empty function, and bring a result
back to rank 0, as those of the pool do.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import time

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout, split
from supervisor.balancer.pump import Pump
from supervisor.balancer.server import Server
from supervisor.balancer.wire import MpiWire
from supervisor.balancer.worker import Worker
from supervisor.core.task import Report, Result, Task


def nothing(argument: int) -> int:
    """Do nothing."""
    return argument


class CallExecutor:
    """Calls ``nothing`` with a task's pickled argument, in the worker's own process."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self._result: Result | None = None

    def start(self, task: Task) -> None:
        start_s = time.time()
        value = pickle.dumps(nothing(pickle.loads(task.payload)))
        self._result = Result(task.id, value, None, self.rank, start_s, time.time())

    def poll(self) -> Result | None:
        result, self._result = self._result, None
        return result

    def reports(self) -> list[Report]:
        return []

    def stop_early(self, task_id: int) -> None: ...

    def cancel(self) -> None: ...

    def filenos(self) -> list[int]:
        return []

    def close(self) -> None: ...


class Caller:
    """The client's side: puts all tasks at once and counts the sum of their results."""

    def __init__(self, layout: Layout, tasks: int) -> None:
        self.client = Client(layout)
        self.client.put(Task(i, pickle.dumps(i)) for i in range(tasks))
        self.total = 0

    @property
    def done(self) -> bool:
        return self.client.done

    @property
    def eager(self) -> bool:
        return self.client.eager

    def handle(self, message, source, now):
        return self.client.handle(message, source, now)

    def filenos(self):
        return ()

    def poll(self, now):
        for result in self.client.take_results():
            self.total += pickle.loads(result.value)
        if not self.client.outstanding:
            self.client.drain()
        return self.client.poll(now)


def balancer(wire: MpiWire, tasks: int) -> float:
    """Return the seconds that ``tasks`` tasks take."""
    MPI.COMM_WORLD.Barrier()
    began = time.perf_counter()
    layout = split(wire.size, 1)
    caller = Caller(layout, tasks) if wire.rank == 0 else None
    worker = server = None
    if wire.rank in layout.workers:
        worker = Worker(wire.rank, layout, CallExecutor(wire.rank))
    if wire.rank in layout.servers:
        server = Server(wire.rank, layout)
    Pump(wire, client=caller, worker=worker, server=server).run()
    seconds = time.perf_counter() - began
    if caller is not None:
        assert caller.total == tasks * (tasks - 1) // 2, "a result is missing"
    return seconds


def futures(tasks: int, chunksize: int) -> float:
    """Return the seconds that mpi4py.futures takes for the same."""
    MPI.COMM_WORLD.Barrier()
    began = time.perf_counter()
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is not None:
            total = sum(executor.map(nothing, range(tasks), chunksize=chunksize))
            assert total == tasks * (tasks - 1) // 2, "a result is missing"
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    wire = MpiWire(MPI.COMM_WORLD)
    contenders = {
        "supervisor, one by one": lambda: balancer(wire, options.tasks),
        "mpi4py.futures, chunksize 1": lambda: futures(options.tasks, 1),
        "mpi4py.futures, chunksize 64": lambda: futures(options.tasks, 64),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, run in contenders.items():
            rates[name].append(options.tasks / run())
    if wire.rank == 0:
        report(rates, wire.size, options.tasks)


def report(rates: dict[str, list[float]], ranks: int, tasks: int) -> None:
    """Print medians, spreads and ratios."""
    ours = statistics.median(rates["supervisor, one by one"])
    print(f"{tasks} no-op tasks on {ranks} ranks, {len(rates['supervisor, one by one'])} rounds")
    print(f"{'':30}{'median/s':>10}{'min':>10}{'max':>10}{'ours is':>12}")
    for name, values in rates.items():
        median = statistics.median(values)
        ratio = f"{ours / median:.2f} x"
        print(f"{name:30}{median:10.0f}{min(values):10.0f}{max(values):10.0f}{ratio:>12}")


if __name__ == "__main__":
    main()
