"""Fibonacci numbers by recursive tasks, as the guides of Parsl and Dask show it: for ``fib.py``.

    python benchmarks/performance/fib_contenders.py NAME N

Each starts two workers, makes sure that they are there, and takes the time of fib(N). What is
printed, as a JSON object, is the number of calls of fib a second; calls of add do not count.
"""

from __future__ import annotations

import time
from typing import Any

from contender import WORKERS, Contender, dask_workers, parsl_workers, perform


def parsl(n: int) -> float:
    """Return the seconds of join apps, which return the future of what they put.

    Source:
        Parsl's guide, "Join Apps": its example is this one.
    """
    from parsl import join_app, python_app

    with parsl_workers() as label:

        @python_app(executors=[label])
        def add(*parts: int) -> int:
            return sum(parts)

        @join_app
        def fib(n: int) -> Any:
            return add(n) if n < 2 else add(fib(n - 1), fib(n - 2))

        add(1, 2).result()
        began = time.perf_counter()
        value = fib(n).result()
        seconds = time.perf_counter() - began
    check(value, n)
    return seconds


def fib_of_dask(n: int) -> int:
    """Return fib(n) by tasks that put tasks and leave their worker while they wait.

    Source:
        Dask's guide, "Launch Tasks from Tasks": its example is this one. There equal calls are
        made once; here, as by everybody else, all of them.
    """
    from distributed import get_client, rejoin, secede

    if n < 2:
        return n
    client = get_client()
    futures = [client.submit(fib_of_dask, n - i, pure=False) for i in (1, 2)]
    secede()
    values = client.gather(futures)
    rejoin()
    return sum(values)


def dask(n: int) -> float:
    """Return the seconds of tasks that wait for tasks."""
    with dask_workers() as client:
        client.gather(client.map(abs, range(WORKERS), pure=False))
        began = time.perf_counter()
        value = client.submit(fib_of_dask, n, pure=False).result()
        seconds = time.perf_counter() - began
    check(value, n)
    return seconds


def fibonacci(n: int) -> int:
    first, second = 0, 1
    for _ in range(n):
        first, second = second, first + second
    return first


def check(value: int, n: int) -> None:
    """Raise AssertionError unless the value is fib(n)."""
    assert value == fibonacci(n), f"fib({n}) is {fibonacci(n)}, not {value}"


def calls(n: int) -> int:
    """Return how many calls of fib make fib(n)."""
    return 2 * fibonacci(n + 1) - 1


CONTENDERS = {
    "Parsl, fib(12)": Contender("parsl", 12, parsl),
    "Dask, fib(12)": Contender("distributed", 12, dask),
}


if __name__ == "__main__":
    perform(CONTENDERS, __doc__.splitlines()[0], calls)
