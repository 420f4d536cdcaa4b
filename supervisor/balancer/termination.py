"""Knowing when all work is done, without timers.

The master asks all servers for a tally (a census). The work is done when every server is idle and
has heard that the client puts nothing more, and between any two servers the messages received
are exactly those sent. Messages between two servers stay in order, so the set of those that were
sent is known by the number of the last one; the sets are compared pair by pair. Sums over all
servers, which can agree by accident, are never compared.

Why it is right: if the sets agree, no message crossed the line that the moments of the tallies
draw through the run, in either direction. What is true of all servers at these different moments
was then true of the whole run at once, with nothing under way.

Source:
    Mattern, Algorithms for distributed termination detection, Distributed Computing 2, 1987.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from supervisor.balancer.talk import Tally


class Channels:
    """The numbers of the last messages that one server exchanged with each other one."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.sent: Counter[int] = Counter()
        self.received: Counter[int] = Counter()


class CensusTaker:
    """The master's side of the census.

    Args:
        servers: World ranks of all servers, the master's included.
    """

    def __init__(self, servers: Iterable[int]) -> None:
        self.servers = frozenset(servers)
        self.round = 0
        self._tallies: dict[int, Tally] = {}
        self._again = False
        self._idle: set[int] = set()  # servers that have been

    @property
    def under_way(self) -> bool:
        """Whether answers of the current round are missing."""
        return self.round > 0 and self._tallies.keys() != self.servers

    def wanted(self, source: int) -> bool:
        """Note that a server is idle; return whether a round is to be started now.

        None is before all have been idle once: who falls idle last always says so.
        """
        self._idle.add(source)
        if len(self._idle) < len(self.servers):
            return False
        if self.under_way:
            self._again = True
            return False
        self._start()
        return True

    def add(self, source: int, tally: Tally) -> bool:
        """Take one answer; return whether the round is complete and all work is done."""
        if tally.round != self.round:
            return False
        self._tallies[source] = tally
        return not self.under_way and self._all_done()

    @property
    def waiting(self) -> int:
        """Number of tasks that waited for data when the last round was taken."""
        return sum(tally.waiting for tally in self._tallies.values())

    def again(self) -> bool:
        """Return whether a new round is to be started, because something changed meanwhile."""
        if self.under_way or not self._again:
            return False
        self._start()
        return True

    def _start(self) -> None:
        self.round += 1
        self._tallies.clear()
        self._again = False

    def _all_done(self) -> bool:
        if not all(tally.idle for tally in self._tallies.values()):
            return False
        sent = {
            (here, there): number
            for here, tally in self._tallies.items()
            for there, number in tally.sent.items()
        }
        received = {
            (there, here): number
            for here, tally in self._tallies.items()
            for there, number in tally.received.items()
        }
        return sent == received
