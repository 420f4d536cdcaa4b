"""What contends: ways to run tasks, each with two workers and in a process of its own.

A contender starts its workers, makes sure that they are there, and then takes the time; start and
end do not count. It verifies all results.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to run tasks.

    Attributes:
        module: What must be installed.
        size: How much it gets to do, for a few seconds at most.
        run: Does so much, and returns the seconds that it took; 0 on the ranks that only work.
        ranks: Number of MPI ranks that ``run`` must be called on; 0 for no MPI.
    """

    module: str
    size: int
    run: Callable[[int], float]
    ranks: int = 0


def perform(
    contenders: Mapping[str, Contender], description: str, tasks: Callable[[int], int] = int
) -> None:
    """Run the contender that the command line names; print its tasks a second as a JSON object.

    Args:
        contenders: By name.
        description: What the command is for.
        tasks: Returns how many tasks there are in what a contender gets to do.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("name", choices=contenders)
    parser.add_argument("size", type=int)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # closes what is open
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    seconds = contenders[options.name].run(options.size)
    if seconds:
        print(json.dumps({options.name: [tasks(options.size) / seconds]}), flush=True)


@contextmanager
def parsl_workers() -> Iterator[str]:
    """Start Parsl's HighThroughputExecutor, with its local provider, and give its label."""
    import parsl
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
    config = Config(
        executors=[executor], strategy="none", run_dir="runinfo", initialize_logging=False
    )
    with parsl.load(config):
        yield executor.label


@contextmanager
def dask_workers() -> Iterator[Any]:
    """Start Dask's local cluster, of processes with one thread each, and give its client."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    )
    with cluster, Client(cluster) as client:
        client.wait_for_workers(WORKERS)
        yield client
