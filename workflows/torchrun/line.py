"""Fit a line to noisy points, of which each process has its own; started by torchrun."""

import argparse
import json

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

SLOPE, OFFSET, NOISE = 2.0, -1.0, 0.1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    dist.init_process_group("gloo")  # torchrun has said where and how many
    error = fit(options.learning_rate, options.steps, options.seed)
    if dist.get_rank() == 0:  # only the output of the task's rank 0 counts
        print(json.dumps({"error": error, "processes": dist.get_world_size()}))
    dist.destroy_process_group()


def fit(learning_rate, steps, seed):
    """Return how far slope and offset are from the right ones, together."""
    torch.manual_seed(seed + dist.get_rank())
    x = torch.rand(100, 1)
    y = SLOPE * x + OFFSET + NOISE * torch.randn(100, 1)
    line = torch.nn.Linear(1, 1)
    model = DistributedDataParallel(line)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()
    return abs(line.weight.item() - SLOPE) + abs(line.bias.item() - OFFSET)


if __name__ == "__main__":
    main()
