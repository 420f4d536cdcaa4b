"""What it costs to gather workers for a task that several of them run together.

    mpiexec -n 5 python benchmarks/performance/gangs.py [--size 3] [--tasks 300] [--rounds 5]

Rank 0 is the client, the last rank the server, the others are workers. Each round times, one
after the other, tasks whose members do nothing but wait for each other once:

- the balancer, one by one: put a task, wait for its result, put the next one;
- the balancer, all at once: put all tasks, wait for all results;
- the balancer, one by one, with tasks for one worker each: what a gang costs beyond a task;
- a bare loop of Create_group, Barrier and Free on as many workers, which all know without a
  message that it is their turn.

The ranks that a bare loop does not need sleep meanwhile; those that it needs never let go of
their processors, and are fast as long as each has one. The ratios are of medians.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from typing import Any

import table
from mpi4py import MPI
from noop import nothing
from ranks import Caller, layout_of, meet

from supervisor.balancer.layout import Layout
from supervisor.balancer.pump import Pump
from supervisor.balancer.server import Server
from supervisor.balancer.wire import MpiWire
from supervisor.balancer.worker import Worker
from supervisor.core.calls import Callee, values
from supervisor.core.task import Gang, Result
from supervisor.executors.function import FunctionExecutor

WARM_UP = 20  # tasks that are not counted
ONE, ALL = "gangs, one by one", "gangs, all at once"
SERIAL, BARE = "tasks for one worker", "bare loop"


def together(argument: int, *, comm: Any) -> int:
    """Wait for the other members; return the argument."""
    comm.Barrier()
    return argument


class Gatherer(Caller):
    """Puts tasks, so many at a time, and notes when their results come.

    Args:
        layout: The roles of all ranks.
        size: Workers of each task; 0 for tasks that are for no gang.
        tasks: Their number.
        ahead: So many at most have no result yet.
    """

    def __init__(self, layout: Layout, *, size: int, tasks: int, ahead: int) -> None:
        super().__init__(layout)
        self.ends_s = [time.perf_counter()]
        self._callee = Callee(together if size else nothing)
        self._gang = Gang(size) if size else None
        self._tasks = tasks
        self._put = 0
        self._missing = set(range(tasks))
        self._put_more(ahead)

    def take(self, results: Iterable[Result]) -> None:
        for result in results:
            self.ends_s.append(time.perf_counter())
            (value,) = values(result)
            assert value == result.id, "not the result of this task"
            self._missing.remove(value)
            self._put_more(1)
        if not self._missing:
            self.client.drain()

    def _put_more(self, number: int) -> None:
        ids = range(self._put, min(self._tasks, self._put + number))
        self._put = max(self._put, ids.stop)
        self.client.put(self._callee.task(id, id, gang=self._gang) for id in ids)


def balancer(wire: MpiWire, *, size: int, tasks: int, ahead: int) -> float:
    """Return the seconds of each task on rank 0; those of the beginning do not count."""
    layout = layout_of(wire)
    caller = worker = server = None
    if wire.rank == 0:
        caller = Gatherer(layout, size=size, tasks=WARM_UP + tasks, ahead=ahead)
    if wire.rank in layout.workers:
        executor = FunctionExecutor(layout.seat(wire.rank), wire.form)
        worker = Worker(wire.rank, layout, executor)
    if wire.rank in layout.servers:
        server = Server(wire.rank, layout)
    Pump(wire, client=caller, worker=worker, server=server).run()
    return (caller.ends_s[-1] - caller.ends_s[WARM_UP]) / tasks if caller else 0.0


def bare(world: MPI.Intracomm, *, size: int, tasks: int) -> float:
    """Return the seconds of each communicator, as rank 0 is told by the first of its members."""
    everybody = world.Get_group()
    group = everybody.Incl(range(1, 1 + size))
    began_s = 0.0
    if 0 < world.rank <= size:
        for number in range(WARM_UP + tasks):
            if number == WARM_UP:
                began_s = time.perf_counter()
            comm = world.Create_group(group)
            comm.Barrier()
            comm.Free()
    seconds = (time.perf_counter() - began_s) / tasks
    group.Free()
    everybody.Free()
    meet(world)
    if world.rank == 1:
        world.send(seconds, 0)
    return world.recv(source=1) if world.rank == 0 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=3, help="workers of each gang")
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    world = MPI.COMM_WORLD
    workers = world.size - 2
    if not 1 <= options.size <= workers:
        parser.error(f"{options.size} workers cannot be gathered of {workers}; start more ranks")
    wire = MpiWire(world)
    size, tasks = options.size, options.tasks
    contenders = {
        ONE: lambda: balancer(wire, size=size, tasks=tasks, ahead=1),
        ALL: lambda: balancer(wire, size=size, tasks=tasks, ahead=WARM_UP + tasks),
        SERIAL: lambda: balancer(wire, size=0, tasks=tasks, ahead=1),
        BARE: lambda: bare(world, size=size, tasks=tasks),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, run in contenders.items():
            meet(world)
            seconds[name].append(run())
    meet(world)
    if world.rank == 0:
        print(f"Gangs of {size} of {workers} workers; tasks: {tasks}, rounds: {options.rounds}\n")
        print(report(seconds))


def report(seconds: table.Samples) -> str:
    """Return medians and ratios as a Markdown table; times are in microseconds."""
    middle = table.medians(seconds)
    rows = []
    for name, each in seconds.items():
        figures = [table.number(one * 1e6) for one in (middle[name], min(each), max(each))]
        ratios = [table.ratio(middle[name], middle[one]) for one in (BARE, SERIAL)]
        rows.append([name, *figures, *ratios])
    head = ["contender", "each, µs", "min", "max", f"of {BARE}", f"of {SERIAL}"]
    return table.markdown(head, rows)


if __name__ == "__main__":
    main()
