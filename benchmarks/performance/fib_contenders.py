"""Fibonacci numbers by recursive tasks, as the guides of Parsl and Dask show it: for ``fib.py``.

    python benchmarks/performance/fib_contenders.py NAME N

Each starts two workers, makes sure that they are there, and takes the time of fib(N). What is
printed, as a JSON object, is the number of calls of fib a second; calls of add do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to compute fib(n) by tasks.

    Attributes:
        module: What must be installed.
        n: A number that takes it some seconds.
        run: Returns fib(n) and the seconds that it took.
    """

    module: str
    n: int
    run: Callable[[int], tuple[int, float]]


def parsl(n: int) -> tuple[int, float]:
    """Compute it by join apps, which return the future of what they put.

    Source:
        Parsl's guide, "Join Apps": its example is this one.
    """
    import parsl
    from parsl import join_app, python_app
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    executor = HighThroughputExecutor(
        address="127.0.0.1",
        max_workers_per_node=WORKERS,
        cores_per_worker=1e-3,  # else there is one worker a core at most
        encrypted=False,
        provider=LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
    )

    @python_app(executors=[executor.label])
    def add(*parts):  # type: ignore[no-untyped-def]
        return sum(parts)

    @join_app
    def fib(n):  # type: ignore[no-untyped-def]
        return add(n) if n < 2 else add(fib(n - 1), fib(n - 2))

    config = Config(
        executors=[executor], strategy="none", run_dir="runinfo", initialize_logging=False
    )
    with parsl.load(config):
        add(1, 2).result()
        began = time.perf_counter()
        value = fib(n).result()
        return value, time.perf_counter() - began


def fib_of_dask(n: int) -> int:
    """Return fib(n) by tasks that put tasks and leave their worker while they wait.

    Source:
        Dask's guide, "Launch Tasks from Tasks": its example is this one. There equal calls are
        made once; here, as by everybody else, all of them.
    """
    from distributed import get_client, rejoin, secede

    if n < 2:
        return n
    client = get_client()
    futures = [client.submit(fib_of_dask, n - i, pure=False) for i in (1, 2)]
    secede()
    one, two = client.gather(futures)
    rejoin()
    return one + two  # type: ignore[no-any-return]


def dask(n: int) -> tuple[int, float]:
    """Compute it by tasks that wait for tasks, on worker processes of one thread each."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        local_directory=tempfile.gettempdir(),
    )
    with cluster, Client(cluster) as client:
        client.wait_for_workers(WORKERS)
        client.gather(client.map(abs, range(WORKERS), pure=False))
        began = time.perf_counter()
        value = client.submit(fib_of_dask, n, pure=False).result()
        return value, time.perf_counter() - began


CONTENDERS = {
    "Parsl, fib(12)": Contender("parsl", 12, parsl),
    "Dask, fib(12)": Contender("distributed", 12, dask),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("n", type=int)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # closes what is open
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    first, second = 0, 1
    for _ in range(options.n):
        first, second = second, first + second
    value, seconds = CONTENDERS[options.name].run(options.n)
    assert value == first, f"fib({options.n}) is {first}, not {value}"
    print(json.dumps({options.name: [(2 * second - 1) / seconds]}), flush=True)


if __name__ == "__main__":
    main()
