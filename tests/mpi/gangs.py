"""Gang tasks of random sizes with random failures, for ``test_gang_runs.py`` and for long runs.

    mpiexec -n 8 supervisor run tests/mpi/gangs.py --tasks 300 --seed 1

Checks every result, and that nothing grows on any worker: memory, threads, descriptors.
"""

import os
import random
import resource
import threading
from pathlib import Path

from supervisor import app
from supervisor.dataflow.flow import Flow


@app
def single(seed, *, fails):
    return together(seed, None, fails)


def together(seed, comm, fails):
    """Return what an allreduce gives; ``fails`` is the member that raises, or -1."""
    rank = 0 if comm is None else comm.rank
    rng = random.Random(seed)
    calls = rng.randrange(1, 4)
    breaks = rng.randrange(calls + 1)
    total = 0
    for call in range(calls):
        if rank == fails and call == breaks:
            raise ValueError(f"unlucky {seed}")
        part = (rank + 1) * seed
        total += part if comm is None else comm.allreduce(part)
    if rank == fails:
        raise ValueError(f"unlucky {seed}")
    return total


def expected(seed, size):
    calls = random.Random(seed).randrange(1, 4)
    return calls * seed * size * (size + 1) // 2


def gang(size):
    if size == 1:
        return single

    @app(size=size)
    def wide(seed, *, fails, comm):
        return together(seed, comm, fails)

    return wide


@app
def use(_):
    """Return what the worker's process uses: KiB, threads, descriptors."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    kib = pages * resource.getpagesize() // 1024
    return os.getpid(), kib, threading.active_count(), len([*Path("/proc/self/fd").iterdir()])


def uses(workers):
    """Return what each worker uses."""
    from supervisor import location

    futures = [use.using(target=location(rank=rank))(0) for rank in workers]
    return {pid: rest for pid, *rest in (future.result() for future in futures)}


def play(tasks, seed, widest):
    rng = random.Random(seed)
    apps = {size: gang(size) for size in range(1, widest + 1)}
    put = []
    for number in range(tasks):
        size = rng.randint(1, widest)
        fails = rng.randrange(size) if rng.random() < 0.3 else -1
        put.append((number, size, fails, apps[size](number, fails=fails)))
    failed = 0
    for number, size, fails, future in put:
        error = future.exception()
        if fails < 0:
            assert error is None, error
            assert future.result() == expected(number, size)
        else:
            failed += 1
            assert f"unlucky {number}" in str(error), (number, size, fails, error)
    return failed


def main(tasks: int = 300, seed: int = 0):
    layout = Flow.here("gangs").client.layout
    widest = len(layout.workers)
    play(20, seed + 1, widest)
    before = uses(layout.workers)
    failed = play(tasks, seed, widest)
    after = uses(layout.workers)
    grown = [after[pid][0] - before[pid][0] for pid in before]
    assert after.keys() == before.keys()
    assert all(after[pid][1] == before[pid][1] for pid in before), (before, after)
    assert all(after[pid][2] <= before[pid][2] for pid in before), (before, after)
    print(f"{tasks} tasks, {failed} failed as they should, grown by at most {max(grown)} KiB")
