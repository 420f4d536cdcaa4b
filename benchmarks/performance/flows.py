"""Python workflows of many small calls, timed: a recursion, a wavefront, a word count, a loop.

    mpiexec -n 4 supervisor run benchmarks/performance/flows.py [--only fib] [--as-json true]

Each result is verified. Besides the time it prints how much the resident memory of rank 0 grew at
most since ``main`` began.
"""

from __future__ import annotations

import itertools
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator

from supervisor import app, gather

WORDS_PER_PART = 1_000


@app
def add(*parts: int) -> int:
    return sum(parts)


@app
def fib(n: int) -> int:
    if n < 2:
        return n
    return add(fib(n - 1), fib(n - 2))  # type: ignore[return-value]  # a future stands for it


@app
def cell(left: int, upper: int, corner: int) -> int:
    return (left + upper + corner) % 1_000_003


@app
def count(part: list[str]) -> Counter[str]:
    return Counter(part)


def merge(counts: list[Counter[str]]) -> Counter[str]:
    return sum(counts, Counter())


@app
def nothing(_: int) -> None:
    pass


def recursion(n: int = 20) -> int:
    """Return the number of calls of fib(n), each of which makes two more and waits for data."""
    first, second = 0, 1
    for _ in range(n):
        first, second = second, first + second
    assert fib(n).result() == first
    return 2 * second - 1


def wavefront(size: int = 100) -> int:
    """Return the number of cells, each from its left, upper and upper-left neighbour."""
    cells = {}
    plain: dict[tuple[int, int], int] = {}
    for i, j in itertools.product(range(size), repeat=2):
        before = (i, j - 1), (i - 1, j), (i - 1, j - 1)
        if i and j:
            cells[i, j] = cell(*(cells[one] for one in before))
            plain[i, j] = cell.function(*(plain[one] for one in before))
        else:
            cells[i, j] = plain[i, j] = i + j
    assert cells[size - 1, size - 1].result() == plain[size - 1, size - 1]
    return size * size


def words(number: int = 100_000) -> int:
    """Return the number of words, counted in parts whose counts are merged by tens."""
    rng = random.Random(1)
    text = [f"word{int(rng.paretovariate(1)) % 5_000}" for _ in range(number)]
    parts = [text[i : i + WORDS_PER_PART] for i in range(0, number, WORDS_PER_PART)]
    counts = [count(part) for part in parts]
    while len(counts) > 1:
        counts = [gather(merge, counts[i : i + 10]) for i in range(0, len(counts), 10)]
    assert counts[0].result() == Counter(text)
    return number


def loop(number: int = 1_000_000) -> int:
    """Return the number of iterations of a foreach that does nothing."""
    assert nothing.foreach(range(number)) == number
    return number


RUNS: dict[str, tuple[Callable[[], int], str]] = {
    "fib": (recursion, "fib(20)"),
    "wavefront": (wavefront, "wavefront of 100 x 100 cells"),
    "words": (words, "words counted, 1,000 a call"),
    "foreach": (loop, "foreach over range(10**6)"),
}


def peak_mib() -> float:
    """Return the most resident memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(only: str) -> Iterator[tuple[str, int, float, float]]:
    """Yield what was run, how many there were of it, the seconds, and the growth in MiB."""
    for name, (run, _) in RUNS.items():
        if only in ("", name):
            before = peak_mib()
            began = time.perf_counter()
            number = run()
            yield name, number, time.perf_counter() - began, peak_mib() - before


def main(only: str = "", as_json: bool = False) -> None:
    add(1).result()  # the workers are there
    for name, number, seconds, mib in timed(only):
        if as_json:
            print(json.dumps({RUNS[name][1]: [number / seconds]}), flush=True)
        else:
            rate = f"{number / seconds:>9,.0f}/s, rank 0 grew by {mib:.0f} MiB"
            print(f"{RUNS[name][1]:<30} {number:>9,} in {seconds:6.2f} s, {rate}", flush=True)
