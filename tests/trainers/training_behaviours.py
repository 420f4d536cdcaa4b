"""What both trainers promise, on real ranks; run by test_trainers_on_ranks.py under mpiexec.

    mpiexec -n 3 python tests/trainers/training_behaviours.py TRAINER [TRAINER ...]

Prints a line for each behaviour that is so. All ranks call all behaviours.
"""

import inspect
import sys
import time
import traceback
from contextlib import contextmanager

import psutil
from mpi4py import MPI
from torch import manual_seed, nn, optim, rand, set_num_threads, sin

from supervisor.core.errors import InputError
from supervisor.trainers.data import batches, share
from supervisor.trainers.horovod import horovod_on
from supervisor.trainers.members import PeerFailed
from supervisor.trainers.torch_ddp import ddp_on

WORLD = MPI.COMM_WORLD
GROUPS = [[0], [0, 1], [2, 0], [2, 1, 0]]
TRAINERS = {"horovod": horovod_on, "ddp": ddp_on}
SOON_S = 10.0


@contextmanager
def group(*ranks):
    """Give a communicator of some ranks, in this order; None on the others."""
    comm = None
    if WORLD.rank in ranks:
        comm = WORLD.Create_group(WORLD.group.Incl(ranks))
    yield comm
    if comm is not None:
        comm.Free()


def meet():
    """Wait for all ranks as a barrier does, but asleep."""
    request = WORLD.Ibarrier()
    while not request.Test():
        time.sleep(1e-3)


def model(seed=1):
    manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))


def samples(count):
    manual_seed(7)
    x = rand(count, 5)
    return x, sin(3 * x).sum(1, keepdim=True)


def gradients(one):
    return [parameter.grad.clone() for parameter in one.parameters()]


def losses(trainer, batch_size, rate=0.1):
    """Return the loss of each step, over all members, of three epochs."""
    x, y = samples(256)
    net, optimizer = trainer.distribute(
        found := model(), optim.SGD(found.parameters(), lr=rate, momentum=0.9)
    )
    curve = []
    for epoch in range(3):
        for batch in batches(trainer, 256, batch_size=batch_size, seed=3, epoch=epoch):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            curve.append(trainer.average({"loss": loss.item()})["loss"])
    return curve


