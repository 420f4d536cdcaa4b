"""What communicators of gangs give, beside MPI's own; run by test_communicator.py under mpiexec.

    mpiexec -n 4 python tests/mpi/gang_collectives.py [NAME ...]

Prints a line for each behaviour that is so; the names choose among them.
"""

import random
import sys
import traceback

import numpy as np
from gang_world import EVERYBODY, ME, SIZE, WORLD, gang, numbers, run_behaviours
from mpi4py import MPI

from supervisor.balancer.communicator import OPERATIONS, form


def same(given, expected):
    """Compare the results of two communicators."""
    if isinstance(expected, np.ndarray):
        assert given.dtype == expected.dtype
        np.testing.assert_array_equal(given, expected)
    else:
        assert given == expected, (given, expected)


def buffers(comm, rng, name, dtype, count):
    """Call one collective of buffers by its name; return what it received."""
    rank, size = comm.Get_rank(), comm.Get_size()
    own = np.random.default_rng([rank, count])

    def data(n):
        return own.integers(0, 100, n).astype(dtype)

    def room(n):
        return np.full(n, 7, dtype)

    root = rng.randrange(size)
    op = rng.choice([MPI.SUM, MPI.MAX, MPI.MIN])
    counts = [rng.randrange(count + 1) for _ in range(size)]
    at = rank == root
    if name == "Bcast":
        received = data(count) if at else room(count)
        comm.Bcast(received, root=root)
    elif name == "Reduce":
        comm.Reduce(data(count), received := room(count), op, root)
    elif name == "Gather":
        comm.Gather(data(count), received := room(count * size), root)
    elif name == "Gatherv":
        comm.Gatherv(data(counts[rank]), [received := room(sum(counts)), counts], root)
    elif name == "Scatter":
        comm.Scatter(data(count * size) if at else None, received := room(count), root)
    elif name == "Scatterv":
        sent = [data(sum(counts)), counts] if at else None
        comm.Scatterv(sent, received := room(counts[rank]), root)
    elif name in ("Allreduce", "Scan", "Exscan"):
        getattr(comm, name)(data(count), received := room(count), op=op)
    elif name == "Reduce_scatter_block":
        comm.Reduce_scatter_block(data(count * size), received := room(count), op)
    elif name == "Reduce_scatter":
        comm.Reduce_scatter(data(sum(counts)), received := room(counts[rank]), counts, op)
    elif name in ("Allgather", "Alltoall"):
        n = count * (size if name == "Alltoall" else 1)
        getattr(comm, name)(data(n), received := room(count * size))
    elif name == "Allgatherv":
        comm.Allgatherv(data(counts[rank]), [received := room(sum(counts)), counts])
    elif name == "Alltoallv":
        out = [data(counts[rank] * size), [counts[rank]] * size]
        comm.Alltoallv(out, [received := room(sum(counts)), counts])
    elif name == "Alltoallw":
        kind = MPI._typedict[np.dtype(dtype).char]
        step = np.dtype(dtype).itemsize * count
        spec = ([count] * size, [k * step for k in range(size)], [kind] * size)
        comm.Alltoallw([data(count * size), *spec], [received := room(count * size), *spec])
    return received


def objects(comm, rng, name):
    """Call one collective of Python objects by its name; return what it returned."""
    rank, size = comm.Get_rank(), comm.Get_size()
    mine = (rank, "x" * rng.randrange(5000) * rank)
    root = rng.randrange(size)
    if name == "bcast":
        return comm.bcast({"root": mine}, root=root)
    if name == "scatter":
        return comm.scatter([(mine, k) for k in range(size)] if rank == root else None, root)
    if name == "alltoall":
        return comm.alltoall([(mine, k) for k in range(size)])
    if name == "gather":
        return comm.gather(mine, root)
    if name == "reduce":
        return comm.reduce([mine], MPI.SUM, root)  # lists: the order of ranks shows
    if name == "barrier":
        return comm.barrier()
    operation = {} if name == "allgather" else {"op": rng.choice([MPI.SUM, lambda a, b: a + b])}
    return getattr(comm, name)([mine], **operation)


def every_collective_gives_what_mpi_gives():
    ours = form(WORLD, EVERYBODY[::-1], next(numbers))
    group = MPI.COMM_WORLD.Get_group().Incl(EVERYBODY[::-1])
    theirs = MPI.COMM_WORLD.Create_group(group, 3)
    names = OPERATIONS[OPERATIONS.index("Bcast") : OPERATIONS.index("Dup")]
    for seed in range(6):
        for name in names:
            count = random.Random(seed).choice([0, 1, 5, 300, 40_000])
            dtype = ["f8", "i4", "i8", "f4"][seed % 4]
            given, expected = (
                objects(comm, random.Random(seed), name)
                if name.islower()
                else buffers(comm, random.Random(seed), name, dtype, count)
                for comm in (ours, theirs)
            )
            same(given, expected)
    assert ours.part(False)


def made_communicators_are_plain():
    def member(comm):
        half = comm.Split(comm.rank % 2, -comm.rank)
        copy = comm.Dup()
        assert type(half) is type(copy) is MPI.Intracomm
        total = copy.allreduce(1), half.allreduce(comm.rank % 2)
        half.Free()
        copy.Free()
        return total

    outcome, ended = gang(EVERYBODY, member)
    assert ended
    assert outcome == (SIZE, len(EVERYBODY[1::2]) if ME % 2 else 0)


def messages_arrive():
    def member(comm):
        after, before = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
        got = [comm.sendrecv(comm.rank, after, source=before)]
        large, room = np.full(300_000, comm.rank), np.empty(300_000, int)
        comm.Sendrecv(large, after, 1, room, before, 1)
        got.append(int(room[-1]))
        comm.Sendrecv_replace(large, after, source=before)
        got.append(int(large[0]))
        status = MPI.Status()
        if comm.rank == 0:
            comm.Ssend(large, after, 5)
            comm.Probe(before, 6)
            got.append(comm.recv(source=MPI.ANY_SOURCE, tag=6, status=status) + 1)
        else:
            comm.Recv(room, before, MPI.ANY_TAG, status)
            assert status.Get_tag() == 5
            comm.Send(room, after, 5) if after else comm.send(int(room[0]), 0, 6)
            got.append(int(room[0]) + 1)
        assert status.Get_source() == before
        assert comm.recv(source=MPI.PROC_NULL) is None
        return got

    outcome, ended = gang(EVERYBODY, member)
    assert ended, outcome
    before = (ME - 1) % SIZE
    assert outcome == [before, before, before, SIZE], outcome


if __name__ == "__main__":
    try:
        run_behaviours(dict(vars()), sys.argv[1:])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        MPI.COMM_WORLD.Abort(1)
