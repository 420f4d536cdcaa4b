"""Which rank does what.

rank 0             client: the campaign
ranks 1 .. N-S-1   workers
ranks N-S .. N-1   servers

One rank plays all three roles; of two ranks, rank 0 is client and server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from supervisor.core.errors import InputError, nearest
from supervisor.core.executor import Seat

WORKERS_PER_SERVER = 64

REGULAR = "work"
"""The kind of tasks that say nothing else."""

ACCELERATED = "gpu"
"""If there is such a kind, only its workers use accelerators."""

KIND_NAMES = "letters, digits, '_' and '-' do, a letter first"


def is_kind(name: str) -> bool:
    """Return whether a name can be that of a kind of tasks."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) is not None


class Layout(msgspec.Struct, frozen=True):
    """The roles of all ranks.

    Attributes:
        size: Number of ranks.
        workers: World ranks of the workers: consecutive, ascending.
        servers: World ranks of the servers: likewise; the first one is the master.
        kinds: Names of the work types; the first one is that of regular tasks.
        counts: Number of workers of each kind. Regular workers come first, then the others in
            the order of the kinds.
    """

    size: int
    workers: range
    servers: range
    kinds: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def client(self) -> int:
        """World rank of the client."""
        return 0

    @property
    def master(self) -> int:
        """World rank of the server that detects the end."""
        return self.servers[0]

    def home(self, worker: int) -> int:
        """Return the server that a worker asks for tasks."""
        return self.servers[(worker - self.workers[0]) % len(self.servers)]

    def workers_of(self, server: int) -> range:
        """Return the workers at home on a server."""
        return self.workers[server - self.servers[0] :: len(self.servers)]

    def kind_of(self, worker: int) -> int:
        """Return the number of the kind of tasks that a worker takes."""
        index = worker - self.workers[0]
        for kind, count in enumerate(self.counts):
            if index < count:
                return kind
            index -= count
        raise ValueError(f"rank {worker} is no worker")

    def drivers(self) -> list[int]:
        """Return the workers that use accelerators: those of kind ``gpu``, or all."""
        if ACCELERATED not in self.kinds:
            return [*self.workers]
        kind = self.kinds.index(ACCELERATED)
        return [worker for worker in self.workers if self.kind_of(worker) == kind]

    def seat(
        self, worker: int, neighbours: int = 1, slot: int = 0, slots: int = 0, host: str = ""
    ) -> Seat:
        """Return what a worker's executor knows of this.

        Args:
            worker: World rank of the worker.
            neighbours: Number of workers on its host, itself included.
            slot, slots, host: As of ``Seat``.
        """
        return Seat(
            rank=worker,
            ranks=self.size,
            servers=len(self.servers),
            home=self.servers.index(self.home(worker)),
            kinds=self.kinds,
            neighbours=neighbours,
            slot=slot,
            slots=slots,
            host=host,
        )

    def kind(self, name: str, where: str) -> int:
        """Return the number of a kind that has workers.

        Args:
            name: Its name.
            where: Who asks, for the error.

        Raises:
            InputError: If no worker takes tasks of this kind.
        """
        served = [kind for kind, count in zip(self.kinds, self.counts, strict=True) if count]
        if name in served:
            return self.kinds.index(name)
        if name == REGULAR:
            remedy = f"use more ranks, or give fewer workers to {' and '.join(served)}"
        else:
            remedy = (
                f"give it some with --workers {name}=N, or 'workers: {{{name}: N}}' in the "
                f"workflow.{nearest(name, served)}"
            )
        raise InputError(where, f"no worker takes tasks of kind {name!r}; {remedy}")


def split(
    size: int,
    servers: int | None = None,
    kinds: Mapping[str, int] | None = None,
    *,
    where: str = "--workers",
) -> Layout:
    """Give each of ``size`` ranks its roles.

    Args:
        size: Number of ranks, at least 1.
        servers: Number of servers wished for; None for one for each 64 workers. There is one
            worker at least, so small worlds have fewer servers than were wished for. A server
            without workers still holds data.
        kinds: Numbers of workers for custom kinds of tasks; the rest are regular.
        where: Where the kinds were asked for, for errors.

    Raises:
        InputError: If fewer than one server is asked for, or more workers than there are.
    """
    if servers is not None and servers < 1:
        raise InputError("--servers", f"is {servers}; give 1 or more servers")
    if size <= 2:
        workers, serving = range(size - 1, size), range(1)
    else:
        wished = servers if servers is not None else -(-(size - 1) // (WORKERS_PER_SERVER + 1))
        first = size - max(1, min(wished, size - 2))
        workers, serving = range(1, first), range(first, size)
    names, counts = _kinds(len(workers), kinds or {}, where)
    return Layout(size=size, workers=workers, servers=serving, kinds=names, counts=counts)


def _kinds(
    workers: int, kinds: Mapping[str, int], where: str
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    for name, count in kinds.items():
        if count < 1:
            raise InputError(where, f"{name}={count}: give 1 or more workers")
    custom = {name: count for name, count in kinds.items() if name != REGULAR}
    regular = workers - sum(custom.values())
    if regular < 0 or kinds.get(REGULAR, regular) != regular:
        asked = ", ".join(f"{name}={count}" for name, count in kinds.items())
        total = sum(kinds.values())
        remedy = "use more ranks, or ask for fewer"
        if total < workers:
            remedy = f"leave {REGULAR!r} out, which gets all that are left"
        problem = f"{asked} makes {total}, but this run has {_number(workers)}; {remedy}"
        raise InputError(where, problem)
    return (REGULAR, *custom), (regular, *custom.values())


def _number(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def describe(layout: Layout, hosts: Sequence[str] = ()) -> str:
    """Return the layout as one line for people.

    Args:
        layout: What to describe.
        hosts: Host name of each rank; empty if not known.
    """
    names = list(dict.fromkeys(hosts))
    place = f" on {names[0]}" if len(names) == 1 else f" on {len(names)} hosts" if names else ""
    plural = "s" if layout.size > 1 else ""
    kinds = ""
    if len(layout.kinds) > 1:
        pairs = zip(layout.kinds, layout.counts, strict=True)
        kinds = f" [{', '.join(f'{count} {name}' for name, count in pairs)}]"
    return (
        f"{layout.size} rank{plural}{place}: campaign 0, "
        f"{_ranks('worker', layout.workers)}{kinds}, {_ranks('server', layout.servers)}"
    )


def _ranks(noun: str, ranks: Sequence[int]) -> str:
    if len(ranks) == 1:
        return f"{noun} {ranks[0]}"
    return f"{noun}s {ranks[0]}-{ranks[-1]} ({len(ranks)})"
