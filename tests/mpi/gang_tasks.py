"""Tasks of gangs on real ranks, as executors run them; run by test_communicator.py.

mpiexec -n 4 python tests/mpi/gang_tasks.py FOLDER [NAME ...]
"""

import sys
import time
import traceback
from pathlib import Path

import msgspec
from gang_world import EVERYBODY, ME, SIZE, WORLD, run_behaviours
from mpi4py import MPI

from supervisor.balancer.communicator import form
from supervisor.core.calls import Callee
from supervisor.core.executor import Seat
from supervisor.core.objective import Evaluation, Objective, Program, decode_metrics
from supervisor.core.task import Gang, Task
from supervisor.executors import build

MODEL = """
import time
import numpy as np

def run(params, task):
    comm = task.comm
    rank = comm.Get_rank()
    task.report(0, {"loss": rank})
    if params["do"] == "fail" and rank == 1:
        raise ValueError("no luck")
    if params["do"] == "loop" and rank == 1:
        while True:
            time.sleep(0.01)
    if params["do"] == "stubborn" and rank == 1:
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                if params.setdefault("times", 0):
                    raise
                params["times"] = 1
    if params["do"] == "receive":
        comm.Recv(np.empty(3))
    if params["do"] == "return" and rank == 1:
        return
    if params["do"] == "directory":
        (task.dir / f"of-{rank}.txt").write_text(str(task.seed))
        comm.Barrier()
    total = comm.allreduce(rank)
    return {"loss": total} if rank == 0 else "nothing that counts"
"""
ROOT = Path(sys.argv[1])
SEAT = Seat(ME, ranks=SIZE)
TEAM = tuple(EVERYBODY[::-1])
SUM = sum(range(SIZE))
PLACE = TEAM.index(ME)
numbers = iter(range(1, 1 << 20))
OBJECTIVE = Objective(
    run="group",
    python="gang_model:run",
    metric="loss",
    source_dir=str(ROOT),
    experiment_dir=str(ROOT / "EXP"),
)


def form_gang(ranks, number):
    return form(WORLD, ranks, number)


def finish(executor, payload, team, timeout_s):
    number = next(numbers)
    gang = Gang(len(team), number=number, team=team)
    executor.start(Task(number, payload, gang=gang, timeout_s=timeout_s))
    return executor.poll()


def evaluate(do, timeout_s=None):
    evaluation = Evaluation(3, f"RUN-{do}", {"do": do}, seed=11, attempt=1)
    return finish(GROUP, msgspec.msgpack.encode(evaluation), TEAM, timeout_s)


def computes():
    result = evaluate("compute")
    assert result.failure is None, result.failure
    assert (result.value and decode_metrics(result.value)) == (
        {"loss": SUM} if PLACE == 0 else b""
    )


def a_point_has_one_value():
    GROUP.reports()
    computes()
    assert [report.step for report in GROUP.reports()] == ([0] if PLACE == 0 else [])


def the_first_member_writes_the_directory():
    assert evaluate("directory").failure is None
    found = {path.name: path.read_text() for path in (ROOT / "EXP/runs/RUN-directory").iterdir()}
    if PLACE == 0:
        assert found.pop("result.json") == f'{{"loss": {SUM}.0}}\n'
    found.pop("result.json", None)
    assert found.pop("params.json") == '{"do": "directory"}\n'
    assert found == {f"of-{place}.txt": "11" for place in range(SIZE)}


def the_failing_member_tells_why():
    failure = evaluate("fail").failure
    if PLACE == 1:
        assert failure.kind == "raised"
        assert failure.message == f"rank 1 of {SIZE} (world rank {ME}): ValueError: no luck"
    else:
        assert failure.kind == "member"
        assert f"rank 1 of {SIZE} (world rank {TEAM[1]})" in failure.message
    computes()


def a_member_that_returns_too_early_is_told():
    failure = evaluate("return").failure
    assert failure.kind == "raised"
    assert f"rank 1 of {SIZE} (world rank {TEAM[1]}) returned while" in failure.message
    computes()


def limits(do):
    start_s = time.monotonic()
    failure = evaluate(do, timeout_s=0.5).failure
    assert 0.4 < time.monotonic() - start_s < 4
    assert failure.kind in {"timeout", "member"}, failure
    computes()
    return failure


def a_time_limit_ends_a_loop():
    failure = limits("loop")
    if PLACE == 1:
        assert failure.message.endswith("reached its time limit of 0.5 s and was killed")


def a_time_limit_comes_again():
    failure = limits("stubborn")
    assert (failure.kind == "timeout") >= (PLACE == 1)


def a_time_limit_ends_a_receive():
    limits("receive")


def total(x, *, comm):
    """Add up what the members have, in a call of an app."""
    if x < 0 and comm.rank == 1:
        raise ValueError("negative")
    whole = comm.allreduce(x * comm.rank)
    return whole if comm.rank == 0 else lambda: "cannot be pickled"


def apps_are_given_the_communicator():
    executor = build(Program(str(ROOT)), SEAT, form_gang)
    for x in (2, -1, 3):
        payload = Callee(total).task(0, x).payload
        result = finish(executor, payload, TEAM, None)
        if x > 0:
            assert result.failure is None, result.failure
            assert (result.value == b"") == (PLACE > 0)
        elif PLACE == 1:
            name = f"rank 1 of {SIZE} (world rank {ME})"
            assert result.failure.message == f"{name}: ValueError: negative", result.failure
        else:
            assert result.failure.kind == "member"


if __name__ == "__main__":
    try:
        (ROOT / "gang_model.py").write_text(MODEL)
        MPI.COMM_WORLD.Barrier()
        GROUP = build(OBJECTIVE, SEAT, form_gang)
        run_behaviours(dict(vars()), sys.argv[2:])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        MPI.COMM_WORLD.Abort(1)
