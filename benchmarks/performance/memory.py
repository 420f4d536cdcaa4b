"""Memory of queued tasks, and growth of all ranks with the number of finished tasks.

    python benchmarks/performance/memory.py [--tasks 1000000]
    mpiexec -n 4 python benchmarks/performance/memory.py --growth [--tasks 1000000] [--width 1]

The first puts single tasks on a server, as its wire would deliver them, and no worker asks for
any. What the server then holds is measured twice, by what Python allocated and by the resident
memory, each in a process of its own. The payloads' own bytes are taken off, but not the
overhead of the objects that hold them.

The second runs no-op tasks with one server and workers on the other ranks, a bounded number of
them at a time, and prints the resident memory of every rank when 10 %, 50 % and 100 % of them are
finished. With ``--width`` the tasks are bulks of so many calls.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice

import msgspec
import psutil
import table
from noop import nothing

from supervisor.balancer.layout import split
from supervisor.balancer.messages import Put
from supervisor.balancer.protocol import AnyMessage
from supervisor.balancer.server import Server
from supervisor.core.calls import Callee
from supervisor.core.task import Task

TASKS_A_PUT = 1_000
MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--growth", action="store_true", help="under mpiexec: of all ranks")
    parser.add_argument("--width", type=int, default=1, help="calls a task, with --growth")
    parser.add_argument("--only", choices=METERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.growth:
        import growth  # late: the other measurement needs no MPI

        growth.run(options.tasks, options.width)
    elif options.only:
        print(json.dumps(queue(options.tasks, METERS[options.only])))
    else:
        queued(options.tasks)


def queued(tasks: int) -> None:
    """Print what a queued task costs, by each meter."""
    rows = []
    for meter in METERS:
        command = [sys.executable, __file__, "--tasks", str(tasks), "--only", meter]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        held, payload = json.loads(done.stdout)
        figures = [
            f"{held / MIB:.1f}",
            f"{payload / tasks:.1f}",
            f"{(held - payload) / tasks:.1f}",
        ]
        rows.append([meter, *figures])
    print(f"{tasks} queued single tasks on one server\n")
    print(table.markdown(["by", "MiB in all", "payload, bytes", "beside it, bytes"], rows))


def queue(tasks: int, meter: Callable[[], int]) -> tuple[int, int]:
    """Return the bytes that a server with so many queued tasks holds, and their payloads'."""
    layout = split(3, 1)
    callee = Callee(nothing)
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(AnyMessage)
    server = Server(layout.master, layout)
    each: Iterator[Task] = (callee.task(i, i) for i in range(tasks))
    payload = 0
    meter()
    gc.collect()
    before = meter()
    while some := list(islice(each, TASKS_A_PUT)):
        payload += sum(len(task.payload) for task in some)
        put = decoder.decode(bytearray(encoder.encode(Put(some))))
        sends = server.handle(put, layout.client, 0.0)
        assert not sends, "the server gave tasks away"
        del put, some
    gc.collect()
    return meter() - before, payload


def allocated() -> int:
    """Return the bytes that Python has allocated since the first call."""
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0]


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(psutil.Process().memory_info().rss)


METERS: dict[str, Callable[[], int]] = {"tracemalloc": allocated, "resident": resident}


if __name__ == "__main__":
    main()
