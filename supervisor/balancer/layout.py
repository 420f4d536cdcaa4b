"""Which rank does what.

rank 0             client: the campaign
ranks 1 .. N-S-1   workers
ranks N-S .. N-1   servers

One rank plays all three roles; of two ranks, rank 0 is client and server.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from supervisor.core.errors import InputError

WORKERS_PER_SERVER = 64


class Layout(msgspec.Struct, frozen=True):
    """The roles of all ranks.

    Attributes:
        size: Number of ranks.
        workers: World ranks of the workers: consecutive, ascending.
        servers: World ranks of the servers: likewise; the first one is the master.
    """

    size: int
    workers: tuple[int, ...]
    servers: tuple[int, ...]

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

    def workers_of(self, server: int) -> tuple[int, ...]:
        """Return the workers at home on a server."""
        return self.workers[server - self.servers[0] :: len(self.servers)]


def split(size: int, servers: int | None = None) -> Layout:
    """Give each of ``size`` ranks its roles.

    Args:
        size: Number of ranks, at least 1.
        servers: Number of servers wished for; None for one for each 64 workers. Every server
            has a worker at least, so small worlds have fewer servers than were wished for.

    Raises:
        InputError: If fewer than one server is asked for.
    """
    if servers is not None and servers < 1:
        raise InputError("--servers", f"is {servers}; give 1 or more servers")
    if size <= 2:
        return Layout(size=size, workers=(size - 1,), servers=(0,))
    wished = servers if servers is not None else -(-(size - 1) // (WORKERS_PER_SERVER + 1))
    count = max(1, min(wished, (size - 1) // 2))
    first = size - count
    return Layout(size=size, workers=tuple(range(1, first)), servers=tuple(range(first, size)))


def describe(layout: Layout, hosts: Sequence[str] = ()) -> str:
    """Return the layout as one line for people.

    Args:
        layout: What to describe.
        hosts: Host name of each rank; empty if not known.
    """
    names = list(dict.fromkeys(hosts))
    place = f" on {names[0]}" if len(names) == 1 else f" on {len(names)} hosts" if names else ""
    plural = "s" if layout.size > 1 else ""
    return (
        f"{layout.size} rank{plural}{place}: campaign 0, "
        f"{_ranks('worker', layout.workers)}, {_ranks('server', layout.servers)}"
    )


def _ranks(noun: str, ranks: Sequence[int]) -> str:
    if len(ranks) == 1:
        return f"{noun} {ranks[0]}"
    return f"{noun}s {ranks[0]}-{ranks[-1]} ({len(ranks)})"
