"""A hot spot spreads along a rod with cold ends: ``rods.c`` once more, where there is no compiler.

mpiexec -n 3 python rods.py DIFFUSIVITY CELLS
"""

import json
import sys

import numpy
from mpi4py import MPI

LENGTH_M = 1.0
LIMIT = 0.5  # of the temperature at the beginning, where that is not 0
STABLE = 0.4  # a step's diffusivity * step_s / cell_m**2; below one half
BETWEEN = 20  # steps from one look at the hottest place to the next


def main(diffusivity, cells):
    comm = MPI.COMM_WORLD
    begin, end = cells * comm.rank // comm.size, cells * (comm.rank + 1) // comm.size
    cell = numpy.arange(begin, end)
    rod = numpy.zeros(end - begin + 2)  # with the neighbours' cells at its ends
    rod[1:-1] = (5 * cell >= 2 * cells) & (5 * cell < 3 * cells)
    steps = 0
    while comm.allreduce(rod[1:-1].max(), MPI.MAX) > LIMIT:
        for _ in range(BETWEEN):
            exchange(comm, rod)
            rod[1:-1] += STABLE * (rod[:-2] - 2 * rod[1:-1] + rod[2:])
        steps += BETWEEN
    cell_m = LENGTH_M / cells
    heat = comm.reduce(float(rod[1:-1].sum()) * cell_m)
    if comm.rank == 0:
        cooling_s = steps * (STABLE * cell_m**2 / diffusivity)
        found = {"cooling_s": cooling_s, "heat": heat, "steps": steps, "size": comm.size}
        print(json.dumps(found))


def exchange(comm, rod):
    """Fetch the cells beside this part; beyond the ends of the rod it is cold."""
    left = comm.rank - 1 if comm.rank else MPI.PROC_NULL
    right = comm.rank + 1 if comm.rank + 1 < comm.size else MPI.PROC_NULL
    comm.Sendrecv(rod[1:2], left, recvbuf=rod[-1:], source=right)
    comm.Sendrecv(rod[-2:-1], right, recvbuf=rod[:1], source=left)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
