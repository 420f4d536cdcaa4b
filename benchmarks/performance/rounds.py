"""Interleaved rounds of contenders, each time in a process of its own.

Whoever is not installed, fails, or is not done in time is left out of the rounds that follow, with
a line that says so. The table goes to standard output, progress to standard error.
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import table
from contender import Contender

HERE = Path(__file__).resolve().parent
GRACE_S = 10.0


class Failed(Exception):
    """A contender gave no rate."""


def parser(description: str, *, rounds: int, limit_s: float) -> argparse.ArgumentParser:
    """Return a parser of the options that every comparison has, with these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument(
        "--limit-s", type=float, default=limit_s, help="for one run of one of them"
    )
    parser.add_argument("--mpiexec", default="", help="e.g. 'mpiexec --oversubscribe'")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    return parser


def launcher(wished: str) -> list[str]:
    """Return the command that starts ranks; of this Python's environment if there is one."""
    if wished:
        return shlex.split(wished)
    here = Path(sys.executable).with_name("mpiexec")
    found = str(here) if here.exists() else shutil.which("mpiexec")
    return [found] if found else []


def missing(
    ours: str, contenders: Mapping[str, Contender], launch: Sequence[str]
) -> dict[str, str]:
    """Return who cannot be run, and why.

    Args:
        ours: Our own name; it needs a launcher.
        contenders: The others, by name.
        launch: The command that starts ranks; empty if there is none.
    """
    left_out = {}
    for name, one in contenders.items():
        if importlib.util.find_spec(one.module) is None:
            left_out[name] = f"{one.module} is not installed"
    if not launch:
        ranks = [name for name, one in contenders.items() if one.ranks and name not in left_out]
        left_out |= dict.fromkeys([*ranks, ours], "there is no mpiexec")
    return left_out


def take_turns(
    commands: Mapping[str, Sequence[str]],
    left_out: dict[str, str],
    label: Callable[[str, str], str],
    *,
    rounds: int,
    limit_s: float,
) -> dict[str, list[float]]:
    """Return the rates of each contender, one or more a round.

    Args:
        commands: What measures a contender once, by its name.
        left_out: Who is not to be run, and why; who fails is added.
        label: Returns the name in the table of what is printed under a name by a contender.
        rounds: How many.
        limit_s: For one run of one contender.
    """
    rates: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, command in commands.items():
            if name in left_out:
                continue
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            try:
                found = measure(command, limit_s)
            except Failed as error:
                left_out[name] = str(error)
                continue
            for printed, each in found.items():
                rates.setdefault(label(printed, name), []).extend(each)
    return rates


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


def report(
    rates: table.Samples,
    left_out: Mapping[str, str],
    references: Mapping[str, str],
    *,
    title: str,
    unit: str,
) -> None:
    """Print the table, and who is not in it.

    Args:
        rates: Of each contender.
        left_out: Who is not in it, and why.
        references: Contenders whose rates are divided by those of all, and headings of the ratios.
        title: Above the table.
        unit: Of the rates.
    """
    print(f"{title}\n")
    print(table.compare(rates, references, unit=unit))
    for name, why in left_out.items():
        print(f"\n{name} was left out: {why}")
