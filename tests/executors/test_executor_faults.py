"""What models do wrong; the executor goes on and nothing is left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from supervisor.core.executor import Seat
from supervisor.core.objective import Objective
from supervisor.executors import build
from tests.contracts.executor import evaluate, metrics

MODEL = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path

def family(tell):
    # A child, a grandchild whose parent dies at once, and one that leaves the session.
    pids = [os.getpid()]
    for leave in (False, True):
        read, write = os.pipe()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if leave:
                os.setsid()
                if os.fork():
                    os._exit(0)
            os.write(write, str(os.getpid()).encode())
            while True:
                time.sleep(60)
        pids.append(int(os.read(read, 20)))
    Path(tell).write_text(" ".join(map(str, pids)))

def run(params):
    match params["do"]:
        case "ok":
            return 1.0
        case "print later":
            subprocess.Popen("sleep 0.2; echo late", shell=True)
            return 1.0
        case "segfault":
            print("before the end")
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            sys.stdout.flush()
            os._exit(params["code"])
        case "family":
            family(params["tell"])
            time.sleep(60)
        case "family, then die":
            family(params["tell"])
            os._exit(4)
        case "flood":
            for _ in range(100):
                sys.stdout.write("x" * 1_000_000)
        case "garbage":
            os.write(1, bytes(range(256)))
            raise RuntimeError("after garbage")
        case "hold the interpreter":
            ctypes.PyDLL(None).sleep(60)
        case "close everything":
            os.closerange(3, 100)
            return 1.0
        case "scribble":
            for fd in range(3, 20):
                try:
                    os.write(fd, b"\\1\\0\\0\\0?")
                except OSError:
                    pass
            return 1.0
        case "recurse":
            return run(params)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
"""


@pytest.fixture
def objective(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    return Objective(
        run="process",
        python="model:run",
        metric="loss",
        source_dir=str(tmp_path),
        experiment_dir=str(tmp_path / "EXP"),
        output_limit_mb=64,
    )


@pytest.fixture
def executor(objective):
    executor = build(objective, Seat(0))
    yield executor
    executor.close()


def assert_gone(tell: Path) -> None:
    pids = [int(text) for text in tell.read_text().split()]
    assert len(pids) == 3
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"do": "segfault"}, "signal", "killed by signal 11 (SIGSEGV)"),
        ({"do": "kill"}, "signal", "killed by signal 9 (SIGKILL), perhaps out of memory"),
        ({"do": "exit", "code": 3}, "exited", "exited with code 3"),
        ({"do": "exit", "code": 0}, "exited", "exited with code 0 before it returned a result"),
        ({"do": "garbage"}, "raised", "RuntimeError: after garbage"),
        ({"do": "scribble"}, "exited", "broke its connection to the worker"),
        ({"do": "close everything"}, "exited", "exited with code 1"),
    ],
)
def test_a_crash_is_a_failure_and_the_next_task_runs(executor, values, kind, message):
    failure = evaluate(executor, 0, values).failure
    assert (failure.kind, failure.message) == (kind, message)
    assert metrics(evaluate(executor, 1, {"do": "ok"})) == {"loss": 1.0}


def test_a_segmentation_fault_shows_where(executor):
    details = evaluate(executor, 0, {"do": "segfault"}).failure.details
    assert "before the end" in details
    assert "Segmentation fault" in details
    assert "model.py" in details


def test_endless_recursion_is_a_short_failure(executor):
    failure = evaluate(executor, 0, {"do": "recurse"}).failure
    assert failure.message.startswith("RecursionError")
    assert len(failure.details) < 20_000


def test_a_time_limit_kills_the_whole_family(executor, tmp_path):
    tell = tmp_path / "pids"
    result = evaluate(executor, 0, {"do": "family", "tell": str(tell)}, timeout_s=1)
    assert result.failure.kind == "timeout"
    assert 2.5 < result.end_s - result.start_s < 8  # one second, and two of grace
    assert_gone(tell)


def test_a_crash_takes_the_family_along(executor, tmp_path):
    tell = tmp_path / "pids"
    failure = evaluate(executor, 0, {"do": "family, then die", "tell": str(tell)}).failure
    assert failure.message == "exited with code 4"
    assert_gone(tell)


def test_a_model_that_never_lets_go_of_the_interpreter_is_killed(executor):
    failure = evaluate(executor, 0, {"do": "hold the interpreter"}, timeout_s=0.5).failure
    assert failure.kind == "timeout"


def test_a_model_that_ignores_sigterm_is_killed(executor):
    failure = evaluate(executor, 0, {"do": "deaf"}, timeout_s=0.5).failure
    assert failure.kind == "timeout"


def test_a_child_that_dies_between_tasks_costs_nothing(executor):
    evaluate(executor, 0, {"do": "ok"})
    for process in psutil.Process().children(recursive=True):
        process.kill()
    wait_for(lambda: executor.poll() is None and executor.filenos() == [])
    assert metrics(evaluate(executor, 1, {"do": "ok"})) == {"loss": 1.0}


def test_late_output_does_not_keep_an_idle_worker_busy(executor, tmp_path):
    evaluate(executor, 0, {"do": "print later"})
    select.select(executor.filenos(), [], [], 5)
    assert executor.poll() is None
    assert select.select(executor.filenos(), [], [], 0.1)[0] == []
    evaluate(executor, 1, {"do": "ok"})
    assert not (tmp_path / "EXP/runs").exists()


def test_too_much_output_is_a_failure(executor, tmp_path):
    failure = evaluate(executor, 0, {"do": "flood"}).failure
    assert failure.kind == "output"
    assert failure.message == (
        "wrote more than 64 MB of output and was killed; see task.output_limit_mb"
    )
    assert len(failure.details) < 5_000
    assert (tmp_path / "EXP/runs/RUN000000/log.txt").stat().st_size < 66_000_000
    assert metrics(evaluate(executor, 1, {"do": "ok"})) == {"loss": 1.0}


def test_garbage_is_kept_as_it_is(executor, tmp_path):
    failure = evaluate(executor, 0, {"do": "garbage"}).failure
    assert "\ufffd" in failure.details
    assert (tmp_path / "EXP/runs/RUN000000/log.txt").read_bytes() == bytes(range(256))


WORKER = """
import sys, time
sys.path[:0] = [{root!r}]
import msgspec
from supervisor.core.objective import Objective
from supervisor.core.executor import Seat
from supervisor.executors import build
from tests.contracts.executor import task

objective = msgspec.msgpack.decode({objective!r}, type=Objective)
executor = build(objective, Seat(0))
executor.start(task(0, {{"do": {do!r}, "tell": {tell!r}}}))
while True:
    executor.poll()
    time.sleep(0.01)
"""


def test_nothing_outlives_a_worker_that_is_killed(objective, tmp_path):
    tell = tmp_path / "pids"
    script = WORKER.format(
        root=str(Path.cwd()),
        objective=msgspec.msgpack.encode(objective),
        do="family",
        tell=str(tell),
    )
    with subprocess.Popen([sys.executable, "-c", script]) as worker:
        wait_for(tell.exists)
        wait_for(lambda: len(tell.read_text().split()) == 3)
        tree = psutil.Process(worker.pid).children(recursive=True)
        assert len(tree) == 5  # the guard, the model, its child, its middle one, its orphan
        os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: not any(process.is_running() for process in tree))
    assert_gone(tell)


def wait_for(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
