"""What the benchmarks of our own ranks share: one client, one server, the rest workers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from mpi4py import MPI
from noop import nothing

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout, split
from supervisor.balancer.messages import Message, Send
from supervisor.balancer.pump import Pump
from supervisor.balancer.server import Server
from supervisor.balancer.wire import Wire
from supervisor.balancer.worker import Worker
from supervisor.core.calls import Callee
from supervisor.core.task import Result, Task
from supervisor.executors.function import FunctionExecutor


class Caller(ABC):
    """Rank 0's role: a client and the one who puts tasks and takes results.

    Args:
        layout: The roles of all ranks.
    """

    def __init__(self, layout: Layout) -> None:
        self.client = Client(layout)

    @abstractmethod
    def take(self, results: Iterable[Result]) -> None:
        """Use the results that came; put more tasks, or drain the client."""

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
        if results := self.client.take_results():
            self.take(results)
        return self.client.poll(now)


def make_tasks(calls: int, width: int) -> Iterator[Task]:
    """Yield single tasks, or bulks if ``width`` is above 1."""
    callee = Callee(nothing)
    for first in range(0, calls, width):
        if width > 1:
            yield callee.bulk(first, range(first, min(calls, first + width)))
        else:
            yield callee.task(first, first)


def layout_of(wire: Wire) -> Layout:
    """Return the roles of all ranks: one server."""
    return split(wire.size, 1)


def play(wire: Wire, caller: Caller | None) -> None:
    """Play this rank's roles until all is done; rank 0 brings the caller."""
    layout = layout_of(wire)
    worker = server = None
    if wire.rank in layout.workers:
        worker = Worker(wire.rank, layout, FunctionExecutor(layout.seat(wire.rank)))
    if wire.rank in layout.servers:
        server = Server(wire.rank, layout)
    Pump(wire, client=caller, worker=worker, server=server).run()


def meet(comm: MPI.Comm) -> None:
    """Wait for all ranks as a barrier does, but asleep."""
    request = comm.Ibarrier()
    while not request.Test():
        time.sleep(1e-3)