def gradients_are_those_of_the_joined_batch(on):
    x, y = samples(24)
    serial = model()
    nn.functional.mse_loss(serial(x), y).backward()
    for ranks in GROUPS:
        with group(*ranks) as comm:
            if comm is None:
                continue
            with on(comm) as trainer:
                net, optimizer = trainer.distribute(
                    found := model(), optim.SGD(found.parameters(), lr=0.1)
                )
                [batch] = batches(trainer, 24, batch_size=24 // len(ranks), seed=1, epoch=0)
                nn.functional.mse_loss(net(x[batch]), y[batch]).backward()
                optimizer.step()
                for ours, expected in zip(gradients(found), gradients(serial), strict=True):
                    assert (ours - expected).abs().max() < 1e-6


def one_member_and_two_with_half_the_batch_learn_alike(on):
    with on(None) as trainer:
        alone = losses(trainer, 64)
    with group(0, 1) as comm:
        if comm is not None:
            with on(comm) as trainer:
                together = losses(trainer, 32)
            assert len(alone) == len(together) == 12
            assert max(abs(a - b) for a, b in zip(alone, together, strict=True)) < 1e-4
            assert alone[-1] < alone[0] / 2


def all_begin_with_the_model_and_the_optimizer_of_rank_0(on):
    with group(1, 0, 2) as comm, on(comm) as trainer:
        net = model(seed=trainer.rank)
        optimizer = optim.Adam(
            net.parameters(), lr=0.1 * (1 + trainer.rank), weight_decay=0.1, foreach=False
        )
        if trainer.rank == 0:  # as if it came from a checkpoint
            net(rand(4, 5)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        before = [one.detach().clone() for one in net.parameters()]
        _, optimizer = trainer.distribute(net, optimizer)
        if trainer.rank == 0:
            assert all((a == b).all() for a, b in zip(before, net.parameters(), strict=True))
        state = [one["exp_avg"].double().sum().item() for one in optimizer.state.values()]
        mine = [one.double().sum().item() for one in net.parameters()] + state
        assert state
        assert comm.allgather(mine) == [mine] * 3
        assert optimizer.param_groups[0]["lr"] == 0.1


def averages_are_weighted(on):
    with group(2, 1, 0) as comm, on(comm) as trainer:
        mine = share(trainer, 4)  # of the members: 2, 1 and 1 samples
        loss = sum(mine) / len(mine)
        assert trainer.average({"b": 1.0, "loss": loss}, weight=len(mine)) == {"b": 1, "loss": 1.5}
        only = float(trainer.rank == 1)
        lost = float("nan") if trainer.rank != 1 else 5.0
        assert trainer.average({"loss": lost}, weight=only) == {"loss": 5.0}


def members_know_their_places(on):
    for ranks in GROUPS:
        with group(*ranks) as comm:
            if comm is not None:
                with on(comm) as trainer:
                    place = ranks.index(WORLD.rank)
                    assert (trainer.rank, trainer.size) == (place, len(ranks))
                    assert (trainer.local_rank, trainer.local_size) == (place, len(ranks))


def disjoint_groups_train_at_once(on):
    for apart in (0, 1, 2):
        ranks = [rank for rank in range(3) if rank != apart]
        for members in ([apart], ranks):
            with group(*members) as comm:
                if comm is not None:
                    with on(comm) as trainer:
                        curve = losses(trainer, 64)
                    assert curve[-1] < curve[0]


def many_groups_train_one_after_the_other_in_one_process(on):
    process = psutil.Process()
    for turn in range(60):
        with group(*GROUPS[turn % len(GROUPS)]) as comm:
            if comm is not None:
                with on(comm) as trainer:
                    sums = trainer.average({"rank": trainer.rank})
                assert sums["rank"] == (len(GROUPS[turn % len(GROUPS)]) - 1) / 2
        if turn == 20:
            before = process.num_fds(), process.num_threads()
    after = process.num_fds(), process.num_threads()
    assert after[0] <= before[0] + 4
    assert after[1] <= before[1] + 2


def a_member_that_fails_makes_the_others_fail_and_the_next_task_works(on):
    for culprit, ranks in ((0, [0, 1]), (2, [2, 1, 0]), (1, [2, 1, 0])):
        with group(*ranks) as comm:
            if comm is not None:
                began = time.monotonic()
                try:
                    with on(comm) as trainer:
                        fail_in_the_third_step(trainer, WORLD.rank == culprit)
                except (ValueError, PeerFailed) as error:
                    assert isinstance(error, ValueError) == (WORLD.rank == culprit)
                else:
                    raise AssertionError("nothing was raised")
                assert time.monotonic() - began < SOON_S
        with group(*ranks) as comm:
            if comm is not None:
                with on(comm) as trainer:
                    assert trainer.average({"x": 1.0}) == {"x": 1.0}


def fail_in_the_third_step(trainer, culprit):
    net = model()
    if hasattr(trainer, "dist"):  # made by the user: nobody told the trainer of it
        net, optimizer = nn.parallel.DistributedDataParallel(net), optim.SGD(net.parameters())
    else:
        net, optimizer = trainer.distribute(net, optim.SGD(net.parameters()))
    for step in range(1000):
        if culprit and step == 2:
            raise ValueError("no more data")
        optimizer.zero_grad()
        net(rand(4, 5)).sum().backward()
        optimizer.step()


def a_member_that_is_done_waits_for_the_others(on):
    with group(1, 0) as comm:
        if comm is not None:
            began = time.monotonic()
            with on(comm) as trainer:
                if trainer.rank == 1:
                    time.sleep(0.5)
                    still = trainer.hvd if hasattr(trainer, "hvd") else trainer.dist
                    assert still.is_initialized()
            assert time.monotonic() - began > 0.45


def a_member_that_fails_at_the_end_makes_those_fail_that_are_done(on):
    with group(1, 0) as comm:
        if comm is None:
            return
        try:
            with on(comm) as trainer:
                if trainer.rank == 1:
                    time.sleep(0.3)
                    raise ValueError("not to be saved")
        except (ValueError, PeerFailed) as error:
            assert isinstance(error, ValueError) == (comm.rank == 1)
        else:
            raise AssertionError("nothing was raised")


def what_is_in_use_already_is_refused_on_all_members(on):
    with group(0, 1) as comm:
        if comm is None:
            return
        try:
            if comm.rank == 0:
                with on(None), on(comm):
                    raise AssertionError("two at once")
            else:
                with on(comm):
                    raise AssertionError("without the other one")
        except InputError as error:
            assert "is initialised already" in str(error)


def main():
    set_num_threads(1)
    for name in sys.argv[1:]:
        for behaviour in BEHAVIOURS:
            behaviour(TRAINERS[name])
            meet()
            if WORLD.rank == 0:
                print("ok", name, behaviour.__name__, flush=True)


BEHAVIOURS = [
    one
    for one in list(vars().values())
    if inspect.isfunction(one) and one.__code__.co_varnames[:1] == ("on",)
]

if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        MPI.COMM_WORLD.Abort(1)
