"""qsub, qstat and qdel of Cobalt, over a folder of jobs: ``cobalt.py COMMAND ARGUMENTS``.

They take the options that the real ones have and no others, and refuse what those refuse. As
with the real one, a job that waits for another begins only if that one ends with exit code 0.
Source: the manual pages of Cobalt's qsub, qstat and qdel.
"""

from __future__ import annotations

import optparse
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from queue_folder import Job, Jobs, clean_environment, refuse

TAG = "#COBALT "
QUEUES = {"default", "debug-cache-quad", "debug-flat-quad"}
FLAGS = {
    "debug": ("-d", "--debug"),
    "verbose": ("-v", "--verbose"),
    "held": ("-h", "--held"),
    "preemptable": ("--preemptable",),
    "run_project": ("--run_project",),
    "disable_preboot": ("--disable_preboot",),
    "interactive": ("-I", "--interactive"),
}
VALUED = {
    "nodes": ("-n", "--nodecount"),
    "procs": ("--proccount",),
    "project": ("-A", "--project"),
    "cwd": ("--cwd",),
    "queue": ("-q", "--queue"),
    "notify": ("-M", "--notify"),
    "env": ("--env",),
    "walltime": ("-t", "--time"),
    "umask": ("-u", "--umask"),
    "prefix": ("-O", "--outputprefix"),
    "error": ("-e", "--error"),
    "output": ("-o", "--output"),
    "inputfile": ("-i", "--inputfile"),
    "debuglog": ("--debuglog",),
    "dependencies": ("--dependencies",),
    "attrs": ("--attrs",),
    "user_list": ("--user_list", "--run_users"),
    "jobname": ("--jobname",),
    "kernel": ("--kernel",),
    "kerneloptions": ("-K", "--kerneloptions"),
    "ion_kernel": ("--ion_kernel",),
    "ion_kerneloptions": ("--ion_kerneloptions",),
    "mode": ("--mode",),
    "geometry": ("--geometry",),
}


def qsub(arguments: list[str]) -> None:
    _, rest = parsed(arguments)
    if not rest:
        refuse("No executable or script specified", 1)
    script = Path.cwd() / rest[0]
    if not script.is_file():
        refuse(f"command {script} not found, or is not a file", 1)
    if not os.access(script, os.X_OK | os.R_OK):
        refuse(f"command {script} is not executable", 1)
    chosen, _ = parsed([*directives(script), *arguments])
    minutes = checked(chosen)
    jobs = Jobs.here()
    number = jobs.next_number()
    prefix = (chosen.prefix or str(number)).replace("$jobid", str(number))
    after = [int(one) for one in (chosen.dependencies or "").split(":") if one.isdecimal()]
    if missing := [one for one in after if jobs.get(one) is None]:
        text = ":".join(map(str, missing))
        print(f"WARNING: dependencies {text} do not match jobs in the queue", file=sys.stderr)
    now = time.time()
    jobs.submit(
        Job(
            number=number,
            name=chosen.jobname or "N/A",
            queue=chosen.queue or "default",
            command=[str(script), *rest[1:]],
            cwd=chosen.cwd or str(Path.cwd()),
            environment=clean_environment(
                COBALT_JOBID=str(number),
                COBALT_NODECOUNT=chosen.nodes,
                COBALT_STARTTIME=str(int(now)),
                COBALT_ENDTIME=str(int(now) + 60 * minutes),
            ),
            output=str(Path.cwd() / f"{prefix}.output"),
            error=str(Path.cwd() / f"{prefix}.error"),
            after=after,
            after_success=True,
            asked={name: value for name, value in vars(chosen).items() if value is not None},
        )
    )
    print(f"Job routed to queue {chosen.queue or 'default'!r}.", file=sys.stderr)
    print(number)


def parsed(arguments: Sequence[str]) -> tuple[optparse.Values, list[str]]:
    parser = optparse.OptionParser(
        "qsub.py [options] <executable> [<executable options>]",
        prog="qsub.py",
        add_help_option=False,
    )
    parser.disable_interspersed_args()
    for name, options in FLAGS.items():
        parser.add_option(*options, dest=name, action="store_true")
    for name, options in VALUED.items():
        parser.add_option(*options, dest=name)
    return parser.parse_args(list(arguments))


