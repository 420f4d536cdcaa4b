"""The peers, each with two workers on this machine: what ``peers.py`` runs, one a process.

    python benchmarks/performance/contenders.py NAME TASKS
    mpiexec -n 3 python benchmarks/performance/contenders.py NAME TASKS     # of mpi4py.futures

A contender starts its workers, makes sure that they are there, and then takes the time from the
first of ``TASKS`` no-op tasks to the last result; start and end do not count. All results are
verified. The rate is printed as a JSON object.
"""

from __future__ import annotations

import time
from typing import Any

from contender import WORKERS, Contender, dask_workers, parsl_workers, perform
from noop import check, nothing


def parsl(tasks: int) -> float:
    """Return the seconds that Parsl's HighThroughputExecutor takes, with its local provider."""
    import parsl

    app = parsl.python_app(nothing)
    with parsl_workers():
        check([app(0).result(), app(1).result()], 2)
        began = time.perf_counter()
        values = [future.result() for future in [app(i) for i in range(tasks)]]
        seconds = time.perf_counter() - began
    check(values, tasks)
    return seconds


def dask(tasks: int) -> float:
    """Return the seconds that Dask takes, with worker processes of one thread each."""
    with dask_workers() as client:
        check(client.gather(client.map(nothing, range(WORKERS), pure=False)), WORKERS)
        began = time.perf_counter()
        values = client.gather(client.map(nothing, range(tasks), pure=False))
        seconds = time.perf_counter() - began
    check(values, tasks)
    return seconds


def libensemble(tasks: int) -> float:
    """Return the seconds between the first and the last simulation of libEnsemble.

    One call of the generator makes all points, so that nobody waits for a second one; the manager
    gives them out by its fast allocation function.
    """
    import numpy as np
    from libensemble.alloc_funcs.fast_alloc import give_sim_work_first
    from libensemble.libE import libE

    history, _, flag = libE(
        sim_specs={"sim_f": simulate, "in": ["x"], "out": [("f", float)]},
        gen_specs={"gen_f": generate, "out": [("x", float)], "user": {"points": tasks}},
        exit_criteria={"sim_max": tasks},
        persis_info={"next_to_give": 0, "total_gen_calls": 0},
        alloc_specs={"alloc_f": give_sim_work_first, "user": {"num_active_gens": 1}},
        libE_specs={
            "comms": "local",
            "nworkers": WORKERS,
            "disable_log_files": True,
            "disable_resource_manager": True,
            "save_H_and_persis_on_abort": False,
        },
    )
    assert flag == 0, f"libEnsemble ended with flag {flag}"
    done = history[history["sim_ended"]]
    check(done["f"].astype(int).tolist(), tasks)
    return float(np.max(done["sim_ended_time"]) - np.min(done["sim_started_time"]))


def generate(_: Any, persis_info: Any, gen_specs: dict[str, Any]) -> tuple[Any, Any]:
    """Generate all points."""
    import numpy as np

    points = np.zeros(gen_specs["user"]["points"], dtype=gen_specs["out"])
    points["x"] = np.arange(len(points))
    return points, persis_info


def simulate(points: Any, persis_info: Any, sim_specs: dict[str, Any]) -> tuple[Any, Any]:
    """Do nothing with each point."""
    import numpy as np

    values = np.zeros(len(points), dtype=sim_specs["out"])
    values["f"] = points["x"]
    return values, persis_info


def futures(tasks: int, chunksize: int) -> float:
    """Return the seconds that mpi4py.futures takes; rank 0 maps, the other ranks work."""
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor

    seconds = 0.0
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is not None:
            check(executor.map(nothing, range(WORKERS)), WORKERS)
            began = time.perf_counter()
            values = list(executor.map(nothing, range(tasks), chunksize=chunksize))
            seconds = time.perf_counter() - began
            check(values, tasks)
    return seconds


CONTENDERS: dict[str, Contender] = {
    "mpi4py.futures, chunksize 64": Contender(
        "mpi4py", 100_000, lambda tasks: futures(tasks, 64), ranks=WORKERS + 1
    ),
    "mpi4py.futures, chunksize 1": Contender(
        "mpi4py", 5_000, lambda tasks: futures(tasks, 1), ranks=WORKERS + 1
    ),
    "libEnsemble": Contender("libensemble", 3_000, libensemble),
    "Parsl": Contender("parsl", 2_000, parsl),
    "Dask": Contender("distributed", 2_000, dask),
}


if __name__ == "__main__":
    perform(CONTENDERS, __doc__.splitlines()[0])
