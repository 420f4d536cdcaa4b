"""What ADLB's users rely on, on real ranks; run by test_behaviours.py under mpiexec.

    mpiexec -n 8 python tests/mpi/behaviours.py SERVERS [NAME ...]

Prints a line for each behaviour that is so; the names choose among them.
"""

import inspect
import sys
import traceback

import queue_behaviours
import store_behaviours
from bench import Bench, serve
from mpi4py import MPI

from supervisor.balancer.layout import split
from supervisor.balancer.wire import world_wire

BEHAVIOURS = [  # functions whose first argument is a bench
    one
    for module in (store_behaviours, queue_behaviours)
    for one in vars(module).values()
    if inspect.isfunction(one) and one.__code__.co_varnames[:1] == ("bench",)
]


def main():
    servers = int(sys.argv[1])
    wanted = set(sys.argv[2:])
    wire = world_wire()
    layout = split(wire.size, servers)
    hosts = [f"host{rank % 2}" for rank in range(wire.size)]  # as if there were two
    numbers = {worker: worker % 2 for worker in layout.workers}
    for behaviour in BEHAVIOURS:
        if wanted and behaviour.__name__ not in wanted:
            continue
        MPI.COMM_WORLD.Barrier()  # nobody begins a run while others are still ending the last one
        if wire.rank > 0:
            serve(wire, layout, numbers)
            continue
        bench = Bench(wire, layout, hosts)
        behaviour(bench)
        bench.finish()
        print("ok", behaviour.__name__, flush=True)


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        MPI.COMM_WORLD.Abort(1)
