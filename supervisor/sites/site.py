"""A site: a machine's facts, checked."""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from supervisor.core.duration import seconds_of
from supervisor.core.errors import InputError, UnknownName
from supervisor.sites.facts import Facts, check_fields, fields_of, read_facts

FOLDERS = "SUPERVISOR_SITES"
"""Variable that names folders with files of one's own, colons between them."""

SCHEDULERS = ("slurm", "pbs", "lsf", "cobalt", "none")

JOB_FIELDS = (
    *("nodes", "ranks", "ranks_per_node", "cores_per_rank", "gpus_per_node", "gpus_per_rank"),
    *("walltime", "queue", "project", "mpiexec"),
)
"""What is put into templates for a job."""

TASK_FIELDS = ("size", "hosts", "slots", "nodes", "per_node")
"""What is put into the template for MPI programs that are tasks."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What one queue takes.

    Attributes:
        name: The scheduler's.
        least_nodes: At least so many.
        most_nodes: At most so many; None if that is not known.
        walltime_s: The longest; None if that is not known.
    """

    name: str
    least_nodes: int = 1
    most_nodes: int | None = None
    walltime_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One machine, as its file describes it; see ``site-configs/README.md``."""

    name: str
    facts: Facts
    scheduler: str
    cores_per_node: int | None
    gpus_per_node: int | None
    queues: tuple[Queue, ...]
    project_required: bool
    directives: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return self.facts.path

    def __getitem__(self, name: str) -> str:
        """Return a fact that is a text."""
        return self.facts.values[name]

    def launched_by(self, template: str) -> Site:
        """Return the same site with another launcher.

        Raises:
            UnknownName: For a name in braces that nothing is put in for.
        """
        for field in sorted(fields_of(template).difference(JOB_FIELDS)):
            raise UnknownName("--launch", field, JOB_FIELDS, what="field")
        values = {**self.facts.values, "launch": template}
        return replace(self, facts=replace(self.facts, values=values))

    def queue(self, name: str, where: str) -> Queue:
        """Return a queue; one without limits if none are known at all.

        Raises:
            UnknownName: If the site has others.
        """
        for queue in self.queues:
            if queue.name == name:
                return queue
        if self.queues and name:
            raise UnknownName(where, name, [one.name for one in self.queues], what="queue")
        return Queue(name)


def find_site(name: str) -> Site:
    """Return a site.

    Args:
        name: Of a known one, or the path of a file.

    Raises:
        InputError: If there is none, or something is wrong in its file.
    """
    if name.endswith(".sh") or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise InputError(f"--site {name}", "there is no such file")
        return load_site(path)
    paths = known_sites()
    if name not in paths:
        raise UnknownName(f"--site {name}", name, paths, what="site")
    return load_site(paths[name])


def known_sites() -> dict[str, Path]:
    """Return the files of all sites by name; one's own win over those of Supervisor."""
    return {path.stem: path for folder in _folders() for path in sorted(folder.glob("*.sh"))}


def _folders() -> Iterator[Path]:
    """Yield the folders of sites, later ones win."""
    checkout = Path(__file__).resolve().parents[2] / "site-configs"
    bases = (sysconfig.get_path("data"), site.getuserbase())
    installed = [Path(base) / "share" / "supervisor" / "site-configs" for base in bases]
    yield next((folder for folder in (checkout, *installed) if folder.is_dir()), checkout)
    for text in reversed(os.environ.get(FOLDERS, "").split(":")):
        if text:
            yield Path(text).expanduser()


def load_site(path: Path) -> Site:
    """Return the site that a file describes.

    Raises:
        InputError: For the first thing that is wrong in it.
    """
    facts = read_facts(path)
    scheduler = facts.values["scheduler"]
    if scheduler not in SCHEDULERS:
        raise UnknownName(facts.where("scheduler"), scheduler, SCHEDULERS, what="scheduler")
    if facts.values["project"] not in ("", "required"):
        raise InputError(facts.where("project"), "give 'required', or leave it empty")
    for name in ("launch", "each_node", "directives", "select_suffix"):
        check_fields(facts, name, JOB_FIELDS)
    check_fields(facts, "task_launch", TASK_FIELDS)
    lines = (line.strip() for line in facts.values["directives"].splitlines())
    return Site(
        name=path.stem,
        facts=facts,
        scheduler=scheduler,
        cores_per_node=_number(facts, "cores_per_node"),
        gpus_per_node=_number(facts, "gpus_per_node"),
        queues=tuple(_queues(facts)),
        project_required=facts.values["project"] == "required",
        directives=tuple(line for line in lines if line),
    )


def _number(facts: Facts, name: str) -> int | None:
    text = facts.values[name]
    if text and not text.isdecimal():
        raise InputError(facts.where(name), f"{text!r} is not a whole number")
    return int(text) if text else None


def _queues(facts: Facts) -> Iterator[Queue]:
    where = facts.where("queues")
    for line in facts.values["queues"].splitlines():
        words = line.split()
        if not words:
            continue
        if len(words) != 3:
            raise InputError(where, f"{line.strip()!r} is not: name, nodes, walltime")
        name, nodes, walltime = words
        least, _, most = nodes.rpartition("-") if nodes != "-" else ("", "", "")
        if not all(word.isdecimal() for word in (least, most) if word):
            raise InputError(where, f"{nodes!r} are no numbers of nodes, such as 8 or 10-128")
        walltime_s = None if walltime == "-" else seconds_of(walltime, where)
        yield Queue(name, int(least or 1), int(most) if most else None, walltime_s)
