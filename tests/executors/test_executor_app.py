"""Calls of apps: inline in the worker, or isolated in a child of it."""

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from supervisor.core.calls import (
    ISOLATED,
    Callee,
    CallFailed,
    Written,
    encode_call,
    encode_function,
    values,
)
from supervisor.core.executor import Seat
from supervisor.core.objective import Program
from supervisor.core.operations import Create, Update
from supervisor.core.payload import Packed, pack, unpack
from supervisor.core.scope import Settings, current
from supervisor.core.task import Task
from supervisor.executors import build
from supervisor.executors.app import AppExecutor
from tests.contracts.executor import finish

SEAT = Seat(3, ranks=5, servers=2, home=1)


@pytest.fixture
def executor(tmp_path):
    executor = build(Program(str(tmp_path), output_limit_mb=8), SEAT)
    yield executor
    executor.close()


def task(function, *arguments, id=1, mark=ISOLATED, **fields):
    """Return a task that makes a call, isolated unless said otherwise."""
    payload, _ = encode_call(mark + encode_function(function), arguments)
    return Task(id, payload, **fields)


def run(executor, *call, **fields):
    executor.start(task(*call, **fields))
    return finish(executor)


def value(result):
    assert result.failure is None, result.failure
    [found] = values(result)
    return found


def where():
    return os.getpid(), str(Path.cwd())


def test_each_call_runs_where_it_says(executor, tmp_path):
    assert isinstance(executor, AppExecutor)
    inline, _ = value(run(executor, where, mark=b""))
    isolated, folder = value(run(executor, where))
    assert inline == os.getpid() != isolated
    assert folder == str(tmp_path)
    assert value(run(executor, where, mark=b""))[0] == inline
    assert value(run(executor, where))[0] == isolated, "the child lives as long as it behaves"


def test_inline_calls_start_no_child(executor):
    run(executor, where, mark=b"")
    assert executor.filenos() == []
    assert not [one for one in psutil.Process().children() if "child import main" in str(one)]


def test_results_say_who_and_when(executor):
    before = time.time()
    result = run(executor, where, id=77)
    assert (result.id, result.rank) == (77, 3)
    assert before <= result.start_s <= result.end_s <= time.time()


def test_large_values_go_there_and_back(executor):
    array = np.arange(1_000_000)
    payload, _ = encode_call(ISOLATED + encode_function(lambda x: x * 2), (array,))
    assert len(payload) > array.nbytes
    executor.start(Task(1, payload))
    result = finish(executor)
    assert isinstance(result.value, Packed)
    np.testing.assert_array_equal(unpack(result.value), array * 2)


def test_large_inputs_go_there(executor):
    array = np.arange(1_000_000)
    plain = Callee(lambda x, given: float(given.sum()) + x)
    plain.encoded = ISOLATED + plain.encoded
    one = plain.task(1, 1, inputs=((7, None),), values=(pack(array),))
    executor.start(one)
    assert value(finish(executor)) == array.sum() + 1


