"""Knowing when all work is done: sets of ids are compared, nothing is counted or timed.

Every server keeps the ids announced to it and the ids finished with it. A task may be announced
to one server and finish with another, so no server can judge alone: the master asks all of them
(a census) and compares the union of what is open with the union of what finished elsewhere. A
late answer can only make a union too small on one side, never equal by accident, which sums of
counters can be.
"""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.balancer.messages import Tally


class Ledger:
    """The ids that one server knows of, less those it has seen both announced and finished."""

    __slots__ = ("foreign", "open")

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.foreign: set[int] = set()

    def announce(self, task_id: int) -> None:
        """Note that a task exists."""
        if task_id in self.foreign:
            self.foreign.discard(task_id)
        else:
            self.open.add(task_id)

    def finish(self, task_id: int) -> None:
        """Note that a task has its result."""
        if task_id in self.open:
            self.open.discard(task_id)
        else:
            self.foreign.add(task_id)


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

    @property
    def under_way(self) -> bool:
        """Whether answers of the current round are missing."""
        return self.round > 0 and self._tallies.keys() != self.servers

    def wanted(self) -> bool:
        """Note that something changed; return whether a round is to be started now."""
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
        tallies = self._tallies.values()
        announced = {task_id for tally in tallies for task_id in tally.open}
        finished = {task_id for tally in tallies for task_id in tally.foreign}
        return all(tally.drained for tally in tallies) and announced == finished
