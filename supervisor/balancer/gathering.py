"""One server's part in gangs: it lends idle workers; on the master, it also forms the gangs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from supervisor.balancer.dispatch import Dispatch
from supervisor.balancer.gangs import Gangs
from supervisor.balancer.handlers import Handlers
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import Load, Send
from supervisor.balancer.talk import (
    Claim,
    GiveBack,
    Lend,
    Wide,
)
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Result, Task


class Gathering:
    """Workers that are lent, and tasks on their way to the master.

    Args:
        rank: World rank of the server.
        layout: The roles of all ranks.
        dispatch: The server's queues and workers.
        hosts: On the master, the number of the host of each worker.
        names: Likewise, the names of the hosts.
    """

    on = Handlers[None]("server")

    def __init__(
        self,
        rank: int,
        layout: Layout,
        dispatch: Dispatch,
        hosts: Mapping[int, int],
        names: Sequence[str],
    ) -> None:
        self._rank = rank
        self._layout = layout
        self._dispatch = dispatch
        self._gangs = Gangs(layout, hosts, names) if rank == layout.master else None
        self._claims: dict[int, Claim] = {}
        self._unanswered: set[int] = set()  # kinds whose claims have just come
        self._lent: set[int] = set()

    @on(Claim)
    def _take_claim(self, message: Claim, source: int, now: float) -> None:
        if message.wanted:
            self._claims[message.kind] = message
            self._unanswered.add(message.kind)
        else:
            self._claims.pop(message.kind, None)

    @on(Lend)
    def _take_lend(self, message: Lend, source: int, now: float) -> None:
        self._master().take(message, source, now)

    @on(GiveBack)
    def _take_give_back(self, message: GiveBack, source: int, now: float) -> None:
        for worker in message.workers:
            self._lent.remove(worker)
            self._dispatch.wait(worker)

    # --- tasks ----------------------------------------------------------------------------

    def part(self, result: Result, worker: int, now: float) -> tuple[Task, Result] | list[int]:
        """Take a member's result; return the task's, with the task, when it was the last one.

        Or return the members that are to be ended, because this one has failed.
        """
        return self._master().part(result, worker, now)

    def remove(self, ids: Collection[int]) -> list[Task]:
        """Take out and return tasks that wait for their gangs."""
        return self._gangs.remove(ids) if self._gangs else []

    def late(self, now: float) -> list[Task]:
        """Take out the tasks that have lost their patience."""
        return self._gangs.late(now) if self._gangs else []

    def reprioritise(self, ids: Iterable[int], priority: int) -> None:
        """Change the priority of tasks that wait for their gangs."""
        if self._gangs:
            self._gangs.reprioritise(ids, priority)

    def ids(self) -> set[int]:
        """Return the ids of all tasks for gangs."""
        return self._gangs.ids() if self._gangs else set()

    def leaders(self, ids: Iterable[int]) -> dict[int, list[int]]:
        """Return the first members of the gangs that run some tasks, with their task."""
        return self._gangs.leaders(ids) if self._gangs else {}

    def idle(self) -> bool:
        """Return whether no task wants a gang, and all workers are where they belong."""
        return not self._lent and (self._gangs is None or self._gangs.idle())

    def load(self, load: Load, now: float) -> Load:
        """Return a server's load; on the master, all workers in gangs count."""
        if self._gangs is None:
            return load
        return msgspec.structs.replace(
            load,
            queued=load.queued + self._gangs.queued,
            running=load.running + self._gangs.running,
            busy_s=load.busy_s + self._gangs.working_s(now),
            held_s=self._gangs.held_s,
        )

    # --- matching -------------------------------------------------------------------------

    def gather(self, now: float) -> tuple[list[Send], list[tuple[Task, str]]]:
        """Pass tasks for gangs on to the master, which forms the gangs that can be; and lend.

        Returns:
            What is to be sent; and tasks that no gang can ever run, and why.
        """
        wide, self._dispatch.wide = self._dispatch.wide, []
        claimed = self._claims or self._unanswered
        if not wide and not claimed and (self._gangs is None or self._gangs.idle()):
            return [], []
        sends: list[Send] = []
        refused: list[tuple[Task, str]] = []
        if self._gangs is not None:
            refused = self._gangs.queue(wide, now)
            sends = self._gangs.form(now)
        elif wide:
            sends = [(self._layout.master, Wide(wide))]
        lent = self._lend()
        if lent or self._unanswered:
            sends.append((self._layout.master, Lend(lent, sorted(self._unanswered))))
            self._unanswered.clear()
        return sends, refused

    def _lend(self) -> list[int]:
        """Take out idle workers that the master wants, unless more urgent tasks wait for them."""
        dispatch = self._dispatch
        lent: list[int] = []
        for kind, claim in list(self._claims.items()):
            if dispatch.queues[kind].top > claim.priority:
                continue
            idle = [w for w in dispatch.idlers(kind) if not claim.only or w in claim.only]
            given = idle[: claim.wanted]  # those of the hosts where most are idle come first
            if len(given) == claim.wanted:
                del self._claims[kind]
            elif given:
                left = claim.wanted - len(given)
                self._claims[kind] = msgspec.structs.replace(claim, wanted=left)
            lent += given
        for worker in lent:
            dispatch.occupy(worker)
        self._lent.update(lent)
        return lent

    def _master(self) -> Gangs:
        if self._gangs is None:
            raise ProtocolError(f"server {self._rank} is not the master")
        return self._gangs
