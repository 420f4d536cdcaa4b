"""What the scripts about gangs share: the world, a gang in it, and how behaviours are run."""

import inspect
import time

import numpy as np
from mpi4py import MPI

from supervisor.balancer.communicator import form

WORLD = MPI.COMM_WORLD.Dup()
ME, SIZE = WORLD.Get_rank(), WORLD.Get_size()
EVERYBODY = list(range(SIZE))
numbers = iter(range(1, 1 << 30))


def gang(ranks, member):
    """Run ``member`` as executors do; return what it returned or raised, and whether all did."""
    number = next(numbers)
    if ME not in ranks:
        return None, None
    comm = form(WORLD, ranks, number)
    assert (comm.rank, comm.size) == (ranks.index(ME), len(ranks))
    try:
        outcome = member(comm)
    except Exception as error:
        outcome = error
    ended = comm.part(isinstance(outcome, Exception))
    return outcome, ended


def adds_up(ranks):
    """Check that a gang of these ranks computes what it should."""

    def member(comm):
        total = np.zeros(3)
        comm.Allreduce(np.full(3, ME + 1.0), total)
        return total[0], comm.allreduce(ME)

    outcome, ended = gang(ranks, member)
    if ME in ranks:
        assert ended, outcome
        assert outcome == (sum(ranks) + len(ranks), sum(ranks)), outcome


def run_behaviours(names, wanted):
    """Run the functions without arguments among the names, those that are wanted if any are."""
    for name, one in names.items():
        ours = getattr(one, "__module__", "") == "__main__" and inspect.isfunction(one)
        if ours and not inspect.signature(one).parameters and (name in wanted or not wanted):
            start_s = time.monotonic()
            one()
            MPI.COMM_WORLD.Barrier()
            if ME == 0:
                print(f"ok {name} {time.monotonic() - start_s:.2f} s", flush=True)
