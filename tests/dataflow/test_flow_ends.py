"""How flows in one process end, and what is left over: cancelled calls, exceptions, memory."""

import gc
import sys
import time
import tracemalloc

import numpy
import pytest

import supervisor
from supervisor import app, cancel, gather
from supervisor.balancer import server
from supervisor.core.errors import SupervisorError
from tests.launching import finish, start


@app
def same(x):
    return x


@app
def add(a, b=0):
    return a + b


@app
def fib(n):
    return n if n < 2 else add(fib(n - 1), fib(n - 2))


@app
def fail(text):
    raise ValueError(f"wrong: {text}")


@app
def nap(seconds):
    time.sleep(seconds)


@app
def array(n):
    return numpy.ones(n)


made: list[int] = []


@app
def make(x):
    made.append(x)


@pytest.fixture
def flow():
    with supervisor.flow() as flow:
        yield flow


@pytest.fixture
def servers(monkeypatch):
    """Return the servers that the flow of the test makes, which is to be opened afterwards."""
    made = []

    class Noted(server.Server):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(server, "Server", Noted)
    return made


def stored(servers):
    """Return the number of data that the servers still hold."""
    return sum(len(one.flow._shard) for one in servers)


# --- ending --------------------------------------------------------------------------------


def test_a_cancelled_call_fails_and_so_does_what_needs_it(flow):
    first = nap(0.01)
    second = add(first, 1)
    second.cancel()
    assert "cancel" in str(second.exception()) or "withdrawn" in str(second.exception())
    calls = [nap(0.01) for _ in range(20)]
    needs = gather(calls)
    cancel(calls)
    assert sum(one.exception() is not None for one in calls) > 10
    assert needs.exception() is not None
    same(1).cancel()
    assert same(2).result() == 2


def test_an_exception_in_the_block_ends_what_is_queued():
    made.clear()
    with pytest.raises(KeyError), supervisor.flow():
        for _ in range(100):
            make(nap(0.005))
        raise KeyError("mine")
    assert len(made) < 100


CTRL_C = """
import os, signal, time, supervisor

@supervisor.app
def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

with supervisor.flow():
    interrupted().result()
"""


def test_ctrl_c_while_a_call_runs_ends_the_block(tmp_path):
    (tmp_path / "block.py").write_text(CTRL_C)
    done = finish(start([sys.executable, "block.py"], tmp_path), limit_s=20)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith(("KeyboardInterrupt", "supervisor.core.errors"))


def test_after_the_block_apps_cannot_be_called():
    with supervisor.flow():
        assert same(1).result() == 1
    with pytest.raises(SupervisorError, match="outside of a run"):
        same(1)


def test_flows_follow_each_other():
    for _ in range(3):
        with supervisor.flow() as flow:
            assert fib(7).result() == 13
        assert flow.unheard == []


# --- memory --------------------------------------------------------------------------------


def test_the_store_keeps_what_there_are_futures_of_and_nothing_else(servers):
    with supervisor.flow():
        assert fib(12).result() == 144
        futures = [add(same(i), array(3)) for i in range(100)]
        gather(futures).result()
        same(0).result()  # what is let go of goes along with the next call
        assert stored(servers) < 100 + 10
        del futures
        gc.collect()
        fail("x").exception()
        add(fail("x"), 1).exception()
        same(0).result()
        same(0).result()
        assert stored(servers) < 10
    assert stored(servers) == 0


def test_a_long_chain_of_large_values_takes_the_memory_of_the_workers_cache(servers):
    with supervisor.flow():
        tracemalloc.start()
        try:
            x = array(1_000_000)
            for _ in range(100):
                x = add(x, 1)
            assert x.result()[0] == 101
            del x
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 256e6 + 10 * 8e6, "of 800e6 that there were"
    assert stored(servers) == 0