def directives(script: Path) -> list[str]:
    """Return the options in the lines right below the first one; the first other line ends them.

    They are split at blanks, whatever quotes there are.
    """
    first, *lines = script.read_text().splitlines()
    words: list[str] = []
    if first.startswith("#!"):
        for line in lines:
            if not line.startswith(TAG):
                break
            words += line.removeprefix(TAG).split()
    return ["--mode", "script", *words] if words else []


def checked(chosen: optparse.Values) -> int:
    """Check what is asked for; return the minutes."""
    if chosen.walltime is None:
        refuse("'time' not provided", 1)
    if chosen.nodes is None:
        refuse("'nodecount' not provided", 1)
    if not chosen.nodes.isdecimal() or int(chosen.nodes) < 1:
        refuse("non-integer node count specified", 1)
    found = re.fullmatch(r"(\d+)|(?:(\d+):)?(\d+):(\d+)", chosen.walltime)
    if found is None:
        refuse(f"jobtime '{chosen.walltime}' is invalid", 1)
    if not chosen.project:
        refuse("No project was specified; use -A", 1)
    for name in ("prefix", "output", "error"):
        path = getattr(chosen, name)
        if path is not None and not Path(path).parent.is_dir():
            refuse(f"directory {Path(path).parent} does not exist", 1)
    for pair in (chosen.attrs or "a=b").split(":"):
        if not re.fullmatch(r"\w+=[^=]+", pair):
            refuse(f"Improperly formatted argument to attrs : {pair}", 1)
    if (queue := chosen.queue or "default") not in QUEUES:
        refuse(f"trying to add job to non-existant queue '{queue}'", 1)
    minutes, hours, rest, _ = found.groups()
    return int(minutes) if minutes else 60 * int(hours or 0) + int(rest)


def qstat(arguments: list[str]) -> None:
    parser = optparse.OptionParser("qstat.py [options] <jobids>", prog="qstat.py")
    for options in (("-d", "--debug"), ("-f", "--full"), ("-l", "--long"), ("-Q",)):
        parser.add_option(*options, action="store_true")
    parser.add_option("--reverse", action="store_true")
    for option in ("--header", "--sort"):
        parser.add_option(option)
    parser.add_option("-u", "--user")
    chosen, ids = parser.parse_args(arguments)
    header = (chosen.header or "JobID:User:WallTime:Nodes:State:Location").split(":")
    jobs, rows = Jobs.here(), []
    for id in ids:
        if not id.isdecimal():
            refuse(f"{id} is not a valid jobid or queue name", 1)
        job = jobs.get(int(id))
        if job is not None and job.state != "ended":
            values = {"jobid": id, "state": state(jobs, job), "queue": job.queue}
            rows.append([values.get(name.lower(), "-") for name in header])
    if ids and not rows:
        sys.exit(1)  # without a word
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print_row(header, widths)
    print("=" * (sum(widths) + 2 * len(widths) - 2))
    for row in rows:
        print_row(row, widths)


def state(jobs: Jobs, job: Job) -> str:
    if job.state == "running":
        return "running"
    if jobs.never(job):
        return "dep_fail"
    return "dep_hold" if jobs.waits(job) else "queued"


def print_row(values: list[str], widths: list[int]) -> None:
    print("  ".join(value.ljust(width) for value, width in zip(values, widths, strict=True)))


def qdel(arguments: list[str]) -> None:
    parser = optparse.OptionParser("qdel.py [options] <jobids>", prog="qdel.py")
    parser.add_option("-d", "--debug", action="store_true")
    parser.add_option("-f", "--force", action="store_true")
    parser.add_option("-s", "--signal")
    _, ids = parser.parse_args(arguments)
    if not ids:
        refuse("No Jobid(s) given", 1)
    jobs, deleted = Jobs.here(), []
    for id in ids:
        if not id.isdecimal():
            refuse("jobid must be an integer", 1)
        job = jobs.get(int(id))
        if job is None or job.state == "ended":
            print(f"qdel: Job {id} not found", file=sys.stderr)
        else:
            jobs.end(job.number)
            deleted.append(id)
    if deleted:
        print("      Deleted Jobs")
        print("\n".join(["JobID", "=====", *deleted]))


if __name__ == "__main__":
    {"qsub": qsub, "qstat": qstat, "qdel": qdel}[sys.argv[1]](sys.argv[2:])
