"""The pump and its waits."""

import os
import time

import pytest

from supervisor.balancer.client import Client
from supervisor.balancer.layout import split
from supervisor.balancer.messages import Drain, Ended
from supervisor.balancer.pump import Backoff, Pump
from supervisor.balancer.server import Server
from supervisor.balancer.simulate import VirtualExecutor
from supervisor.balancer.wire import LoopbackWire
from supervisor.balancer.worker import Worker
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Task


def test_one_process_plays_all_roles():
    layout, log = split(1), []
    client = Client(layout)
    client.put(Task(i, b"") for i in range(1000))
    client.drain()
    executor = VirtualExecutor(0, time.monotonic, lambda task_id: 0.0, log)
    worker = Worker(0, layout, executor)
    Pump(LoopbackWire(), client=client, worker=worker, server=Server(0, layout)).run()
    assert sorted(result.id for result in client.take_results()) == list(range(1000))
    assert client.outstanding == 0


def test_a_wait_ends_when_a_descriptor_becomes_readable():
    read, write = os.pipe()
    backoff = Backoff()
    backoff._idle_since_s = time.perf_counter() - 3600
    os.write(write, b"x")
    began = time.perf_counter()
    for _ in range(100):
        backoff.wait([read])
    assert time.perf_counter() - began < 100 * Backoff.LONGEST_S / 2
    os.close(read)
    os.close(write)


def test_a_wait_is_a_fraction_of_the_time_spent_idle(monkeypatch):
    slept, now = [], [0.0]

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(os, "sched_yield", lambda: now.__setitem__(0, now[0] + 1e-5))
    backoff = Backoff()
    while now[0] < 1.0:
        backoff.wait(())
    assert slept[0] >= Backoff.YIELDING_S * Backoff.FRACTION
    assert slept == sorted(slept)
    assert max(slept) == Backoff.LONGEST_S
    backoff.reset()
    backoff.wait(())
    assert slept[-1] == Backoff.LONGEST_S, "after work it yields again, and does not sleep"


def test_roles_refuse_what_is_not_for_them():
    layout = split(3)
    with pytest.raises(ProtocolError, match="not for it"):
        Client(layout).handle(Drain(), 2, 0.0)
    worker = Worker(1, layout, VirtualExecutor(1, time.monotonic, lambda task_id: 0.0, []))
    with pytest.raises(ProtocolError, match="not for it"):
        worker.handle(Ended(), 2, 0.0)
