"""Python workflows that end in one way or another; run by test_scripts.py."""

from __future__ import annotations

import os
import time
from pathlib import Path

from supervisor import Array, app, as_completed, gather, wait, when


@app
def add(*parts):
    return sum(parts)


@app
def fail(text):
    raise ValueError(text)


@app
def nap(seconds):
    time.sleep(seconds)


@app
def leave(name):
    """Leave a file, after a while."""
    time.sleep(0.05)
    Path(name).touch()


@app(kind="gpu")
def where():
    return os.environ["PMI_RANK"]


@app
def asks_for_a_kind(kind):
    return add.using(kind=kind)(1)


@app
def waits():
    return add(1).result()


@app
def maps():
    return list(add.map(range(3)))


@app
def waits_for_some():
    return [one.result() for one in as_completed([add(1)])]


def nothing_fails(n):
    print("sum", gather(sum, [add(i) for i in range(n)]).result())


def futures_are_dropped(n):
    """Put calls and forget them: they are made nevertheless."""
    for i in range(n):
        leave(f"left-{i}")


def main_raises(n):
    nap(0.1)
    raise RuntimeError("main itself is wrong")


def a_chain_fails(n):
    x = fail("the root")
    for _ in range(3):
        x = add(x, 1)
    x.result()


def failures_are_unheard(n):
    for i in range(n):
        fail(f"number {i}")
    gather([add(fail("needed"), 1)])
    print("main is through")


def failures_are_heard(n):
    calls = [fail(i) for i in range(n)]
    print("heard", sum(call.exception() is not None for call in calls))


def a_kind_is_missing(n):
    add.using(kind="gpo")(1)


def a_kind_is_missing_on_a_worker(n):
    asks_for_a_kind("gpo").result()


def a_kind_has_workers(n):
    print("ranks", set(gather([where() for _ in range(20)]).result()))


def apps_wait(n):
    for one in (waits(), maps(), waits_for_some()):
        print(one.exception())


@app
def spread(n):
    return [spread(n - 1), spread(n - 1)] if n else nap(0.02)


def apps_have_made_many_calls(n):
    """Leave about 5 s of work to 2 workers, put by apps."""
    print("begun", flush=True)
    spread(9).result()


def calls_are_made_for_ever(n):
    print("begun", flush=True)
    while True:
        calls = [add(i) for i in range(200)]
        gather(calls).result()
        list(add.map(range(1000)))
        wait([nap(0.01)])


@app
def outer(x):
    return add(x, 1)


def calls_of_calls(n):
    print("value", outer(n).result())


def an_array_waits_for_itself(n):
    array = Array("x")
    array[0] = when(array[0], add, None, 1)
    print(array[0].result())


def a_member_is_written_twice(n):
    array = Array("x")
    for _ in range(2):
        array["k"] = add(1)


def main(what: str, n: int = 3):
    globals()[what](n)
