"""bsub, bjobs and bkill of LSF, over a folder of jobs: ``lsf.py COMMAND ARGUMENTS``.

They take the options that the real ones have and no others, and refuse what those refuse.
Source: IBM Spectrum LSF 10.1, command reference.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from queue_folder import Job, Jobs, refuse

DEFAULT_QUEUE = "normal"
QUEUES = {"normal", "batch", "debug"}
FAILED = 255

FLAGS = {
    *("-B", "-H", "-I", "-Ip", "-Is", "-IS", "-ISp", "-ISs", "-IX", "-K", "-N", "-Ne", "-r"),
    *("-rn", "-ul", "-x", "-XF", "-Zs", "-h", "-V", "-ar", "-tty", "-stage"),
}
VALUED = {
    *("-a", "-app", "-b", "-C", "-c", "-clusters", "-csm", "-cwd", "-D", "-data", "-E", "-Ep"),
    *("-e", "-eo", "-env", "-eptl", "-ext", "-F", "-f", "-freq", "-G", "-g", "-gpu", "-hl"),
    *("-i", "-is", "-J", "-Jd", "-jobaff", "-jsdl", "-jsm", "-k", "-L", "-Lp", "-M", "-m"),
    *("-mig", "-n", "-nnodes", "-notify", "-o", "-oo", "-outdir", "-P", "-p", "-pack", "-ptl"),
    *("-Q", "-q", "-R", "-rnc", "-S", "-s", "-sla", "-smt", "-sp", "-step_cgroup", "-T", "-t"),
    *("-ti", "-tn", "-U", "-u", "-v", "-W", "-We", "-w", "-wa", "-wt", "-alloc_flags"),
    *("-cn_cu", "-cn_mem", "-core_isolation", "-ln_mem", "-ln_slots"),
}
PATTERNS = {
    "-W": r"(\d+:)?\d+(/\S+)?",  # [hour:]minute[/host]
    "-n": r"[1-9]\d*(,[1-9]\d*)?",
    "-nnodes": r"[1-9]\d*",
    "-J": r"[^\s\[\]/]+(\[[\d,:-]+\](%\d+)?)?",
    "-R": r"\s*((select|order|rusage|span|same|cu|affinity)\[[^\[\]]+\]\s*)+",
    "-P": r"\S+",
    "-q": r"\S+",
}
SPAN = re.compile(r"(hosts=-?\d+|ptile=\d+|stripe(=\d+)?|block=\d+)")
CONDITION = re.compile(r"(done|ended|exit|started|post_done|post_err)\((\d+)[^()]*\)")


def bsub(arguments: list[str]) -> None:
    options, command = parsed(arguments)
    if ("-V", "") in options:
        refuse("IBM Spectrum LSF 10.1", 0)
    if command and os.environ.get("LSB_BSUB_PARSE_SCRIPT") != "Y":
        refuse_submission("The head of a script is read from the standard input only")
    text = Path(command[0]).read_text() if command else sys.stdin.read()
    embedded: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("#BSUB"):
            words, rest = parsed(shlex.split(line.removeprefix("#BSUB")))
            if rest:
                refuse_submission(f"{rest[0]}: is no option")
            embedded += words
    chosen = checked([*embedded, *options])
    jobs = Jobs.here()
    after = [known(jobs, one) for one in dependencies(chosen.get("-w", ""))]
    number = jobs.next_number()
    script = jobs.path / f"{number}.lsbatch"
    script.write_text(text)
    hosts = jobs.path / f"{number}.hosts"
    hosts.write_text(f"{socket.gethostname()}\n" * int(chosen.get("-n", "1").partition(",")[0]))
    first = text.partition("\n")[0]
    shell = shlex.split(first[2:]) if first.startswith("#!") else ["/bin/sh"]
    queue = chosen.get("-q", DEFAULT_QUEUE)
    jobs.submit(
        Job(
            number=number,
            name=chosen.get("-J", "NONAME"),
            queue=queue,
            command=[*shell, str(script)],
            cwd=str(Path.cwd()),
            environment={
                **os.environ,  # LSF passes all of it on
                "LSB_JOBID": str(number),
                "LSB_DJOB_HOSTFILE": str(hosts),
            },
            output=chosen.get("-o", os.devnull).replace("%J", str(number)),
            after=after,
            asked=chosen,
        )
    )
    kind = "queue" if "-q" in chosen else "default queue"
    print(f"Job <{number}> is submitted to {kind} <{queue}>.")


def parsed(arguments: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return options with their values, and the command behind them."""
    found, words = [], list(arguments)
    while words and words[0].startswith("-"):
        name = words.pop(0)
        if name in FLAGS:
            found.append((name, ""))
        elif name not in VALUED:
            refuse_submission(f"{name}: Illegal option")
        elif not words:
            refuse_submission(f"Option {name} needs a value")
        else:
            found.append((name, words.pop(0)))
    return found, words


