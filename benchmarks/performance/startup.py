"""File system calls of a run from its start to the first evaluation, by where the files are.

    python benchmarks/performance/startup.py [--ranks 1 8 64] [--runs process inline]

Runs a small search with and without a packed environment. Traced by strace are rank 0, the first
worker and the last server, with all processes that they start; the calls of the other workers and
servers are taken to be as many. What lies in the environment, in the Python that it was made from,
in the package and in the folder of the workflow counts as shared.
"""

from __future__ import annotations

import argparse
import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import table

import supervisor
from supervisor.balancer.layout import Layout, split
from supervisor.core.errors import SupervisorError
from supervisor.core.mpiexec import allowing_root, find_mpiexec, options
from supervisor.sites.environment import Environment
from supervisor.sites.packing import pack, unpacking_lines

MODEL = """
import os, time
{further}
from formula import square

def run(params):
    os.access("{mark}", os.F_OK)
    time.sleep({length_s})
    return square(params["x"])
"""

FORMULA = """
def square(x):
    return x * x
"""

WORKFLOW = """
name: startup
objective: {{python: "model:run", minimize: y}}
space:
  x: {{int: [1, {points}]}}
optimizer: {{kind: grid}}
task: {{run: {run}}}
"""

MARK = "/first-evaluation"
LENGTH_S = 1.0
POINTS = 4  # for each worker, so that the traced one, which is slower, gets one too
LIMIT_S = 600.0

TRACE = ["strace", "--follow-forks", "--seccomp-bpf", "-qq", "-ttt", "-y"]
TRACE += ["-e", "trace=%file,getdents64", "-e", "signal=none"]
CALL = re.compile(r"\d+ +(?P<at>\d+\.\d+) (?P<name>\w+)\((?P<rest>.*)")
PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>(?:, )?)?(?:"(?P<path>[^"]*)")?')
OPENS = {"open", "openat", "openat2", "creat"}


@dataclass
class Calls:
    """What a rank, with the processes that it starts, asks of file systems.

    Attributes:
        shared: Calls by kind, of names on the shared folder.
        elsewhere: Those of other names.
        names: Of what is opened on the shared folder.
    """

    shared: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, path: str, shared: bool) -> None:
        (self.shared if shared else self.elsewhere)[kind] += 1
        if shared and kind == "opens":
            self.names[path] += 1


