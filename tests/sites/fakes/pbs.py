"""qsub, qstat and qdel of PBS Professional, over a folder of jobs: ``pbs.py COMMAND ARGUMENTS``.

They take the options that the real ones have and no others, and refuse what those refuse, with
their words and exit codes. Source: Altair PBS Professional, Reference Guide, chapters 2 and 5.
"""

from __future__ import annotations

import getopt
import json
import re
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from queue_folder import Job, Jobs, clean_environment, refuse

SERVER = "pbs-server"
QUEUES = {"workq", "prod", "debug", "small"}
CUSTOM = {"filesystems"}  # resources that sites have added
RESOURCES = {"select", "place", "walltime", "software", "nodect", "min_walltime", "max_walltime"}
CHUNK = {"ncpus", "mem", "mpiprocs", "ompthreads", "ngpus", "host", "vnode", "system", "arch"}

# Error numbers, modulo 256 as the shell sees them.
UNKNOWN_JOB, FINISHED, BAD_VALUE, UNKNOWN_QUEUE, UNKNOWN_RESOURCE = 153, 35, 166, 170, 187

QSUB = "a:A:c:C:e:fGhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz"
WALLTIME = re.compile(r"\d+(:[0-5]?\d){0,2}(\.\d+)?")
PLACE = re.compile(r"(free|pack|scatter|vscatter)?:?(excl|exclhost|shared)?(:group=\w+)?")
DEPENDENCIES = {"after", "afterok", "afternotok", "afterany", "before", "beforeany", "on"}
PATTERNS = {
    "-j": r"oe|eo|n",
    "-k": r"n|d?(o|e|oe|eo)d?",
    "-N": r"[A-Za-z][A-Za-z0-9_+.-]{0,229}",
    "-m": r"n|[abej]+",
    "-r": r"[yn]",
    "-p": r"-?\d{1,4}",
}


def qsub(arguments: list[str]) -> None:
    options, rest = parsed(arguments)
    if len(rest) != 1:
        usage()
    script = Path(rest[0])
    if not script.is_file():
        refuse(f"qsub: script file:: No such file or directory: {script}", 1)
    text = script.read_text()
    directives: list[tuple[str, str]] = []
    for line in directive_lines(text):
        words, left = parsed(shlex.split(line))
        if left:
            refuse(f"qsub: directive error: {line}", 2)
        directives += words
    chosen, resources = checked([*directives, *options])
    jobs = Jobs.here()
    after = [known(jobs, one) for one in dependencies(chosen.get("-W", ""))]
    number = jobs.next_number()
    output = Path(chosen.get("-o", "."))
    id = f"{number}.{SERVER}"
    jobs.path.joinpath(f"{number}.SC").write_text(text)  # the spooled copy is what runs
    nodes = jobs.path / f"{number}.nodes"
    nodes.write_text(f"{socket.gethostname()}\n" * count(resources["select"]))
    home = str(Path.home())
    jobs.submit(
        Job(
            number=number,
            name=chosen.get("-N", script.name),
            queue=chosen.get("-q", "workq"),
            command=[*shell(text), str(jobs.path / f"{number}.SC")],
            cwd=home,
            environment=clean_environment(
                HOME=home,
                PBS_JOBID=id,
                PBS_O_WORKDIR=str(Path.cwd()),
                PBS_NODEFILE=str(nodes),
                PBS_ENVIRONMENT="PBS_BATCH",
            ),
            output=str(output / f"{id}.OU" if output.is_dir() else output),
            after=after,
            asked={**chosen, **resources},
        )
    )
    print(id)


