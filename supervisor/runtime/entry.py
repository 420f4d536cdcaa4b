"""How a process becomes a rank: the main one runs the command line, the others serve.

Imported by every rank, so it imports little: no command line, no YAML, no optimizer.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping

import msgspec

from supervisor.balancer.wire import world_wire
from supervisor.core.errors import InputError, Interrupted
from supervisor.core.executor import Executor, Form, Seat
from supervisor.core.gang import Stuck
from supervisor.core.objective import Objective, Program
from supervisor.executors import build as build_objective
from supervisor.executors.devices import nvidia_devices, share
from supervisor.executors.environment import HOST
from supervisor.runtime.world import World, serve

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What launchers and schedulers send to all ranks when a run is to end; rank 0 acts on it."""


def build_executor(objective: bytes, seat: Seat, form: Form) -> Executor:
    """Return the executor that the objective, or a program, asks for; it has its accelerators."""
    os.environ.update(share(os.environ, nvidia_devices(), seat.slot, seat.slots))
    if seat.host:
        os.environ[HOST] = seat.host
    decoded = msgspec.msgpack.decode(objective, type=Objective | Program)
    return build_objective(decoded, seat, form)


def strangers(environment: Mapping[str, str]) -> str:
    """Return what to do if srun has started several processes that do not see each other."""
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "1")
    if tasks == "1" or any(name in environment for name in ("PMI_RANK", "PMIX_RANK")):
        return ""
    return (
        f"srun has started {tasks} processes that do not see each other, as it speaks another "
        "protocol than this MPI; for MPICH give srun --mpi=pmi2, for Open MPI --mpi=pmix"
    )


def run_as_rank(command_line: Callable[[World], int]) -> int:
    """Take this process's part in an MPI run; return its exit code.

    A rank that fails unexpectedly ends the whole run: the others would wait for it for ever.

    Args:
        command_line: What rank 0 does, given the world.
    """
    wire = world_wire()
    if wire.size == 1 and (problem := strangers(os.environ)):
        if os.environ.get("SLURM_PROCID") == "0":
            sys.stderr.write(f"supervisor: {problem}\n")
        return InputError.exit_code
    try:
        if wire.rank > 0:
            for number in FORWARDED:
                # A handler, because a signal that is ignored stays so in child processes.
                signal.signal(number, lambda *_: None)
            serve(wire, build_executor)
            return 0
        world = World(wire)
        code = command_line(world)
        world.dismiss()
        return code
    except Stuck as error:
        text = f"supervisor: rank {wire.rank}: {error}\nthe run ends; --resume goes on with it\n"
        sys.stderr.write(text)
        sys.stderr.flush()
        wire.abort(Interrupted.exit_code)
        raise
    except BaseException:
        text = traceback.format_exc()
        sys.stderr.write(f"supervisor: rank {wire.rank} failed; the run ends.\n{text}")
        sys.stderr.flush()
        wire.abort()
        raise
