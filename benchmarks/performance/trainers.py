"""Data-parallel training with Horovod and with DistributedDataParallel, in turns.

    mpiexec -n 2 python benchmarks/performance/trainers.py [--rounds 5] [--steps 60] [--width 512]

Each round trains a small network, of three layers of so many units, with both trainers on one rank
and on more, up to all, one after the other on the ranks of one run. Every member has the same
batch, so that its work does not depend on how many they are: perfect training on n ranks does n
times the samples of one rank in the same time, which is an efficiency of 100 %. Ranks that do not
train sleep. Starting a trainer is measured apart, and does not count as training. Each rank
computes with one thread. Ratios are of medians; single figures say little on a shared machine.
Horovod is left out where it is not installed, with a line that says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import table
import torch
from mpi4py import MPI
from ranks import meet

from supervisor.trainers.horovod import horovod_on
from supervisor.trainers.torch_ddp import ddp_on

TRAINERS: dict[str, Callable[[Any], AbstractContextManager[Any]]] = {
    "Horovod": horovod_on,
    "DDP": ddp_on,
}
FEATURES, CLASSES, WARM = 256, 10, 5


def train(trainer: Any, *, steps: int, width: int, batch_size: int) -> float:
    """Return the samples a second of one member."""
    torch.manual_seed(1)
    layers = [torch.nn.Linear(FEATURES, width), torch.nn.ReLU()]
    layers += [torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, CLASSES)]
    model = torch.nn.Sequential(*layers)
    model, optimizer = trainer.distribute(model, torch.optim.SGD(model.parameters(), lr=0.01))
    torch.manual_seed(trainer.rank)
    inputs = torch.randn(batch_size, FEATURES)
    labels = torch.randint(CLASSES, (batch_size,))
    began = 0.0
    for step in range(WARM + steps):
        if step == WARM:
            trainer.average({})
            began = time.perf_counter()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    return steps * batch_size / (time.perf_counter() - began)


def measure(name: str, size: int, options: argparse.Namespace) -> tuple[float, float] | None:
    """Train on the first ranks; return the samples a second of all, and the seconds of a start.

    Returns None on ranks that do not train.
    """
    world = MPI.COMM_WORLD
    figures = None
    meet(world)
    if world.rank < size:
        comm = world.Create_group(world.group.Incl(range(size)))
        began = time.perf_counter()
        with TRAINERS[name](comm) as trainer:
            start_s = time.perf_counter() - began
            rate = train(
                trainer, steps=options.steps, width=options.width, batch_size=options.batch_size
            )
        figures = (comm.allreduce(rate), start_s)
        comm.Free()
    meet(world)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--width", type=int, default=512, help="of the network")
    parser.add_argument("--batch-size", type=int, default=128, help="of one rank")
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = MPI.COMM_WORLD
    if importlib.util.find_spec("horovod") is None:
        del TRAINERS["Horovod"]
    sizes = sorted({1, *(2**n for n in range(1, 20) if 2**n < world.size), world.size})
    runs = [(name, size) for size in sizes for name in TRAINERS]
    for name in TRAINERS:  # imports, and what is made once in a process
        measure(name, world.size, options)
    figures: dict[tuple[str, int], list[tuple[float, float]]] = {one: [] for one in runs}
    for _ in range(options.rounds):
        for one in runs:
            found = measure(*one, options)
            if found is not None:
                figures[one].append(found)
    if world.rank == 0:
        shape = f"{FEATURES} x {options.width} x {options.width} x {CLASSES}"
        print(f"Network {shape}, {options.batch_size} samples a rank, rounds: {options.rounds}\n")
        print(report(figures))
        if "Horovod" not in TRAINERS:
            print("\nHorovod was left out: it is not installed")


def report(figures: dict[tuple[str, int], list[tuple[float, float]]]) -> str:
    """Return medians, spreads and efficiencies as a Markdown table."""
    rates = {one: [rate for rate, _ in found] for one, found in figures.items()}
    middle = {one: statistics.median(each) for one, each in rates.items()}
    rows = []
    for (name, size), median in middle.items():
        each = rates[name, size]
        single = middle[name, 1]
        start_ms = 1000 * statistics.median(start_s for _, start_s in figures[name, size])
        rows.append(
            [
                f"{name}, ranks: {size}",
                *(table.number(value) for value in (median, min(each), max(each))),
                table.ratio(median, single),
                f"{100 * median / single / size:.0f} %",
                *(table.ratio(median, middle[one, size]) for one in TRAINERS),
                table.number(start_ms),
            ]
        )
    head = ["trainer", "median, samples/s", "min", "max", "of one rank", "efficiency"]
    return table.markdown([*head, *(f"of {one}" for one in TRAINERS), "start, ms"], rows)


if __name__ == "__main__":
    main()
