"""What gangs do at the same time; for ``test_gang_runs.py``."""

import time

from supervisor import app
from supervisor.dataflow.flow import Flow


@app(size=3)
def three(_, *, comm):
    ranks = comm.allgather(world_rank())
    begin_s = time.time()
    time.sleep(1.0)
    return begin_s, time.time(), ranks


@app(size=6)
def six(_, *, comm):
    return comm.allgather(world_rank())


@app(size=8)
def eight(put_s, *, comm):
    comm.Barrier()
    return time.time() - put_s


@app
def serial(seconds):
    time.sleep(seconds)


def world_rank():
    from mpi4py import MPI

    return MPI.COMM_WORLD.rank


def side_by_side():
    """Two gangs of 3 on 6 workers of 2 servers at once, then a gang of 6 over both servers."""
    layout = Flow.here("gangs").client.layout
    assert (len(layout.workers), len(layout.servers)) == (6, 2)
    (begin, end, ranks), (other_begin, other_end, others) = [
        future.result() for future in (three(0), three(1))
    ]
    assert begin < other_end and other_begin < end, "one after the other"
    assert sorted(ranks + others) == [*layout.workers]
    found = six(0).result()
    assert {layout.home(rank) for rank in found} == {*layout.servers}


def under_load(length_s):
    """A gang of 8 among tasks for one worker, which are always there."""
    layout = Flow.here("gangs").client.layout
    assert len(layout.workers) == 8
    load = [serial(length_s) for _ in range(80)]
    time.sleep(2.5 * length_s)
    waited_s = eight(time.time()).result()
    assert not load[-1].done(), "the load was over"
    print(f"began after {waited_s / length_s:.2f} lengths")
    assert waited_s < 2 * length_s
    for one in load:
        one.result()


def main(what: str):
    side_by_side() if what == "side-by-side" else under_load(1.0)
