"""The round trip of one task, as a ratio to a raw ping-pong of the same size.

    mpiexec -n 3 python benchmarks/performance/latency.py [--trips 2000] [--rounds 5]

Rank 0 is the client, rank 1 the worker, rank 2 the server. With 2 ranks, rank 0 is the server too,
and a trip is two messages, as in the ping-pong. Each round times, one after the other:

- the balancer: put one no-op task, wait for its result, put the next one: four messages a trip;
- mpi4py's Send and Recv of as many bytes as the message that puts the task, between ranks 0 and 1;
- mpi4py's send and recv, which pickle, of the same bytes;
- a relay of the same bytes on the way of a task, 0 to 2 to 1 to 2 to 0, by ranks that yield the
  processor while they wait: what is left of the balancer if it does nothing.

Ranks that take no part in a ping-pong sleep meanwhile. The mean of a round is its duration by its
trips; the last two columns are percentiles of single trips, as medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable

import msgspec
import table
from mpi4py import MPI
from noop import nothing
from ranks import Caller, layout_of, meet, play

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Put
from supervisor.balancer.wire import MpiWire
from supervisor.core.calls import Callee, values
from supervisor.core.task import Result

WARM_UP = 100  # trips that are not counted
REFERENCES = ("ping-pong, Send/Recv", "ping-pong, send/recv")

Trips = list[float]
"""Seconds of each trip, on rank 0; empty on other ranks."""


class OneAtATime(Caller):
    """Puts a task when the last one has its result.

    Args:
        layout: The roles of all ranks.
        trips: Number of tasks.
    """

    def __init__(self, layout: Layout, trips: int) -> None:
        super().__init__(layout)
        self.seconds: Trips = []
        self._trips = trips
        self._callee = Callee(nothing)
        self._began_s = 0.0
        self._put()

    def take(self, results: Iterable[Result]) -> None:
        (result,) = results
        self.seconds.append(time.perf_counter() - self._began_s)
        (value,) = values(result)
        assert value == result.id == len(self.seconds) - 1, "not the result of this task"
        if len(self.seconds) < self._trips:
            self._put()
        else:
            self.client.drain()

    def _put(self) -> None:
        number = len(self.seconds)
        self._began_s = time.perf_counter()
        self.client.put([self._callee.task(number, number)])


def balancer(wire: MpiWire, trips: int) -> Trips:
    """Time trips through client, server and worker."""
    caller = OneAtATime(layout_of(wire), trips) if wire.rank == 0 else None
    play(wire, caller)
    return caller.seconds if caller else []


def buffers(comm: MPI.Comm, size: int, trips: int) -> Trips:
    """Time trips of Send and Recv between ranks 0 and 1."""
    ball = bytearray(size)
    buffer = [ball, MPI.BYTE]
    if comm.rank == 0:
        return timed(trips, lambda: (comm.Send(buffer, 1), comm.Recv(buffer, 1)))
    if comm.rank == 1:
        for _ in range(trips):
            comm.Recv(buffer, 0)
            comm.Send(buffer, 0)
    return []


def objects(comm: MPI.Comm, size: int, trips: int) -> Trips:
    """Time trips of send and recv, which pickle, between ranks 0 and 1."""
    ball = bytes(size)
    if comm.rank == 0:
        return timed(trips, lambda: (comm.send(ball, 1), comm.recv(source=1)))
    if comm.rank == 1:
        for _ in range(trips):
            comm.send(comm.recv(source=0), 0)
    return []


def relay(comm: MPI.Comm, size: int, trips: int) -> Trips:
    """Time trips from rank 0 over 2 to 1 and back over 2, without anything but the messages."""
    buffer = [bytearray(size), MPI.BYTE]

    def receive(source: int) -> None:
        while not comm.Iprobe(source):
            os.sched_yield()
        comm.Recv(buffer, source)

    if comm.rank == 0:
        return timed(trips, lambda: (comm.Send(buffer, 2), receive(2)))
    for _ in range(trips):
        for source, to in ((2, 2),) if comm.rank == 1 else ((0, 1), (1, 0)):
            receive(source)
            comm.Send(buffer, to)
    return []


def timed(trips: int, trip: Callable[[], object]) -> Trips:
    """Return the seconds of each trip."""
    seconds = []
    for _ in range(trips):
        began_s = time.perf_counter()
        trip()
        seconds.append(time.perf_counter() - began_s)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trips", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    comm = MPI.COMM_WORLD
    if comm.size not in (2, 3):
        parser.error(f"there are {comm.size} ranks; start it with mpiexec -n 3, or -n 2")
    wire = MpiWire(comm)
    size = len(msgspec.msgpack.encode(Put([Callee(nothing).task(0, 0)])))
    trips = WARM_UP + options.trips
    contenders = {
        "supervisor": lambda: balancer(wire, trips),
        REFERENCES[0]: lambda: buffers(comm, size, trips),
        REFERENCES[1]: lambda: objects(comm, size, trips),
        "relay over rank 2": lambda: relay(comm, size, trips),
    }
    if comm.size == 2:  # there is no rank to relay over
        del contenders["relay over rank 2"]
    rounds: dict[str, list[Trips]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, run in contenders.items():
            meet(comm)
            rounds[name].append(run()[WARM_UP:])
    meet(comm)
    if comm.rank == 0:
        print(f"Round trips of one task, {size} bytes; trips: {options.trips}, ", end="")
        print(f"rounds: {options.rounds}\n")
        print(report(rounds))


def report(rounds: dict[str, list[Trips]]) -> str:
    """Return means, ratios and percentiles as a Markdown table; times are in microseconds."""
    means = {name: [statistics.fmean(each) for each in of] for name, of in rounds.items()}
    middle = table.medians(means)
    head = ["contender", "mean, µs", "min", "max"]
    head += [f"of {name}" for name in REFERENCES]
    head += ["50 %, µs", "99 %, µs"]
    rows = []
    for name, each in means.items():
        figures = [table.number(s * 1e6) for s in (middle[name], min(each), max(each))]
        ratios = [table.ratio(middle[name], middle[one]) for one in REFERENCES]
        shares = [
            statistics.median(percentile(trips, share) for trips in rounds[name]) * 1e6
            for share in (0.50, 0.99)
        ]
        rows.append([name, *figures, *ratios, *map(table.number, shares)])
    return table.markdown(head, rows)


def percentile(trips: Trips, share: float) -> float:
    """Return the duration that this share of the trips does not exceed."""
    return sorted(trips)[int(share * (len(trips) - 1))]


if __name__ == "__main__":
    main()
