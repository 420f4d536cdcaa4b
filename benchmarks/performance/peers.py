"""No-op tasks a second: the balancer against its peers, in interleaved rounds.

    python benchmarks/performance/peers.py [--rounds 5] [--tasks 200000] [--plot FILE.png]

Each round runs ``throughput.py`` on 4 ranks, then each peer with 2 workers, one after the other,
each in a process of its own. A peer that is not installed, fails, or is not done in time is left
out of the rounds that follow, with a line that says so. The table goes to standard output,
progress to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
import table
from contenders import CONTENDERS, WORKERS

HERE = Path(__file__).resolve().parent
OURS = "supervisor"
GRACE_S = 10.0


class Failed(Exception):
    """A contender gave no rate."""


def main() -> None:
    options = parse()
    launch = launcher(options.mpiexec)
    left_out = {name: why for name in CONTENDERS if (why := missing(name, launch))}
    if not launch:
        left_out[OURS] = "there is no mpiexec"
    rates: dict[str, list[float]] = {}
    for number in range(options.rounds):
        for name in (OURS, *CONTENDERS):
            if name in left_out:
                continue
            say(f"round {number + 1} of {options.rounds}: {name}")
            try:
                found = measure(command(name, launch, options.tasks), options.limit_s)
            except Failed as error:
                left_out[name] = str(error)
                continue
            for contender, each in found.items():
                rates.setdefault(label(contender, name), []).extend(each)
    report(rates, left_out, options.rounds)
    if options.plot and rates:
        title = f"No-op tasks with {WORKERS} workers, rounds: {options.rounds}"
        table.plot(rates, options.plot, title=title, unit="tasks/s", ours=OURS)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=200_000, help="of throughput.py")
    parser.add_argument("--limit-s", type=float, default=120.0, help="for one run of one of them")
    parser.add_argument("--mpiexec", default="", help="e.g. 'mpiexec --oversubscribe'")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    return parser.parse_args()


def launcher(wished: str) -> list[str]:
    """Return the command that starts ranks; of this Python's environment if there is one."""
    if wished:
        return shlex.split(wished)
    here = Path(sys.executable).with_name("mpiexec")
    found = str(here) if here.exists() else shutil.which("mpiexec")
    return [found] if found else []


def missing(name: str, launch: Sequence[str]) -> str:
    """Return why a peer cannot be run, or an empty string."""
    contender = CONTENDERS[name]
    if importlib.util.find_spec(contender.module) is None:
        return f"{contender.module} is not installed"
    return "there is no mpiexec" if contender.ranks and not launch else ""


def command(name: str, launch: Sequence[str], tasks: int) -> list[str]:
    """Return the command that measures a contender once."""
    if name == OURS:
        script = [sys.executable, str(HERE / "throughput.py")]
        return [*launch, "-n", "4", *script, "--json", "--rounds", "1", "--tasks", str(tasks)]
    contender = CONTENDERS[name]
    script = [sys.executable, str(HERE / "contenders.py"), name, str(contender.tasks)]
    return [*launch, "-n", str(contender.ranks), *script] if contender.ranks else script


def label(contender: str, run: str) -> str:
    """Return what a contender is called in the table.

    The pool that ``throughput.py`` runs has the four ranks that ours has, so three workers.
    """
    return (
        f"{contender}, 3 workers" if run == OURS and not contender.startswith(OURS) else contender
    )


def measure(command: Sequence[str], limit_s: float) -> dict[str, list[float]]:
    """Run a command in a folder of its own; return the JSON object that it prints last.

    Raises:
        Failed: If it takes too long, fails or prints none.
    """
    scripts = str(Path(sys.executable).parent)  # Parsl starts some by their names
    environment = dict(
        os.environ,
        PATH=os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        PYTHONPATH=os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
        OMP_NUM_THREADS="1",
    )
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True
        )
        try:
            output, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"not done after {limit_s:g} s") from error
        finally:
            end(process)
    if process.returncode != 0:
        lines = errors.strip().splitlines() or ["no error message"]
        raise Failed(f"exit code {process.returncode}: {lines[-1]}")
    found = [line for line in output.splitlines() if line.startswith("{")]
    if not found:
        raise Failed("it printed no rates")
    rates: dict[str, list[float]] = json.loads(found[-1])
    return rates


def end(process: subprocess.Popen[str]) -> None:
    """End a process that is not done, and whatever it started."""
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    _, left = psutil.wait_procs([psutil.Process(process.pid), *family], timeout=GRACE_S)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()


def report(rates: table.Samples, left_out: dict[str, str], rounds: int) -> None:
    """Print the table."""
    ours = {name: f"{name.split(', ', 1)[-1]} is" for name in rates if name.startswith(OURS)}
    print(f"No-op tasks/s with {WORKERS} workers, rounds: {rounds}\n")
    print(table.compare(rates, ours, unit="tasks/s"))
    for name, why in left_out.items():
        print(f"\n{name} was left out: {why}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
