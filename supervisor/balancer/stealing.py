"""Who steals from whom: a few random victims first, then lifelines.

A server whose workers want tasks asks random other servers. When these have none, it makes itself
known to its lifelines, a few fixed neighbours, and waits: a neighbour that gets more than its
workers can take gives half to those who asked. So idle servers exchange no messages and need no
timer, and work that is put on one server reaches all others in a logarithmic number of steps,
since the lifelines of all servers span a graph of logarithmic diameter.

Source:
    Saraswat, Kambadur, Kodali, Grove & Krishnamoorthy, Lifeline-based global load balancing,
    PPoPP 2011.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from supervisor.balancer.dispatch import Dispatch
from supervisor.balancer.messages import Recall, Send
from supervisor.balancer.talk import Loot, Steal

RANDOM_VICTIMS = 2


class Thief:
    """One server's side of stealing; it decides whom to ask, and remembers who asked.

    Args:
        rank: World rank of this server.
        servers: World ranks of all servers.
        dispatch: The server's queues and workers.
    """

    def __init__(self, rank: int, servers: Sequence[int], dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self.asked: int | None = None  # the random victim whose answer is awaited
        self.hungry: dict[int, frozenset[int]] = {}  # servers that wait for us: kinds they want
        self._rng = random.Random(rank)
        self.others = [server for server in servers if server != rank]
        self._lifelines = lifelines(rank, servers)
        self._known: dict[int, frozenset[int]] = {}  # lifelines that know what we want
        self._misses = 0
        self._mark = 0  # the most tasks since the last time that queues were levelled
        self._levelling = False

    def victims(self, kinds: frozenset[int]) -> tuple[list[int], bool]:
        """Return whom to ask for tasks of these kinds now, and whether they are to remember."""
        if self.asked is not None or not self.others:
            return [], False
        if self._misses < RANDOM_VICTIMS:
            self.asked = self._rng.choice(self.others)
            return [self.asked], False
        new = [one for one in self._lifelines if not kinds <= self._known.get(one, frozenset())]
        self._known.update(dict.fromkeys(new, kinds))
        return new, True

    def partners(self, queued: int) -> list[int]:
        """Return whom to level the queues with, if it is time for it.

        Args:
            queued: Units of work in this server's queues.
        """
        self._mark = max(self._mark, queued)
        if not 0 < queued <= self._mark / 2 or self.asked is not None or not self.others:
            return []
        self._mark = queued
        self._levelling = True
        self.asked = self._rng.choice(self.others)
        return [self.asked]

    def take_answer(self, victim: int, *, empty: bool) -> None:
        """Note what a victim answered, or what a lifeline gave."""
        levelled = self._levelling and self.asked == victim
        if self.asked == victim:
            self.asked = None
            self._levelling = False
        if empty:
            self._misses += not levelled
        else:
            self._misses = 0
            self._known.pop(victim, None)

    # --- what is sent ---------------------------------------------------------------------

    def trade(self, now: float) -> list[Send]:
        """Serve hungry servers; look for more, among own workers and elsewhere."""
        sends = self.feed(now) if self.others else []
        if self._dispatch.loaded:
            sends.extend(self.recall())
        if self.others:
            sends.extend(self.seek())
        return sends

    def feed(self, now: float) -> list[Send]:
        """Give hungry servers their shares of what is queued."""
        loot = self._dispatch.deal(list(self.hungry.values()), now)
        given = [(thief, tasks) for thief, tasks in zip(self.hungry, loot, strict=True) if tasks]
        for thief, _ in given:
            del self.hungry[thief]
        return [(thief, Loot(tasks)) for thief, tasks in given]

    def recall(self) -> list[Send]:
        """Ask own workers for what they have not begun, for others that have nothing."""
        hungry = frozenset[int]().union(*self.hungry.values())
        return [(worker, Recall(width)) for worker, width in self._dispatch.recalls(hungry)]

    def seek(self) -> list[Send]:
        """Ask other servers for the tasks that workers wait for in vain.

        Or for a fair share of what they have, each time when half of the own tasks are gone: a
        server with few tasks would soon begin those of low priority while others still have many
        of a high one.
        """
        wanted = self._dispatch.wanted()
        if wanted:
            victims, remember = self.victims(wanted)
            return [(victim, Steal(sorted(wanted), 0, remember)) for victim in victims]
        queued = self._dispatch.queued
        victims = self.partners(queued)
        kinds = sorted(set(self._dispatch.kind_of.values()))
        return [(victim, Steal(kinds, queued, remember=False)) for victim in victims]


def lifelines(rank: int, servers: Sequence[int]) -> list[int]:
    """Return the neighbours of a server: those 1, 2, 4, ... places on, around the circle."""
    here, size = servers.index(rank), len(servers)
    steps = [1 << power for power in range((size - 1).bit_length())]
    places = {(here + step) % size for step in steps} - {here}
    return [servers[place] for place in sorted(places)]
