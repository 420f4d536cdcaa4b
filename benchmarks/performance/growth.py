"""Resident memory of all ranks as tasks finish: what ``memory.py --growth`` runs on each rank."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Iterable
from itertools import islice

import psutil
import table
from mpi4py import MPI
from ranks import Caller, layout_of, make_tasks, meet, play

from supervisor.balancer.layout import Layout
from supervisor.balancer.wire import MpiWire
from supervisor.core.calls import values
from supervisor.core.task import Result

CALLS_UNDER_WAY = 20_000
PERIOD_S = 0.02
SHARES = (0.10, 0.50, 1.00)
MIB = 2**20


def run(calls: int, width: int) -> None:
    """Make so many calls on all ranks; print the resident memory of each at some moments.

    Args:
        calls: Number of no-op calls.
        width: Number of calls in each task.
    """
    wire = MpiWire(MPI.COMM_WORLD)
    layout = layout_of(wire)
    meet(MPI.COMM_WORLD)
    sampler = Sampler()
    sampler.start()
    began_s = time.time()
    stream = Stream(layout, calls, width) if wire.rank == 0 else None
    play(wire, stream)
    sampler.stop()
    moments = MPI.COMM_WORLD.bcast(stream.moments if stream else None)
    sizes = MPI.COMM_WORLD.gather([sampler.at(moment) for moment in moments])
    if sizes is not None:
        seconds = moments[-1] - began_s
        print(f"Resident memory while {calls} calls finish, {width} a task, in {seconds:.1f} s\n")
        print(report(sizes, layout, calls))


class Stream(Caller):
    """Puts tasks as others finish, and notes when which share of the calls is finished.

    Args:
        layout: The roles of all ranks.
        calls: Number of calls.
        width: Number of calls in each task.

    Attributes:
        moments: When each of ``SHARES`` was finished, in seconds since the epoch.
    """

    def __init__(self, layout: Layout, calls: int, width: int) -> None:
        super().__init__(layout)
        self.moments: list[float] = []
        self._calls = calls
        self._width = width
        self._put = 0
        self._finished = 0
        self._total = 0
        self._tasks = make_tasks(calls, width)
        self._refill()

    def take(self, results: Iterable[Result]) -> None:
        for result in results:
            for value in values(result):
                self._total += value
                self._finished += 1
        while self._finished >= SHARES[len(self.moments)] * self._calls:
            self.moments.append(time.time())
            if len(self.moments) == len(SHARES):
                assert self._total == self._calls * (self._calls - 1) // 2, "a result is missing"
                self.client.drain()
                return
        self._refill()

    def _refill(self) -> None:
        room = max(CALLS_UNDER_WAY, 4 * self._width) - (self._put - self._finished)
        tasks = list(islice(self._tasks, max(0, room // self._width)))
        self._put = min(self._calls, self._put + len(tasks) * self._width)
        self.client.put(tasks)


class Sampler(threading.Thread):
    """Samples this process's resident memory until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self._times: list[float] = []
        self._sizes: list[int] = []
        self._stopping = threading.Event()

    def run(self) -> None:
        while True:
            self._times.append(time.time())
            self._sizes.append(self._process.memory_info().rss)
            if self._stopping.wait(PERIOD_S):
                return

    def stop(self) -> None:
        """End the samples."""
        self._stopping.set()
        self.join()

    def at(self, moment: float) -> int:
        """Return the last sample taken by this time, in seconds since the epoch."""
        return self._sizes[max(0, bisect_right(self._times, moment) - 1)]


def report(sizes: list[list[int]], layout: Layout, calls: int) -> str:
    """Return the resident memory of each rank at each moment as a Markdown table."""
    head = ["rank", *(f"MiB at {share:.0%}" for share in SHARES), "bytes a call from 10 % on"]
    rows = []
    for rank, each in enumerate(sizes):
        role = "server" if rank in layout.servers else "worker" if rank else "client"
        rate = (each[-1] - each[0]) / (calls * (SHARES[-1] - SHARES[0]))
        rows.append([f"{rank} {role}", *(f"{size / MIB:.1f}" for size in each), f"{rate:.2f}"])
    return table.markdown(head, rows)
