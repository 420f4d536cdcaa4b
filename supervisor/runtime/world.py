"""The ranks of a run, from hello to dismissal.

Nothing here is collective: ranks that wait must sleep, and collective calls spin.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from supervisor.balancer.layout import Layout, split
from supervisor.balancer.messages import (
    Dismiss,
    Hello,
    Message,
    Setup,
)
from supervisor.balancer.pump import Pump, await_message
from supervisor.balancer.role import ActiveRole, Role
from supervisor.balancer.wire import LoopbackWire, Wire
from supervisor.core.errors import ProtocolError
from supervisor.core.executor import Executor, Form, Seat
from supervisor.core.objective import Objective, Program

BuildExecutor = Callable[[bytes, Seat, Form], Executor]
"""Makes the executor of a worker from an encoded objective."""


class World:
    """Rank 0's view of all ranks.

    Args:
        wire: Between the ranks; all others call ``serve``.

    Attributes:
        hosts: Host name of each rank; empty before ``gather``.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.size = wire.size
        self.hosts: list[str] = []
        self._under_way = False

    def gather(self) -> None:
        """Wait until all ranks are there."""
        heard = {0: _hello()}
        while len(heard) < self.size:
            message, source = await_message(self.wire)
            if not isinstance(message, Hello):
                raise ProtocolError(f"rank {source} sent {message} before it said hello")
            heard[source] = message
        self.hosts = names_of([heard[rank] for rank in range(self.size)])

    def run(
        self, layout: Layout, client: ActiveRole, objective: Objective, build: BuildExecutor
    ) -> None:
        """Let all ranks, which were gathered, play their roles until the client's work is done."""
        self.finish(self.begin(layout, client, objective, build))

    def begin(
        self,
        layout: Layout,
        client: ActiveRole,
        objective: Objective | Program,
        build: BuildExecutor,
    ) -> Pump:
        """Let all other ranks, which were gathered, play their roles; return the own pump."""
        encoded = msgspec.msgpack.encode(objective)
        workers_on = Counter(self.hosts[worker] for worker in layout.workers)
        numbers = {host: number for number, host in enumerate(dict.fromkeys(self.hosts))}
        slots = _slots(layout, self.hosts)
        setups = [
            Setup(
                size=layout.size,
                servers=len(layout.servers),
                kinds=dict(zip(layout.kinds[1:], layout.counts[1:], strict=True)),
                hosts={one: numbers[self.hosts[one]] for one in _known_to(rank, layout)},
                names=list(numbers) if rank == layout.master else [],
                neighbours=max(1, workers_on[self.hosts[rank]]),
                slot=slots[rank][0],
                slots=slots[rank][1],
                host=self.hosts[rank],
                objective=encoded,
            )
            for rank in range(self.size)
        ]
        for rank, setup in enumerate(setups[1:], start=1):
            self.wire.send(setup, rank)
        self._under_way = True
        return _pump(self.wire, setups[0], build, client)

    def finish(self, pump: Pump) -> None:
        """Pump until all work is done and all ranks have stopped."""
        pump.run()
        self._under_way = False

    def dismiss(self) -> None:
        """Let the other ranks' processes end; at once if their work could not be ended well."""
        if self._under_way:
            self.wire.abort()
        for rank in range(1, self.size):
            self.wire.send(Dismiss(), rank)
        self.wire.close()


def alone() -> World:
    """Return a world of this process only, without MPI."""
    return World(LoopbackWire())


def serve(wire: Wire, build: BuildExecutor) -> None:
    """Play whatever roles rank 0 gives this rank, until it is dismissed."""
    wire.send(_hello(), 0)
    early: list[tuple[Message, int]] = []  # of ranks that have begun; order is kept by pair only
    while True:
        message, source = await_message(wire)
        match message:
            case Setup():
                pump = _pump(wire, message, build)
                for one in early:
                    pump.deliver(*one)
                early.clear()
                pump.run()
            case Dismiss():
                wire.close()
                return
            case _:
                early.append((message, source))


def _hello() -> Hello:
    return Hello(socket.gethostname(), os.environ.get("SLURMD_NODENAME", ""))


def names_of(hellos: Sequence[Hello]) -> list[str]:
    """Return the name of each rank's host: the scheduler's, so that it can be asked for it.

    A launcher may have given all ranks the variables of one node; then the names do not tell
    hosts apart that call themselves differently, and are not used.
    """
    hosts, nodes = [one.host for one in hellos], [one.node for one in hellos]
    return nodes if all(nodes) and len(set(nodes)) >= len(set(hosts)) else hosts


def _pump(
    wire: Wire, setup: Setup, build: BuildExecutor, client: ActiveRole | None = None
) -> Pump:
    """Return a pump with the roles that the layout gives this rank."""
    layout = split(setup.size, setup.servers, setup.kinds)
    worker: ActiveRole | None = None
    server: Role | None = None
    # Imported late: a rank loads only the roles that it has.
    if wire.rank in layout.workers:
        from supervisor.balancer.worker import Worker

        seat = layout.seat(wire.rank, setup.neighbours, setup.slot, setup.slots, setup.host)
        executor = build(setup.objective, seat, wire.form)
        worker = Worker(wire.rank, layout, executor)
    if wire.rank in layout.servers:
        from supervisor.balancer.server import Server

        server = Server(wire.rank, layout, setup.hosts, setup.names)
    return Pump(wire, client=client, worker=worker, server=server)


def _slots(layout: Layout, hosts: Sequence[str]) -> list[tuple[int, int]]:
    """Return which of the users of its host's accelerators each rank is, and of how many."""
    drivers = layout.drivers()
    found = [(0, 0)] * layout.size
    for host in {hosts[rank] for rank in drivers}:
        here = [rank for rank in drivers if hosts[rank] == host]
        for slot, rank in enumerate(here):
            found[rank] = slot, len(here)
    return found


def _known_to(rank: int, layout: Layout) -> Sequence[int]:
    """Return the ranks whose hosts a rank must know."""
    if rank == layout.master:
        return layout.workers  # gangs are formed host by host
    return layout.workers_of(rank) if rank in layout.servers else ()
