"""Ids of data: who owns one, how ranks make them without talking, and sets of spent ones."""

from __future__ import annotations

from bisect import bisect_right


def owner(id: int, servers: int) -> int:
    """Return the index of the server, from 0, whose shard holds the datum."""
    return id % servers


class Ids:
    """New ids of one maker: positive, unique among all, small for as long as possible.

    The ids of one maker at one owner are evenly spaced, which is what ``IdSet`` compresses.

    Args:
        maker: Who makes the ids: the world rank of a worker, or for the client, which may share
            its rank with one, the number behind the last rank.
        makers: Number of all who make ids.
        servers: Number of servers.
    """

    def __init__(self, maker: int, makers: int, servers: int) -> None:
        self._maker = maker
        self._makers = makers
        self._servers = servers
        self._turn = maker  # they begin their round at different servers
        self._made: dict[int, int] = {}  # by owner
        self._unused: dict[int, list[int]] = {}  # by owner

    def take(self, at: int | None = None) -> int:
        """Return a new id, owned by the server of index ``at`` or by each in turn."""
        if at is None:
            at = self._turn % self._servers
            self._turn += 1
        elif not 0 <= at < self._servers:
            raise ValueError(f"there is no server {at}; they are 0 to {self._servers - 1}")
        if unused := self._unused.get(at):
            return unused.pop()
        made = self._made[at] = self._made.get(at, 0) + 1
        return (made * self._makers + self._maker) * self._servers + at

    @property
    def made(self) -> dict[int, int]:
        """How many were made so far, by owner."""
        return dict(self._made)

    def resume(self, made: dict[int, int]) -> None:
        """Go on after ids that this maker has made in another process."""
        self._made.update(made)

    def give_back(self, id: int) -> None:
        """Allow an id to be taken again, because no datum came to be of it."""
        self._unused.setdefault(owner(id, self._servers), []).append(id)


class IdSet:
    """A growing set of ids that stores runs of evenly spaced ones, not each.

    Args:
        stride: Distance of the ids in a run: makers times servers for ids made by ``Ids``.
    """

    __slots__ = ("_lanes", "_stride")

    def __init__(self, stride: int) -> None:
        self._stride = stride
        self._lanes: dict[int, list[int]] = {}  # bounds of runs: first, behind last, first, ...

    def __contains__(self, id: int) -> bool:
        place, lane = divmod(id, self._stride)
        return bisect_right(self._lanes.get(lane, ()), place) % 2 == 1

    def add(self, id: int) -> None:
        """Add an id that is not in the set."""
        place, lane = divmod(id, self._stride)
        bounds = self._lanes.setdefault(lane, [])
        at = bisect_right(bounds, place)
        after_run = at > 0 and bounds[at - 1] == place
        before_run = at < len(bounds) and bounds[at] == place + 1
        left = at - 1 if after_run else at
        right = at + 1 if before_run else at
        kept = ([] if after_run else [place]) + ([] if before_run else [place + 1])
        bounds[left:right] = kept

    @property
    def runs(self) -> int:
        """Number of runs, which is what the set costs."""
        return sum(len(bounds) for bounds in self._lanes.values()) // 2