def parsed(arguments: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        return getopt.getopt(arguments, QSUB)
    except getopt.GetoptError as error:
        print(f"qsub: invalid option -- '{error.opt}'", file=sys.stderr)
        usage()
        raise


def usage() -> None:
    refuse("usage: qsub [-a date_time] [-A account_string] ... [script | -- command]", 2)


def directive_lines(text: str) -> Iterator[str]:
    """Yield the directives before the first line that a shell would run."""
    for line in text.splitlines():
        if line.startswith("#PBS"):
            yield line.removeprefix("#PBS")
        elif line.strip() and not line.lstrip().startswith("#"):
            return


def checked(options: list[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the options, of which later ones win, and the resources of all -l."""
    chosen, resources = dict(options), {}
    for option, value in options:
        pattern = PATTERNS.get(option)
        if pattern and not re.fullmatch(pattern, value):
            refuse(f"qsub: illegal {option} value", 2)
        if option in "-o-e" and re.search(r"\s|:.*:", value):
            refuse(f"qsub: illegal {option} value", 2)
        if option == "-l":
            for one in re.split(r",(?=\w+=)", value):
                name, sign, given = one.partition("=")
                if not sign or not given:
                    refuse("qsub: illegal -l value", 2)
                resources[name] = given
    for name, value in resources.items():
        if name not in RESOURCES | CUSTOM:
            refuse(f"qsub: Unknown resource Resource_List.{name}", UNKNOWN_RESOURCE)
        if not right(name, value):
            refuse(f"qsub: Illegal attribute or resource value Resource_List.{name}", BAD_VALUE)
    if chosen.get("-q", "workq") not in QUEUES:
        refuse("qsub: Unknown queue", UNKNOWN_QUEUE)
    return chosen, {"select": "1", **resources}


def right(name: str, value: str) -> bool:
    if "walltime" in name:
        return bool(WALLTIME.fullmatch(value))
    if name == "place":
        return bool(PLACE.fullmatch(value))
    if name == "select":
        return all(right_chunk(chunk) for chunk in value.split("+"))
    return True


def right_chunk(text: str) -> bool:
    number, *pairs = text.split(":")
    if "=" in number:
        number, pairs = "1", [number, *pairs]
    named = (pair.partition("=") for pair in pairs)
    numbers = {"ncpus", "mpiprocs", "ompthreads", "ngpus"}
    return number.isdecimal() and all(
        name in CHUNK and value and (name not in numbers or value.isdecimal())
        for name, _, value in named
    )


def count(select: str) -> int:
    numbers = (chunk.partition(":")[0] for chunk in select.split("+"))
    return sum(int(number) if number.isdecimal() else 1 for number in numbers)


def dependencies(text: str) -> Iterator[str]:
    """Yield the jobs that -W names; all its attributes are checked."""
    if not text:
        return
    for attribute in re.split(r",(?=\w+=)", text):
        name, _, value = attribute.partition("=")
        if name not in ("depend", "group_list", "umask", "block", "sandbox", "stagein"):
            refuse("qsub: illegal -W value", 2)
        if name != "depend":
            continue
        for condition in value.split(","):
            kind, *ids = condition.split(":")
            if kind not in DEPENDENCIES or not ids or not all(ids):
                refuse("qsub: illegal -W value", 2)
            yield from ids


def number_of(id: str, command: str) -> int:
    found = re.fullmatch(rf"(\d+)(\.{SERVER})?", id)
    if found is None:
        refuse(f"{command}: illegally formed job identifier: {id}", 1)
    return int(found[1])


def known(jobs: Jobs, id: str) -> int:
    number = number_of(id, "qsub")
    if jobs.get(number) is None:
        refuse("qsub: Unknown Job Id", UNKNOWN_JOB)
    return number


def shell(text: str) -> list[str]:
    first = text.partition("\n")[0]
    return shlex.split(first[2:]) if first.startswith("#!") else ["/bin/sh"]


def qstat(arguments: list[str]) -> None:
    try:
        options, ids = getopt.getopt(arguments, "fF:D:JtpxwansHruGM1iQqB")
    except getopt.GetoptError as error:
        refuse(f"qstat: invalid option -- '{error.opt}'\nusage: qstat [-f] [-F format] ...", 2)
    chosen = dict(options)
    if "-f" not in chosen or chosen.get("-F") != "json":
        refuse("qstat: only -f -F json can be asked for here", 2)
    jobs, found, code = Jobs.here(), {}, 0
    for id in ids:
        job = jobs.get(number_of(id, "qstat"))
        if job is None:
            print(f"qstat: Unknown Job Id {id}", file=sys.stderr)
            code = UNKNOWN_JOB
        elif job.state == "ended" and "-x" not in chosen:
            print(
                f"qstat: {id} Job has finished, use -x or -H to obtain historical job information",
                file=sys.stderr,
            )
            code = FINISHED
        else:
            found[f"{job.number}.{SERVER}"] = attributes(jobs, job)
    head = {"timestamp": 1, "pbs_version": "2022.1.7", "pbs_server": SERVER}
    print(json.dumps(head | ({"Jobs": found} if found else {}), indent=4))
    sys.exit(code)


def attributes(jobs: Jobs, job: Job) -> dict[str, object]:
    letter = {"waiting": "H" if jobs.waits(job) else "Q", "running": "R", "ended": "F"}[job.state]
    said = {"Job_Name": job.name, "job_state": letter, "queue": job.queue, "server": SERVER}
    if letter == "Q":
        said["comment"] = "Not Running: the queue is closed"
    return said


def qdel(arguments: list[str]) -> None:
    try:
        _, ids = getopt.getopt(arguments, "W:x")
    except getopt.GetoptError:
        ids = []
    if not ids:
        refuse("usage:\n\tqdel [-W force|suppress_email=X] [-x] job_identifier...", 2)
    jobs, code = Jobs.here(), 0
    for id in ids:
        job = jobs.get(number_of(id, "qdel"))
        if job is None or job.state == "ended":
            problem = "Unknown Job Id" if job is None else "Job has finished"
            print(f"qdel: {problem} {id}", file=sys.stderr)
            code = UNKNOWN_JOB if job is None else FINISHED
        else:
            jobs.end(job.number)
    sys.exit(code)


if __name__ == "__main__":
    {"qsub": qsub, "qstat": qstat, "qdel": qdel}[sys.argv[1]](sys.argv[2:])
