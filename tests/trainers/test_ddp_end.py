"""The end of a training with torch.distributed, in a process of its own."""

import subprocess
import sys

import pytest

TRAININGS = """
import faulthandler

import torch
from torch.nn.parallel import DistributedDataParallel

from supervisor.trainers import torch_ddp

faulthandler.dump_traceback_later(120, exit=True)
torch_ddp._Session.meet = lambda session: None  # members that meet hardly ever hang

def train():
    with torch_ddp.ddp_on(None):
        model = DistributedDataParallel(torch.nn.Linear(2, 2))
        model(torch.ones(1, 2)).sum().backward()

for _ in range(150):
    train()
print("ended")
"""


def test_a_model_that_is_dropped_right_after_the_end_waits_for_no_thread():
    """Without its care, ``torch_ddp`` hung in each of two such loops, after 138 and 33 rounds."""
    pytest.importorskip("torch", reason="no PyTorch; scripts/setup --with torch")
    done = subprocess.run(
        [sys.executable, "-c", TRAININGS], capture_output=True, text=True, timeout=180
    )
    assert done.stdout == "ended\n", done.stderr
