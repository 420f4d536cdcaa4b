"""Apps whose calls run in a child process, in flows of one process and of several."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import supervisor
from supervisor import AppFailed, app, gather
from supervisor.core.errors import InputError, UnknownName
from tests.launching import environment, run


@pytest.fixture(autouse=True)
def flow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with supervisor.flow() as flow:
        yield flow


@app(run="process")
def misbehave(how):
    match how:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(4)
        case "raise":
            print("about to fail")
            raise ValueError("no luck")
    return how


@app(run="process", timeout_s=3)  # the start of a process counts, on a machine that is busy
def sleep(seconds):
    time.sleep(seconds)
    return seconds


@app
def add(a, b):
    return a + b


@app(run="process")
def fib(n):
    return n if n < 2 else add(fib(n - 1), fib(n - 2))


@app(run="process")
def double(array):
    return array * 2


@app(run="process")
def pid(_=None):
    return os.getpid()


def test_calls_run_in_a_child_that_they_share():
    first, second = pid().result(), pid().result()
    assert first == second != os.getpid()


def test_one_app_runs_either_way():
    assert pid.using(run="inline")().result() == os.getpid()
    assert add.using(run="process", timeout_s=30)(1, 2).result() == 3


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("kill", "killed by signal 9 (SIGKILL), perhaps out of memory"),
        ("exit", "exited with code 4"),
        ("raise", "ValueError: no luck"),
    ],
)
def test_what_goes_wrong_is_told_with_the_call_and_the_worker_goes_on(how, text):
    with pytest.raises(AppFailed) as caught:
        misbehave(how).result()
    assert str(caught.value).startswith("misbehave (test_isolated.py:")
    assert f" failed: {text}" in str(caught.value)
    if how == "raise":
        assert "The end of its output:\nabout to fail" in str(caught.value)
    assert misbehave("well").result() == "well"


def test_a_time_limit_ends_a_call():
    with pytest.raises(AppFailed, match="reached its time limit of 3 s and was killed"):
        sleep(60).result()
    assert sleep(0).result() == 0


def test_a_call_that_is_cancelled_ends(flow):
    future = misbehave.using(timeout_s=60)("well")
    long = sleep.using(timeout_s=60)(60)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        flow.turn()
    long.cancel()
    assert "the run is ending" in str(long.exception()) or "withdrawn" in str(long.exception())
    assert future.result() == "well"


def test_isolated_calls_make_calls_and_return_futures():
    assert fib(7).result() == 13


@pytest.mark.parametrize("how", ["inline", "process"])
def test_apps_that_are_made_in_a_function_call_each_other(how):
    @app(run=how)
    def odd(n):
        return False if n == 0 else even(n - 1)

    @app(run=how)
    def even(n):
        return True if n == 0 else odd(n - 1)

    assert [even(n).result() for n in range(5)] == [True, False, True, False, True]


def test_large_arrays_are_arguments_and_values():
    array = np.arange(500_000)
    np.testing.assert_array_equal(double(double(array)).result(), array * 4)
    np.testing.assert_array_equal(double(supervisor.share(array)).result(), array * 2)


def test_of_a_map_only_the_call_that_crashes_fails():
    values = misbehave.map(["a", "b", "kill", "c"])
    assert [next(values), next(values)] == ["a", "b"]
    with pytest.raises(AppFailed, match=r"a call of misbehave\.map failed:\nkilled by signal 9"):
        next(values)
    with pytest.raises(AppFailed, match=r"misbehave\.foreach failed:\nexited with code 4"):
        misbehave.foreach(["a", "exit", "c"])


def test_each_call_of_a_map_has_the_whole_time_limit():
    assert list(sleep.map([0.5] * 8)) == [0.5] * 8


def test_gather_runs_an_app_as_it_is_to_be_run():
    @app(run="process")
    def total(values):
        return sum(values), os.getpid()

    value, where = gather(total, [add(1, 2), 3]).result()
    assert (value, where != os.getpid()) == (6, True)


def test_a_time_limit_needs_a_process_of_its_own():
    text = (
        r"^@app of f: timeout_s=3 cannot end a call in the worker's own process; "
        r"add run='process'$"
    )
    with pytest.raises(InputError, match=text):

        @app(timeout_s=3)
        def f():
            pass

    with pytest.raises(InputError, match="@app of add: timeout_s=3 cannot end"):
        add.using(timeout_s=3)


@pytest.mark.parametrize("limit_s", [0, -1, "3", True, float("nan")])
def test_a_time_limit_is_a_number_of_seconds(limit_s):
    with pytest.raises(InputError, match=r"@app of add: timeout_s=.* is no number of seconds"):
        add.using(run="process", timeout_s=limit_s)


def test_a_way_to_run_that_there_is_not():
    text = "@app of add: unknown way to run 'proces'. Did you mean 'process'"
    with pytest.raises(UnknownName, match=text):
        add.using(run="proces")
    with pytest.raises(UnknownName, match="@app: unknown setting 'prio'"):
        app(prio=3)


SCRIPT = """
import os, sys, time
from pathlib import Path
from supervisor import app

@app
def add(a, b): return a + b

@app(run="process")
def fib(n): return n if n < 2 else add(fib(n - 1), fib(n - 2))

@app(run="process", attempts=3)
def again(name):
    with open(name, "a") as file:
        file.write(f"{os.getppid()}\\n")
    if len(Path(name).read_text().split()) < 3:
        os._exit(7)
    return name

@app(run="process", timeout_s=1)
def sleep(): time.sleep(600)

def main():
    print("fib", fib(9).result())
    names = [again(f"try{i}") for i in range(3)]
    slow = sleep()
    print("again", [one.result() for one in names])
    print(slow.exception())
"""


def test_on_four_ranks_calls_are_isolated_and_tried_again_elsewhere(tmp_path):
    mpi = environment("mpich")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "script.py"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fib 34" in done.stdout
    assert "again ['try0', 'try1', 'try2']" in done.stdout
    assert "sleep (script.py:26) failed: reached its time limit of 1 s" in done.stdout


MAIN = """
import supervisor
from supervisor import app

@app(run="process")
def fact(n): return 1 if n < 2 else times(n, fact(n - 1))

@app
def times(a, b): return a * b

with supervisor.flow():
    print(fact(6).result())
"""


def test_apps_of_a_main_module_travel_by_value(tmp_path):
    (tmp_path / "script.py").write_text(MAIN)
    python = environment("mpich").bin / "python"
    done = run([str(python), "script.py"], tmp_path)
    assert (done.stdout, done.returncode) == ("720\n", 0), done.stderr


def test_a_private_directory_is_where_an_isolated_app_runs(tmp_path):
    @app(run="process", dir="private")
    def scratch(text):
        Path("made").write_text(text)
        if text == "bad":
            os._exit(9)
        return str(Path.cwd()), [one.name for one in Path.cwd().iterdir()]

    where, inside = scratch("good").result()
    assert where.startswith(f"{tmp_path}/.supervisor-tasks/scratch-")
    assert inside == ["made"]
    assert not list(tmp_path.iterdir())
    with pytest.raises(AppFailed) as caught:
        scratch("bad").result()
    [kept] = (tmp_path / ".supervisor-tasks").iterdir()
    assert f"exited with code 9\nIts directory is kept: {kept}" in str(caught.value)
    text = "@app of f: dir='private' changes the working directory; add run='process'"
    with pytest.raises(InputError, match=text):
        app(dir="private")(f)


def f():
    """Do nothing."""
