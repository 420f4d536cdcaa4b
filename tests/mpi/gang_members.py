"""What members of gangs rely on, on real ranks; run by test_communicator.py under mpiexec.

    mpiexec -n 4 python tests/mpi/gang_members.py [NAME ...]

Prints a line for each behaviour that is so; the names choose among them.
"""

import random
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress

import numpy as np
import psutil
from gang_world import EVERYBODY, ME, SIZE, WORLD, adds_up, gang, numbers, run_behaviours
from mpi4py import MPI

from supervisor.balancer.communicator import Communicator, form
from supervisor.core.gang import MemberFailed, OutOfStep, Stuck

SOON_S = 1.0
STUCK = []  # messages may still come in these


class Broken(Exception):
    """What a member raises in these tests."""


class Limit(BaseException):
    """Stands for a time limit."""


def a_failure_reaches_everybody_at_once():
    before = Communicator.unfreed
    for failing in EVERYBODY:
        for position in range(5):

            def member(comm, failing=failing, position=position):
                calls = [
                    comm.Barrier,
                    lambda: comm.allreduce(1),
                    lambda: comm.Allreduce(np.ones(9), np.ones(9)),
                    lambda: comm.bcast(5, 1),
                    lambda: comm.gather(3),
                ]
                for k, call in enumerate(calls):
                    if comm.rank == failing and k == position:
                        raise Broken
                    start_s = time.monotonic()
                    try:
                        call()
                    finally:
                        assert time.monotonic() - start_s < SOON_S

            outcome, ended = gang(EVERYBODY, member)
            assert ended is False
            assert isinstance(outcome, Broken if failing == ME else MemberFailed), outcome
            if failing != ME:
                assert f"rank {failing} of {SIZE}" in str(outcome)
            adds_up(EVERYBODY[1:])
            adds_up(EVERYBODY[:-1][::-1])
    assert Communicator.unfreed == before


def a_failure_is_seen_while_receiving():
    for wait in (
        lambda comm: comm.Recv(np.empty(5), 0),
        lambda comm: comm.recv(),
        lambda comm: comm.Probe(),
        lambda comm: comm.Mprobe(0, 3),
        lambda comm: comm.Ssend(np.empty(5), 0, 77),
        lambda comm: comm.sendrecv(3, 0, source=0),
    ):

        def member(comm, wait=wait):
            if comm.rank == 0:
                time.sleep(0.05)
                raise Broken
            start_s = time.monotonic()
            try:
                wait(comm)
            finally:
                assert time.monotonic() - start_s < SOON_S

        outcome, ended = gang(EVERYBODY, member)
        assert ended is False
        assert isinstance(outcome, MemberFailed if ME else Broken), outcome
        adds_up(EVERYBODY)


def a_caught_failure_is_still_one():
    def member(comm):
        if comm.rank == 1:
            raise Broken
        for _ in range(2):
            with suppress(MemberFailed):
                comm.Barrier()
        return "went on"

    outcome, ended = gang(EVERYBODY, member)
    assert ended is False
    assert isinstance(outcome, Broken) if ME == 1 else outcome == "went on"


def different_calls_are_told():
    def returns(comm):
        return comm.rank == 2 or comm.Allreduce(np.ones(1), np.ones(1))

    outcome, ended = gang(EVERYBODY, returns)
    assert ended is False
    assert outcome is True or f"rank 2 of {SIZE}" in str(outcome), outcome
    assert outcome is True or "returned while" in str(outcome), outcome
    assert (outcome is True) == (ME == 2)

    def calls(comm):
        return comm.barrier() if comm.rank == 2 else comm.Bcast(np.ones(1))

    outcome, ended = gang(EVERYBODY, calls)
    assert isinstance(outcome, OutOfStep)
    assert "calls barrier while" in str(outcome), outcome

    outcome, ended = gang(EVERYBODY, lambda comm: comm.bcast(1, root=int(comm.rank == 2)))
    assert "with root 1 while" in str(outcome), outcome
    adds_up(EVERYBODY)


def bad_arguments_of_one_member_hold_nobody_up():
    def member(comm):
        return comm.Allreduce("x" if comm.rank == 1 else np.ones(1), np.ones(1))

    outcome, ended = gang(EVERYBODY, member)
    assert ended is False
    assert isinstance(outcome, MemberFailed) == (ME != 1), outcome
    adds_up(EVERYBODY)
    unfreed = Communicator.unfreed
    outcome, ended = gang(EVERYBODY, lambda comm: comm.Allreduce("x", np.ones(1)))
    assert ended is False
    assert isinstance(outcome, Exception)
    assert Communicator.unfreed == unfreed