def checked(options: list[tuple[str, str]]) -> dict[str, str]:
    for name, value in options:
        pattern = PATTERNS.get(name)
        if pattern and not re.fullmatch(pattern, value):
            refuse_submission(f"Bad argument for option {name}")
        if name == "-R":
            for span in re.findall(r"span\[([^\]]*)\]", value):
                if not SPAN.fullmatch(span):
                    refuse_submission("Bad resource requirement syntax")
    chosen = dict(options)
    if "-nnodes" in chosen and {"-n", "-R"} & set(chosen):
        refuse_submission("-nnodes cannot be used with -n or -R")
    if (queue := chosen.get("-q", DEFAULT_QUEUE)) not in QUEUES:
        refuse_submission(f"{queue}: No such queue")
    return chosen


def dependencies(text: str) -> Iterator[int]:
    if not text:
        return
    for condition in re.split(r"\s*(?:&&|\|\|)\s*", text.strip()):
        found = CONDITION.fullmatch(condition)
        if found is None:
            refuse_submission("Bad argument for option -w")
        yield int(found[2])


def known(jobs: Jobs, number: int) -> int:
    if jobs.get(number) is None:
        refuse_submission(f"{number}: No matching job found")
    return number


def refuse_submission(problem: str) -> NoReturn:
    refuse(f"{problem}. Job not submitted.", FAILED)


def bjobs(arguments: list[str]) -> None:
    header, fields, ids = True, "jobid stat", []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "-noheader":
            header = False
        elif word == "-o":
            fields = words.pop(0)
        elif word in ("-a", "-w"):
            continue
        elif word.isdecimal():
            ids.append(int(word))
        else:
            refuse(f"{word}: Illegal job ID.", FAILED)
    delimiter = re.search(r"\s*delimiter=(['\"])(.)\1", fields)
    names = fields[: delimiter.start()] if delimiter else fields
    separator = delimiter[2] if delimiter else " "
    if set(names.split()).difference({"jobid", "stat", "queue", "job_name"}):
        refuse(f"{names}: Illegal field name.", FAILED)
    if header:
        print(separator.join(names.upper().split()))
    jobs, code = Jobs.here(), 0
    for number in ids:
        job = jobs.get(number)
        if job is None:
            print(f"Job <{number}> is not found", file=sys.stderr)
            code = FAILED
            continue
        ended = "DONE" if job.code == 0 else "EXIT"
        values = {
            "jobid": str(number),
            "stat": {"waiting": "PEND", "running": "RUN", "ended": ended}[job.state],
            "queue": job.queue,
            "job_name": job.name,
        }
        print(separator.join(values[name] for name in names.split()))
    sys.exit(code)


def bkill(arguments: list[str]) -> None:
    jobs, code = Jobs.here(), 0
    for word in arguments:
        if not word.isdecimal():
            refuse(f"{word}: Illegal job ID.", FAILED)
        job = jobs.get(int(word))
        if job is None or job.state == "ended":
            problem = "No matching job found" if job is None else "Job has already finished"
            print(f"Job <{word}>: {problem}", file=sys.stderr)
            code = FAILED
        else:
            jobs.end(job.number)
            print(f"Job <{word}> is being terminated")
    sys.exit(code)


if __name__ == "__main__":
    {"bsub": bsub, "bjobs": bjobs, "bkill": bkill}[sys.argv[1]](sys.argv[2:])
