"""The server: what it does about each message.

A server does no I/O. ``handle`` maps (message, source, time) to a list of sends and changes only
the server's own state; the wire and the simulator pump messages through it. Who gets which task is
decided in ``dispatch``, whom to steal from in ``stealing``, when everything is done in
``termination``; here the handlers only feed them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import singledispatchmethod

import msgspec

from supervisor.balancer.dispatch import Dispatch, tried_again
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    COUNTED,
    Assign,
    Cancel,
    Census,
    Discontinue,
    Drain,
    Ended,
    Finished,
    Forget,
    Halt,
    Halted,
    Inquire,
    Load,
    Loot,
    Message,
    Progress,
    Put,
    Quiet,
    Ready,
    Recall,
    Reported,
    Reprioritise,
    Returned,
    Send,
    Steal,
    Stop,
    StopEarly,
    Stopped,
    Tally,
    Withdraw,
)
from supervisor.balancer.stealing import Thief
from supervisor.balancer.termination import CensusTaker, Channels
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Failure, FailureKind, Result, Task


class Server:
    """One server's state and its answers to messages.

    Args:
        rank: World rank of this server.
        layout: The roles of all ranks.
        hosts: Number of the host of each worker at home here; workers that are left out share
            one host.
    """

    def __init__(self, rank: int, layout: Layout, hosts: Mapping[int, int] | None = None) -> None:
        self.rank = rank
        self.layout = layout
        self.dispatch = Dispatch(rank, layout, hosts or {})
        self.done = False
        self._thief = Thief(rank, layout.servers)
        self._withdrawn: set[int] = set()  # ids that may still arrive from another server
        self._priorities: dict[int, int] = {}  # likewise
        self._channels = Channels()
        self._census = CensusTaker(layout.servers) if rank == layout.master else None
        self._drained = False
        self._quiet = False
        self._stopped: set[int] = set()
        self._halted: set[int] = set()
        self._began_s = math.inf

    # --- the seam -------------------------------------------------------------------------

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message and return what to send because of it.

        Args:
            message: One of the types in ``messages.TO_SERVER``.
            source: World rank of the sender.
            now: Seconds by any steady clock.

        Raises:
            ProtocolError: If a server does not expect this message from this sender.
        """
        self._began_s = min(self._began_s, now)
        if isinstance(message, COUNTED):
            self._channels.received[source] += 1
            self._quiet = False
        sends = self._handle(message, source, now)
        for to, sent in sends:
            if isinstance(sent, COUNTED):
                self._channels.sent[to] += 1
                self._quiet = False
        sends.extend(self._notice_quiet())
        return sends

    @singledispatchmethod
    def _handle(self, message: Message, source: int, now: float) -> list[Send]:
        raise ProtocolError(
            f"server {self.rank} got {type(message).__name__} from rank {source}, "
            "which is not for a server"
        )

    # --- from the client ------------------------------------------------------------------

    @_handle.register
    def _(self, message: Put, source: int, now: float) -> list[Send]:
        if self._drained:
            raise ProtocolError(f"server {self.rank}: rank {source} put tasks after its drain")
        self.dispatch.queue(message.tasks, now)
        return self._match(now)

    @_handle.register
    def _(self, message: Withdraw, source: int, now: float) -> list[Send]:
        """Answer queued tasks at once; pass the others on to the workers that hold them."""
        sends = self._cancelled(self.dispatch.remove(message.ids))
        if len(self.layout.servers) > 1:
            self._withdrawn.update(message.ids)
        if message.running:
            holders = self.dispatch.holders(message.ids)
            sends.extend((worker, Cancel(ids)) for worker, ids in holders.items())
        return sends

    @_handle.register
    def _(self, message: Reprioritise, source: int, now: float) -> list[Send]:
        tasks = self.dispatch.remove(message.ids)
        changed = (msgspec.structs.replace(task, priority=message.priority) for task in tasks)
        self.dispatch.queue(changed, now)
        if len(self.layout.servers) > 1:
            self._priorities.update(dict.fromkeys(message.ids, message.priority))
        return []

    @_handle.register
    def _(self, message: Forget, source: int, now: float) -> list[Send]:
        self._withdrawn.difference_update(message.ids)
        for task_id in message.ids:
            self._priorities.pop(task_id, None)
        return []

    @_handle.register
    def _(self, message: Discontinue, source: int, now: float) -> list[Send]:
        return [(worker, StopEarly(message.id)) for worker in self.dispatch.holders([message.id])]

    @_handle.register
    def _(self, message: Inquire, source: int, now: float) -> list[Send]:
        load = Load(
            queued=self.dispatch.queued,
            running=self.dispatch.running,
            workers=len(self.dispatch.workers),
            busy_s=self.dispatch.busy_s(now),
            elapsed_s=now - self._began_s,
        )
        return [(source, load)]

    @_handle.register
    def _(self, message: Drain, source: int, now: float) -> list[Send]:
        self._drained = True
        return []

    # --- from workers ---------------------------------------------------------------------

    @_handle.register
    def _(self, message: Ready, source: int, now: float) -> list[Send]:
        finished: list[Result] = []
        for result in message.results:
            task = self.dispatch.settle(result, source)
            if self._may_run_again(task, result):
                self.dispatch.queue([tried_again(task, source)], now)
            else:
                finished.append(result)
        self.dispatch.heard(source, wanted=message.wanted, now=now)
        sends = self._match(now)
        if finished:
            sends.append((self.layout.client, Finished(finished)))
        return sends

    @_handle.register
    def _(self, message: Progress, source: int, now: float) -> list[Send]:
        return [(self.layout.client, Reported(message.reports))]

    @_handle.register
    def _(self, message: Returned, source: int, now: float) -> list[Send]:
        self.dispatch.give_back(source, message.slices, now)
        return self._match(now)

    @_handle.register
    def _(self, message: Stopped, source: int, now: float) -> list[Send]:
        self._stopped.add(source)
        if len(self._stopped) < len(self.dispatch.workers):
            return []
        self.done = self.rank != self.layout.master
        return [(self.layout.master, Halted())]

    # --- from servers ---------------------------------------------------------------------

    @_handle.register
    def _(self, message: Steal, source: int, now: float) -> list[Send]:
        kinds = frozenset(message.kinds)
        tasks = self.dispatch.level(kinds, message.have, now)
        if not tasks and message.remember:
            self._thief.hungry[source] = kinds
            return self._recall()
        return [(source, Loot(tasks))]

    @_handle.register
    def _(self, message: Loot, source: int, now: float) -> list[Send]:
        self._thief.take_answer(source, empty=not message.tasks)
        gone = [task for task in message.tasks if task.id in self._withdrawn]
        for task in message.tasks:
            if task.id in self._priorities:
                task = msgspec.structs.replace(task, priority=self._priorities[task.id])
            if task.id not in self._withdrawn:
                self.dispatch.queue([task], now)
        return [*self._cancelled(gone), *self._match(now)]

    @_handle.register
    def _(self, message: Quiet, source: int, now: float) -> list[Send]:
        return self._start_census() if self._master().wanted() else []

    @_handle.register
    def _(self, message: Census, source: int, now: float) -> list[Send]:
        sent, received = dict(self._channels.sent), dict(self._channels.received)
        return [(source, Tally(message.round, self._idle(), sent, received))]

    @_handle.register
    def _(self, message: Tally, source: int, now: float) -> list[Send]:
        master = self._master()
        if master.add(source, message):
            return [(server, Halt()) for server in self.layout.servers]
        return self._start_census() if master.again() else []

    @_handle.register
    def _(self, message: Halt, source: int, now: float) -> list[Send]:
        return [(worker, Stop()) for worker in self.dispatch.workers]

    @_handle.register
    def _(self, message: Halted, source: int, now: float) -> list[Send]:
        self._halted.add(source)
        if len(self._halted) < len(self.layout.servers):
            return []
        self.done = True
        return [(self.layout.client, Ended())]

    # --- what follows ---------------------------------------------------------------------

    def _match(self, now: float) -> list[Send]:
        """Serve waiting workers, then hungry servers; look for more."""
        assigned, late = self.dispatch.match(now)
        sends: list[Send] = [(worker, Assign(tasks)) for worker, tasks in assigned]
        sends.extend(self._failed(late, "late", "had not begun when its patience was over"))
        hungry = self._thief.hungry
        loot = self.dispatch.deal(list(hungry.values()), now)
        for thief, tasks in zip(list(hungry), loot, strict=True):
            if tasks:
                del hungry[thief]
                sends.append((thief, Loot(tasks)))
        sends.extend(self._recall())
        sends.extend(self._seek())
        return sends

    def _recall(self) -> list[Send]:
        hungry = frozenset[int]().union(*self._thief.hungry.values())
        return [(worker, Recall(width)) for worker, width in self.dispatch.recalls(hungry)]

    def _seek(self) -> list[Send]:
        """Ask other servers for the tasks that workers wait for in vain.

        Or for a fair share of what they have, each time when half of the own tasks are gone: a
        server with few tasks would soon begin those of low priority while others still have many
        of a high one.
        """
        wanted = self.dispatch.wanted()
        if wanted:
            victims, remember = self._thief.victims(wanted)
            return [(victim, Steal(sorted(wanted), 0, remember)) for victim in victims]
        queued = self.dispatch.queued
        victims = self._thief.partners(queued)
        kinds = sorted(set(self.dispatch.kind_of.values()))
        return [(victim, Steal(kinds, queued, remember=False)) for victim in victims]

    def _may_run_again(self, task: Task, result: Result) -> bool:
        if result.failure is None or result.failure.kind == "cancelled":
            return False
        return task.attempts > 1 and not task.parts and task.id not in self._withdrawn

    def _cancelled(self, tasks: list[Task]) -> list[Send]:
        return self._failed(tasks, "cancelled", "withdrawn before it began")

    def _failed(self, tasks: list[Task], kind: FailureKind, text: str) -> list[Send]:
        """Return the results of tasks that are not run."""
        if not tasks:
            return []
        results = [
            Result(task.id, b"", Failure(kind, text), first=task.first, width=task.width)
            for task in tasks
        ]
        return [(self.layout.client, Finished(results))]

    # --- the end --------------------------------------------------------------------------

    def _idle(self) -> bool:
        """Return whether nothing can happen here unless another server sends something."""
        return self._drained and self.dispatch.idle()

    def _notice_quiet(self) -> list[Send]:
        """Tell the master, once each time, that this server is idle."""
        if not self._idle():
            self._quiet = False
            return []
        if self._quiet:
            return []
        self._quiet = True
        return [(self.layout.master, Quiet())]

    def _master(self) -> CensusTaker:
        if self._census is None:
            raise ProtocolError(f"server {self.rank} is not the master")
        return self._census

    def _start_census(self) -> list[Send]:
        census = Census(self._master().round)
        return [(server, census) for server in self.layout.servers]

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself; for tests and simulations."""
        self.dispatch.check()