def test_calls_of_a_bulk_fail_alone(executor):
    bulk = Callee(lambda x: 1 // x).bulk(5, [1, 0, -1])
    payload = ISOLATED + bulk.payload
    executor.start(Task(5, payload, bulk.parts))
    first, refused, last = unpack(finish(executor).value)
    assert (first, last) == (1, -1)
    assert isinstance(refused, CallFailed)
    assert "ZeroDivisionError" in refused.text


def nest(times):
    for _ in range(times):
        current().call(encode_function(where), ((), {}), Settings(), "nested")
    return Written(times, Update(99, "incr", 1))


def test_nested_calls_come_along_with_ids_that_nobody_else_makes(executor):
    ids = []
    for mark in (ISOLATED, b"", ISOLATED, ISOLATED, b""):
        result = run(executor, nest, 3, mark=mark)
        assert value(result) == 3
        assert len(result.tasks) == 3
        assert result.operations[0] == Update(99, "incr", 1) or isinstance(
            result.operations[0], Create
        )
        ids += [one.output for one in result.tasks]
    run(executor, os._exit, 3)
    ids += [one.output for one in run(executor, nest, 3).tasks]
    assert len(set(ids)) == 18


def test_a_future_that_is_returned_is_forwarded(executor):
    def forward():
        return current().call(encode_function(where), ((), {}), Settings(), "nested")

    result = run(executor, forward, output=50)
    assert result.forwarded
    assert [one.output for one in result.tasks] == [50]


def interrupt():
    raise KeyboardInterrupt("by itself")


def segfault():
    import ctypes

    print("before the end")
    ctypes.string_at(0)


def flood():
    for _ in range(100):
        os.write(1, b"x" * 1_000_000)


def scribble():
    for fd in range(3, 20):
        try:
            os.write(fd, b"hello")
        except OSError:
            continue


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ((os._exit, 3), "exited", "exited with code 3"),
        ((os._exit, 0), "exited", "exited with code 0 before it returned a result"),
        ((segfault,), "signal", "killed by signal 11 (SIGSEGV)"),
        ((os.abort,), "signal", "killed by signal 6 (SIGABRT)"),
        ((time.sleep, 60), "timeout", "reached its time limit of 1 s and was killed"),
        ((flood,), "output", "wrote more than 8 MB of output and was killed"),
        ((scribble,), "exited", "broke its connection to the worker"),
        ((os.closerange, 3, 100), "exited", "exited with code 1"),
        ((int, "x"), "raised", "ValueError: invalid literal for int() with base 10: 'x'"),
        ((interrupt,), "raised", "KeyboardInterrupt: by itself"),
    ],
)
def test_a_crash_is_a_failure_and_the_next_call_runs(executor, call, kind, message):
    failure = run(executor, *call, timeout_s=1 if kind == "timeout" else None).failure
    assert (failure.kind, failure.message) == (kind, message)
    assert value(run(executor, abs, -4)) == 4


def test_a_failure_holds_the_end_of_the_output_and_the_place(executor):
    details = run(executor, segfault).failure.details
    assert "The end of its output:\nbefore the end" in details
    assert "Segmentation fault" in details
    assert "in segfault" in details


def family(tell):
    pids = []
    for _ in range(2):
        if (pid := os.fork()) == 0:
            os.setsid()
            time.sleep(60)
        pids.append(pid)
    tell.write_text(" ".join(map(str, pids)))
    time.sleep(60)


@pytest.mark.parametrize("end", ["timeout", "cancel"])
def test_the_end_of_a_call_is_that_of_its_family(executor, tmp_path, end):
    tell = tmp_path / "pids"
    executor.start(task(family, tell, timeout_s=2 if end == "timeout" else None))
    while not (tell.exists() and tell.read_text()):
        assert executor.poll() is None
    if end == "cancel":
        executor.cancel()
    failure = finish(executor).failure
    assert failure.kind == {"timeout": "timeout", "cancel": "cancelled"}[end]
    assert not any(psutil.pid_exists(int(pid)) for pid in tell.read_text().split())
    assert value(run(executor, abs, -4)) == 4


def test_what_a_call_prints_is_passed_on_by_lines(executor, capsys):
    assert value(run(executor, os.system, "echo one; printf two; echo three >&2")) == 0
    assert capsys.readouterr().out == "one\ntwothree\n"


def test_every_call_finds_the_same_state(executor, tmp_path):
    value(run(executor, os.chdir, "/"))
    assert value(run(executor, where))[1] == str(tmp_path)


def test_a_child_that_dies_between_calls_costs_nothing(executor):
    pid, _ = value(run(executor, where))
    psutil.Process(pid).kill()
    end = time.monotonic() + 20
    while executor.filenos():
        executor.poll()
        assert time.monotonic() < end
    assert value(run(executor, abs, -4)) == 4


def test_a_child_that_cannot_be_started_is_a_failure(tmp_path):
    executor = build(Program(str(tmp_path / "nothing")), SEAT)
    failure = run(executor, abs, -4).failure
    assert failure.kind == "exited"
    assert failure.message.startswith("its process could not be started: ")
    executor.close()


def test_close_ends_a_call_in_progress_and_may_be_called_again(executor):
    executor.start(task(time.sleep, 60))
    before = time.monotonic()
    executor.close()
    executor.close()
    assert time.monotonic() - before < 10