def an_interruption_leaves_nothing_behind():
    """One member's time is over while it waits for the others, who come later."""

    def member(comm):
        if comm.rank == 1:
            signal.signal(signal.SIGALRM, lambda *_: comm.interrupt(Limit()))
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                comm.allgather("early")
            except Limit:
                raise Broken from None
        time.sleep(0.2)
        assert comm.allgather(comm.rank)[1] == "early"
        comm.Barrier()

    before = Communicator.unfreed
    outcome, ended = gang(EVERYBODY, member)
    assert ended is False
    assert isinstance(outcome, Broken if ME == 1 else MemberFailed), outcome
    assert Communicator.unfreed == before
    adds_up(EVERYBODY)


def who_does_not_come_is_named():
    comm = form(WORLD, EVERYBODY, next(numbers))
    STUCK.append(comm)
    if ME == 1:
        time.sleep(1.0)
        assert not comm.part(False)
    else:
        try:
            comm.part(True, patience_s=0.3)
        except Stuck as stuck:
            assert f"failed, and rank 1 of {SIZE} (world rank 1) did not" in str(stuck), stuck
        else:
            raise AssertionError("not stuck")
    adds_up(EVERYBODY)


def a_message_that_nobody_received_reaches_no_other_gang():
    def member(comm):
        comm.Send(np.full(4, 1e9), (comm.rank + 1) % comm.size, 0)

    before = Communicator.unfreed
    _, ended = gang(EVERYBODY, member)
    assert ended
    assert Communicator.unfreed == before + 1
    adds_up(EVERYBODY)


def disjoint_gangs_form_at_once():
    halves = [EVERYBODY[::2], EVERYBODY[1::2]]
    for k in range(200):
        mine = halves[ME % 2]
        number = 10_000_000 + 2 * k + ME % 2
        comm = form(WORLD, mine, number)
        assert comm.allreduce(ME) == sum(mine)
        if k % 3 == ME % 2 == 0:
            comm.part(comm.rank == 0)
        else:
            assert comm.part(False)


def waiting_members_sleep():
    def member(comm):
        cpu_s, wall_s = time.process_time(), time.monotonic()
        if comm.rank == 0:
            time.sleep(1.5)
            comm.send("x", 1)
        elif comm.rank == 1:
            comm.recv()
        comm.Barrier()
        return (time.process_time() - cpu_s) / (time.monotonic() - wall_s)

    outcome, ended = gang(EVERYBODY, member)
    assert ended, outcome
    assert outcome < 0.15, outcome


def size_one_is_alone():
    comm = form(WORLD, [ME], 20_000_000 + ME)
    assert (comm.size, comm.allgather(3), comm.bcast("y")) == (1, [3], "y")
    assert comm.part(False)
    comm = form(WORLD, [ME], 20_000_000 + ME)
    assert not comm.part(True)


def random_gangs(count, failing, messages, longest=6):
    """Run gangs of random members, of which some fail anywhere."""
    rng = random.Random(7)
    for _ in range(count):
        ranks = rng.sample(EVERYBODY, rng.randint(1, SIZE))
        fails = {rank for rank in ranks if rng.random() < failing / len(ranks)}
        length = rng.randint(0, longest)
        at = {rank: rng.randint(0, longest) for rank in fails}
        seed = rng.random()

        def member(comm, ranks=ranks, at=at, length=length, seed=seed):
            step = random.Random(seed)
            for k in range(length):
                kind = step.randrange(4)
                if at.get(ME) == k:
                    raise Broken
                if kind == 0:
                    assert comm.allreduce(ME) == sum(ranks)
                elif kind == 1:
                    comm.Allreduce(np.full(50, ME), total := np.zeros(50, int))
                    assert (total == sum(ranks)).all()
                elif kind == 2 and messages and comm.size > 1:
                    after, before = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
                    assert comm.sendrecv(ME, after, source=before) == ranks[before]
                else:
                    assert comm.bcast(ME, comm.size - 1) == ranks[-1]
            if ME in at:
                raise Broken

        outcome, ended = gang(ranks, member)
        if ME in ranks:
            assert ended is (not fails), (outcome, fails)
            expected = (Broken if ME in fails else type(None), *[MemberFailed] * bool(fails))
            assert isinstance(outcome, expected), outcome


def many_gangs_with_failures():
    random_gangs(300, 0.3, True)


def gangs_leave_nothing_behind():
    """More of them than MPI has contexts at a time."""
    process = psutil.Process()

    def used():
        return threading.active_count(), process.num_fds()

    random_gangs(400, 0.3, False, longest=1)
    start, memory = used(), process.memory_info().rss
    unfreed = Communicator.unfreed
    random_gangs(2000, 0.3, False, longest=1)
    assert used() == start
    assert process.memory_info().rss - memory < 4e6, process.memory_info().rss - memory
    assert Communicator.unfreed == unfreed
    adds_up(EVERYBODY)


if __name__ == "__main__":
    try:
        run_behaviours(dict(vars()), sys.argv[1:])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        MPI.COMM_WORLD.Abort(1)