@dataclass(frozen=True)
class Start:
    """The counted calls of one start.

    Attributes:
        roles: One of each, and how many ranks are like it.
        worker: The traced worker.
    """

    roles: Sequence[tuple[Calls, int]]
    worker: Calls

    def total(self, kind: str) -> int:
        """Return how many calls of a kind all ranks make on the shared folder."""
        return sum(calls.shared[kind] * many for calls, many in self.roles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--runs", nargs="+", default=["process", "inline"])
    parser.add_argument("--modules", type=int, default=0, help="of a package of the objective")
    parser.add_argument("--plain", action="store_true", help="without packing the environment")
    parser.add_argument("--names", action="store_true", help="of what a worker opens, too")
    chosen = parser.parse_args()
    if shutil.which("strace") is None:
        raise SupervisorError("there is no strace; install it with the system's packages")
    starts = {}
    with tempfile.TemporaryDirectory() as shared, tempfile.TemporaryDirectory() as local:
        folder = Path(shared)
        roots = roots_of(folder)
        write_model(folder, chosen.modules)
        for one in (folder, Path(supervisor.__file__).parent):
            compileall.compile_dir(one, quiet=1)  # as an earlier run would have left them
        unpacked, unpacking = (None, Calls()) if chosen.plain else moved(folder, local, roots)
        for run in chosen.runs:
            for ranks in chosen.ranks:
                plain = started(folder, Path(sys.prefix), ranks, run, roots)
                starts[run, ranks] = plain
                if unpacked is not None:
                    packed = started(folder, unpacked, ranks, run, roots)
                    roles = [*packed.roles, (unpacking, 1)]
                    starts[f"{run}, packed", ranks] = Start(roles, packed.worker)
    print("File system calls until the first evaluation; on the shared folder but for the last\n")
    print(report(starts))
    if chosen.names:
        for (name, ranks), start in starts.items():
            print(f"\nA worker of {name}, {ranks} ranks, opens:")
            print(
                "\n".join(
                    f"{count:4} {path}" for path, count in sorted(start.worker.names.items())
                )
            )


def write_model(folder: Path, modules: int) -> None:
    """Write the objective, and a package of so many modules that it imports."""
    further = "import parts" if modules else ""
    text = MODEL.format(further=further, mark=MARK, length_s=LENGTH_S)
    (folder / "model.py").write_text(text)
    (folder / "formula.py").write_text(FORMULA)
    names = [f"part{number}" for number in range(modules)]
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text(
        "".join(f"import parts.{one}\n" for one in names)
    )
    for name in names:
        (folder / "parts" / f"{name}.py").write_text(FORMULA)


def roots_of(folder: Path) -> list[str]:
    """Return the folders that would be on a shared file system."""
    environment = Environment(Path(sys.prefix))
    roots = [folder, environment.prefix, Path(supervisor.__file__).parents[1]]
    if environment.own_interpreter:
        roots.append(environment.base)
    return [f"{one.resolve()}/" for one in roots]


def moved(folder: Path, local: str, roots: Sequence[str]) -> tuple[Path, Calls]:
    """Pack the environment and unpack it to a local folder; return its place and the calls."""
    print("packing", file=sys.stderr)
    archive = pack(Path(sys.prefix), folder / "packed")
    lines = [*unpacking_lines(archive, local), 'echo "$environment"']
    trace = folder / "unpacking.strace"
    printed = call([*TRACE, "-o", str(trace), "sh", "-c", "\n".join(lines)], folder)
    return Path(printed.strip()), counted(lines_of(trace), roots, str(folder))


def started(folder: Path, prefix: Path, ranks: int, run: str, roots: Sequence[str]) -> Start:
    """Run a search with the environment at ``prefix``; return the calls of its ranks."""
    print(f"{run}, {ranks} ranks, {prefix}", file=sys.stderr)
    layout = split(ranks)
    text = WORKFLOW.format(points=POINTS * len(layout.workers), run=run)
    (folder / "workflow.yaml").write_text(text)
    traces = {rank: folder / f"rank{rank}.strace" for rank in traced(layout)}
    call(command(prefix, layout, traces), folder)
    lines = {rank: list(lines_of(trace)) for rank, trace in traces.items()}
    worker = layout.workers[0]
    marks = [at for at, _, rest in lines[worker] if f'"{MARK}"' in rest]
    if not marks:
        raise SupervisorError("the traced worker was given nothing to evaluate; try again")
    calls = {
        rank: counted((one for one in lines[rank] if one[0] < marks[0]), roots, str(folder))
        for rank in traces
    }
    return Start([(calls[rank], many) for rank, many in traced(layout).items()], calls[worker])


def traced(layout: Layout) -> dict[int, int]:
    """Return one rank of each role, and how many ranks have that role first."""
    ranks = {0: 1}
    for role in (layout.workers, layout.servers):
        others = [rank for rank in role if rank not in ranks]
        if others:
            one = others[0] if role is layout.workers else others[-1]
            ranks[one] = len(others)
    return ranks


def command(prefix: Path, layout: Layout, traces: dict[int, Path]) -> list[str]:
    """Return what starts all ranks, some of them traced."""
    beside = prefix / "bin" / "mpiexec"
    mpiexec = str(beside) if beside.exists() else find_mpiexec()
    if mpiexec is None:
        raise SupervisorError("there is no mpiexec")
    rank = [str(prefix / "bin" / "python"), "-P", "-m", "supervisor", "run", "workflow.yaml"]
    parts: list[list[str]] = []
    plain = 0
    for number in range(layout.size + 1):
        if plain and (number in traces or number == layout.size):
            parts.append(["-n", str(plain), *rank])
            plain = 0
        if number in traces:
            parts.append(["-n", "1", *TRACE, "-o", str(traces[number]), *rank])
        else:
            plain += 1
    words = [word for part in parts for word in (":", *part)]
    return [mpiexec, *options(mpiexec), *words[1:]]


def call(words: list[str], folder: Path) -> str:
    """Return what a command prints."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=allowing_root({**os.environ, "PYTHONDONTWRITEBYTECODE": ""}),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    if done.returncode:
        raise SupervisorError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def lines_of(trace: Path) -> Iterator[tuple[float, str, str]]:
    """Yield the time, the name and the rest of each call."""
    with trace.open(errors="replace") as file:
        for found in filter(None, map(CALL.match, file)):
            yield float(found["at"]), found["name"], found["rest"]


def counted(lines: Iterable[tuple[float, str, str]], roots: Sequence[str], folder: str) -> Calls:
    """Return how many calls there are, by kind and place; relative names begin at ``folder``."""
    calls = Calls()
    for _, name, rest in lines:
        found = PATH.match(rest)
        assert found is not None  # all of it is optional
        if name == "getdents64":
            path = found["folder"] or ""
        elif found["path"]:
            path = os.path.normpath(Path(found["folder"] or folder, found["path"]))
        else:
            continue  # about a file that is open
        kind = "opens" if name in OPENS else "execs" if name == "execve" else "lookups"
        calls.add(kind, path, any(f"{path}/".startswith(root) for root in roots))
    return calls


def report(starts: dict[tuple[str, int], Start]) -> str:
    """Return all starts as a Markdown table."""
    head = ["start", "ranks", "opens a worker", "lookups a worker"]
    head += ["execs a worker", "opens", "lookups", "opens of a worker elsewhere"]
    rows = []
    for (name, ranks), start in starts.items():
        worker = start.worker.shared
        figures = [ranks, *(worker[kind] for kind in ("opens", "lookups", "execs"))]
        figures += [start.total(kind) for kind in ("opens", "lookups")]
        figures.append(start.worker.elsewhere["opens"])
        rows.append([name, *(f"{one:,}" for one in figures)])
    return table.markdown(head, rows)


if __name__ == "__main__":
    main()
