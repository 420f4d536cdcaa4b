"""Where tasks may run: which servers have workers for them."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.balancer.gangs import Gangs
from supervisor.balancer.layout import Layout
from supervisor.core.errors import InputError
from supervisor.core.task import Gang, Target, Task


class Places:
    """Kinds, ranks and hosts of all workers, as the client sees them.

    Args:
        layout: The roles of all ranks.
        hosts: Host name of each rank.

    Attributes:
        teams: By server, the number of workers of each kind at home there.
        host_numbers: Number of the host of each rank.
    """

    def __init__(self, layout: Layout, hosts: Sequence[str]) -> None:
        self._layout = layout
        self._hosts = hosts
        self.teams = {server: _team(layout, server) for server in layout.servers}
        self._able = [
            [server for server in layout.servers if self.teams[server][kind]]
            for kind in range(len(layout.kinds))
        ]
        numbers = {host: number for number, host in enumerate(dict.fromkeys(hosts))}
        self.host_numbers = [numbers[host] for host in hosts]
        self._gangs = Gangs(layout, dict(enumerate(self.host_numbers)))
        self._homes: dict[tuple[int, int, int], list[int]] = {}  # servers of targets seen before

    def location(self, rank: int, host: str, hard: bool) -> Target:
        """Return a target: one worker's rank, or any worker of a host.

        Raises:
            InputError: If there is no such worker.
        """
        if host:
            if host not in (self._hosts[worker] for worker in self._layout.workers):
                known = ", ".join(dict.fromkeys(self._hosts[w] for w in self._layout.workers))
                raise InputError(f"location(host={host!r})", f"no worker is there; hosts: {known}")
            return Target(host=self.host_numbers[self._hosts.index(host)], hard=hard)
        if rank not in self._layout.workers:
            workers = self._layout.workers
            problem = f"is no worker; workers are the ranks {workers[0]} to {workers[-1]}"
            raise InputError(f"location(rank={rank})", problem)
        return Target(rank=rank, hard=hard)

    def servers_for(self, task: Task) -> Sequence[int]:
        """Return the servers whose workers may run a task, the better ones if there are such."""
        able = self._able[task.kind]
        if not able:
            raise InputError(f"task {task.id}", f"no worker takes {self._named(task.kind)}")
        if task.gang is not None:
            return self._gathered(task, task.gang)
        if task.target is not None:
            return self._targeted(task, task.target, able)
        if task.avoid in self._layout.workers and len(able) > 1:
            return [server for server in able if server != self._layout.home(task.avoid)]
        return able

    def _gathered(self, task: Task, gang: Gang) -> Sequence[int]:
        """Return the master, which forms all gangs."""
        if problem := self._gangs.problem(task.kind, gang):
            raise InputError(f"task {task.id}", f"{problem}; use more ranks, or ask for fewer")
        if task.target is not None:
            raise InputError(f"task {task.id}", "has both a size and a location; give one of them")
        return [self._layout.master]

    def _targeted(self, task: Task, target: Target, able: Sequence[int]) -> Sequence[int]:
        key = (target.rank, target.host, task.kind)
        homes = self._homes.get(key)
        if homes is None:
            homes = self._homes[key] = sorted(
                {
                    self._layout.home(worker)
                    for worker in self._layout.workers
                    if (worker == target.rank or self.host_numbers[worker] == target.host)
                    and self._layout.kind_of(worker) == task.kind
                }
            )
        if not homes and target.hard:
            place = f"rank {target.rank}" if target.rank >= 0 else f"host {target.host}"
            raise InputError(f"task {task.id}", f"{place} does not take {self._named(task.kind)}")
        return homes or able

    def _named(self, kind: int) -> str:
        return f"tasks of kind {self._layout.kinds[kind]!r}"


def _team(layout: Layout, server: int) -> list[int]:
    """Return the number of workers of each kind at home on a server."""
    kinds = [layout.kind_of(worker) for worker in layout.workers_of(server)]
    return [kinds.count(kind) for kind in range(len(layout.kinds))]
