"""MPI programs as tasks of a campaign, against the same programs started from a shell.

    python benchmarks/performance/launches.py [--sizes 2 3] [--points 5] [--rounds 5]

Each round takes the sizes in turn: a campaign whose points are MPI programs of that size
(``run: launch``), on as many workers; then the same commands by ``mpiexec``, one after the other.
The program starts MPI, sums a number over its ranks, prints the sum and ends. The time of a point
is that of its journal, from when the worker begins it until it has the result.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import table

from supervisor.core.errors import SupervisorError
from supervisor.core.mpiexec import allowing_root, find_mpiexec, options

PROGRAM = """
import json, sys
from mpi4py import MPI

total = MPI.COMM_WORLD.allreduce(float(sys.argv[1]))
if MPI.COMM_WORLD.rank == 0:
    print(json.dumps({"y": total}))
"""

WORKFLOW = """
name: launches
objective: {{shell: "{python} program.py ${{x}}", minimize: y}}
space:
  x: {{ordered: {points}}}
optimizer: {{kind: grid}}
task: {{run: launch, size: {size}, timeout_s: {limit_s}}}
"""

LIMIT_S = 120.0
NOT_WORKERS = 2  # ranks of a campaign: a client and a server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 3], help="ranks of programs")
    parser.add_argument("--points", type=int, default=5, help="of each campaign")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    for number in range(chosen.rounds):
        for size in chosen.sizes:
            print(f"round {number + 1} of {chosen.rounds}: {size} ranks", file=sys.stderr)
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "program.py").write_text(PROGRAM)
                inside = campaign(Path(folder), size, chosen.points)
                outside = [plain(Path(folder), size, x) for x in range(1, chosen.points + 1)]
            seconds.setdefault(task_of(size), []).extend(inside)
            seconds.setdefault(shell_of(size), []).extend(outside)
    print(f"Trivial MPI programs, {chosen.points} a round, rounds: {chosen.rounds}\n")
    print(report(seconds, chosen.sizes))


def campaign(folder: Path, size: int, points: int) -> list[float]:
    """Return the seconds of each point of a campaign, whose results are verified."""
    listed = list(range(1, points + 1))
    text = WORKFLOW.format(python=sys.executable, points=listed, size=size, limit_s=LIMIT_S)
    (folder / "workflow.yaml").write_text(text)
    command = [sys.executable, "-m", "supervisor", "run", "-n", str(size + NOT_WORKERS)]
    run([*command, "workflow.yaml", "--quiet"], folder, LIMIT_S * points)
    [results] = (folder / "experiments").glob("*/EXP000/results.csv")
    with results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(float(row["x"]), float(row["loss"])) for row in rows]
    assert found == [(x, float(size * x)) for x in listed], f"wrong results: {found}"
    return [float(row["seconds"]) for row in rows]


def plain(folder: Path, size: int, x: int) -> float:
    """Return the seconds of the same program, started from a shell."""
    mpiexec = find_mpiexec()
    if mpiexec is None:
        raise SupervisorError("there is no mpiexec")
    command = [mpiexec, "-n", str(size), *options(mpiexec), sys.executable, "program.py", str(x)]
    began_s = time.perf_counter()
    printed = run(command, folder, LIMIT_S)
    seconds = time.perf_counter() - began_s
    assert json.loads(printed) == {"y": float(size * x)}, f"wrong result: {printed}"
    return seconds


def run(command: list[str], folder: Path, limit_s: float) -> str:
    """Return what a command prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=allowing_root(os.environ),
        capture_output=True,
        text=True,
        timeout=limit_s,
    )
    if done.returncode:
        raise SupervisorError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def task_of(size: int) -> str:
    """Return what the table calls a task of this size."""
    return f"task, {size} ranks"


def shell_of(size: int) -> str:
    """Return what the table calls the same program without a campaign."""
    return f"mpiexec, {size} ranks"


def report(seconds: table.Samples, sizes: list[int]) -> str:
    """Return medians and ratios as a Markdown table; times are in milliseconds."""
    middle = table.medians(seconds)
    rows = []
    for size in sizes:
        for name in (task_of(size), shell_of(size)):
            each = seconds[name]
            figures = [table.number(one * 1e3) for one in (middle[name], min(each), max(each))]
            rows.append([name, *figures, table.ratio(middle[name], middle[shell_of(size)])])
    return table.markdown(["contender", "median, ms", "min", "max", "of mpiexec"], rows)


if __name__ == "__main__":
    main()
