"""The server: what it does about each message.

A server does no I/O. ``handle`` maps (message, source, time) to a list of sends and changes only
the server's own state; the wire and the simulator pump messages through it. Who gets which task is
decided in ``dispatch``, whom to steal from in ``stealing``, when everything is done in
``termination``; here the handlers only feed them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from supervisor.balancer import outcomes
from supervisor.balancer.changes import Changes
from supervisor.balancer.dispatch import Dispatch
from supervisor.balancer.ending import Ending
from supervisor.balancer.flow import CLIENT, Effects, Flow
from supervisor.balancer.gathering import Gathering
from supervisor.balancer.handlers import Handlers
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Answered,
    Ask,
    Assign,
    Cancel,
    Discontinue,
    Fetch,
    Fetched,
    Finished,
    Forget,
    Inquire,
    Message,
    Parted,
    Progress,
    Put,
    Ready,
    Reported,
    Reprioritise,
    Returned,
    Send,
    StopEarly,
    Trouble,
    Withdraw,
)
from supervisor.balancer.stealing import Thief
from supervisor.balancer.talk import (
    Abandon,
    Apply,
    Loot,
    Noticed,
    Steal,
    Wide,
)
from supervisor.core.errors import ProtocolError
from supervisor.core.task import FailureKind, Result, Task


class Server:
    """One server's state and its answers to messages.

    Args:
        rank: World rank of this server.
        layout: The roles of all ranks.
        hosts: Number of the host of each worker at home here, on the master of every worker;
            those that are left out share one host.
        names: On the master, the names of the hosts.
    """

    _on = Handlers[list[Send]]("server")

    def __init__(
        self,
        rank: int,
        layout: Layout,
        hosts: Mapping[int, int] | None = None,
        names: Sequence[str] = (),
    ) -> None:
        self.rank = rank
        self.layout = layout
        self.dispatch = Dispatch(rank, layout, hosts or {})
        self.flow = Flow(rank, layout)
        self._gathering = Gathering(rank, layout, self.dispatch, hosts or {}, names)
        self._thief = Thief(rank, layout.servers, self.dispatch)
        self._changes = Changes()
        self._ending = Ending(rank, layout, self.dispatch, self.flow, self._gathering)
        self._began_s = math.inf

    # --- the seam -------------------------------------------------------------------------

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message and return what to send because of it.

        Args:
            message: One of the types in ``protocol.TO_SERVER``.
            source: World rank of the sender.
            now: Seconds by any steady clock.

        Raises:
            ProtocolError: If a server does not expect this message from this sender.
        """
        if now < self._began_s:
            self._began_s = now
        self._ending.received(message, source)
        kind = type(message)
        if kind in Ending.on:
            sends = Ending.on.find(kind, source)(self._ending, message, source, now)
        elif kind in Gathering.on:
            Gathering.on.find(kind, source)(self._gathering, message, source, now)
            sends = self._match(now)
        else:
            sends = self._on.find(kind, source)(self, message, source, now)
        sends.extend(self._ending.sent(sends))
        return sends

    @property
    def done(self) -> bool:
        """Whether this server and its workers have stopped."""
        return self._ending.done

    # --- from the client ------------------------------------------------------------------

    @_on(Put)
    def _take_put(self, message: Put, source: int, now: float) -> list[Send]:
        if self._ending.drained and message.tasks:
            raise ProtocolError(f"server {self.rank}: rank {source} put tasks after its drain")
        plain = not (message.first or message.then or any(one.inputs for one in message.tasks))
        if plain and not self._changes.over:
            self.dispatch.queue(message.tasks, now)
            return self._match(now)
        self.flow.admit(message.first, message.tasks, message.then, effects := Effects())
        return self._follow(effects, now)

    @_on(Withdraw)
    def _take_withdraw(self, message: Withdraw, source: int, now: float) -> list[Send]:
        """Answer queued tasks at once; pass the others on to the workers that hold them."""
        ids: Collection[int] = message.ids
        if message.every:
            self._changes.over = True
            ids = self.dispatch.ids() | self.flow.ids()
            ids |= self._gathering.ids()
        tasks = [*self.dispatch.remove(ids), *self._gathering.remove(ids)]
        tasks += self.flow.withdraw(ids)
        sends = self._failed(tasks, *outcomes.WITHDRAWN, now)
        self._changes.withdraw(ids)
        if message.running:
            holders = self.dispatch.holders(ids) | self._gathering.leaders(ids)
            sends.extend((worker, Cancel(ids)) for worker, ids in holders.items())
        return [*sends, *self._match(now)]

    @_on(Reprioritise)
    def _take_reprioritise(self, message: Reprioritise, source: int, now: float) -> list[Send]:
        self.dispatch.reprioritise(message.ids, message.priority)
        self._gathering.reprioritise(message.ids, message.priority)
        if len(self.layout.servers) > 1:
            self._changes.reprioritise(message.ids, message.priority)
        return []

    @_on(Forget)
    def _take_forget(self, message: Forget, source: int, now: float) -> list[Send]:
        self._changes.forget(message.ids)
        return []

    @_on(Discontinue)
    def _take_discontinue(self, message: Discontinue, source: int, now: float) -> list[Send]:
        ids = [message.id]
        holders = self.dispatch.holders(ids) | self._gathering.leaders(ids)
        return [(worker, StopEarly(message.id)) for worker in holders]

    @_on(Inquire)
    def _take_inquire(self, message: Inquire, source: int, now: float) -> list[Send]:
        load = self.dispatch.load(now, elapsed_s=now - self._began_s)
        late = [*self.dispatch.late(now), *self._gathering.late(now)]  # who asks does so regularly
        return [
            (source, self._gathering.load(load, now)),
            *self._failed(late, *outcomes.LATE, now),
        ]

    @_on(Ask)
    def _take_ask(self, message: Ask, source: int, now: float) -> list[Send]:
        effects = Effects()
        answer = self.flow.answer(message.operation, CLIENT, effects)
        return [(source, Answered(message.request, answer)), *self._follow(effects, now)]

    # --- from workers ---------------------------------------------------------------------

    @_on(Ready)
    def _take_ready(self, message: Ready, source: int, now: float) -> list[Send]:
        results = [(self.dispatch.settle(one, source), one) for one in message.results]
        self.dispatch.heard(source, wanted=message.wanted, now=now)
        return self._settle(results, source, now)

    def _settle(
        self, results: Iterable[tuple[Task, Result]], source: int, now: float
    ) -> list[Send]:
        """Do what follows from results, and tell the client of them."""
        finished: list[Result] = []
        effects = Effects()
        for task, result in results:
            self.flow.admit(result.operations, result.tasks, (), effects)
            if not self._changes.ended(task) and outcomes.may_run_again(task, result):
                effects.ready.append(outcomes.tried_again(task, source))
                continue
            self.flow.finish(task, result, effects)
            if not task.quiet:
                finished.append(outcomes.for_client(task, result))
        sends = self._follow(effects, now)
        if finished:
            sends.append((self.layout.client, Finished(finished)))
        return sends

    @_on(Parted)
    def _take_parted(self, message: Parted, source: int, now: float) -> list[Send]:
        settled = self._gathering.part(message.result, source, now)
        if isinstance(settled, list):
            return [(member, Cancel([message.result.id])) for member in settled]
        return self._settle([settled], source, now)

    @_on(Progress)
    def _take_progress(self, message: Progress, source: int, now: float) -> list[Send]:
        return [(self.layout.client, Reported(message.reports))]

    @_on(Returned)
    def _take_returned(self, message: Returned, source: int, now: float) -> list[Send]:
        self.dispatch.give_back(source, message.slices, now)
        withdrawn = self._changes.withdrawn_of(one for one, _, _ in message.slices)
        gone = self.dispatch.remove(withdrawn)
        return [*self._failed(gone, *outcomes.WITHDRAWN, now), *self._match(now)]

    @_on(Fetch)
    def _take_fetch(self, message: Fetch, source: int, now: float) -> list[Send]:
        value, failure = self.flow.fetch(message.id, message.key)
        return [(source, Fetched(message.id, message.key, value, failure))]

    # --- from servers ---------------------------------------------------------------------

    @_on(Steal)
    def _take_steal(self, message: Steal, source: int, now: float) -> list[Send]:
        kinds = frozenset(message.kinds)
        tasks = self.dispatch.level(kinds, message.have, now)
        if not tasks and message.remember:
            self._thief.hungry[source] = kinds
            return self._thief.recall()
        return [(source, Loot(tasks))]

    @_on(Loot)
    def _take_loot(self, message: Loot, source: int, now: float) -> list[Send]:
        self._thief.take_answer(source, empty=not message.tasks)
        return self._take_over(message.tasks, now)

    @_on(Wide)
    def _take_wide(self, message: Wide, source: int, now: float) -> list[Send]:
        return self._take_over(message.tasks, now)

    def _take_over(self, tasks: Iterable[Task], now: float) -> list[Send]:
        """Queue another server's tasks, as they were changed while they were under way."""
        going, gone = self._changes.sort(tasks)
        self.dispatch.queue(going, now)
        return [*self._failed(gone, *outcomes.WITHDRAWN, now), *self._match(now)]

    @_on(Apply)
    def _take_apply(self, message: Apply, source: int, now: float) -> list[Send]:
        self.flow.take(message.operation, source, effects := Effects())
        return self._follow(effects, now)

    @_on(Noticed)
    def _take_noticed(self, message: Noticed, source: int, now: float) -> list[Send]:
        self.flow.notice(message.notice, effects := Effects())
        return self._follow(effects, now)

    @_on(Abandon)
    def _take_abandon(self, message: Abandon, source: int, now: float) -> list[Send]:
        self._ending.look_again()  # the end comes without these tasks
        text = "waits for data that nobody will write"
        return self._failed(self.flow.give_up(), "unwritten", text, now)

    # --- what follows ---------------------------------------------------------------------

    def _follow(self, effects: Effects, now: float) -> list[Send]:
        """Do what follows from data that were written."""
        sends: list[Send] = []
        while effects.failed or (self._changes.over and effects.ready):
            if self._changes.over:
                ready, effects.ready = effects.ready, []
                sends.extend(self._end(ready, *outcomes.WITHDRAWN, effects))
            failed, effects.failed = effects.failed, []  # what needs them fails too, and so on
            for task, text in failed:
                sends.extend(self._end([task], "unwritten", text, effects))
        self.dispatch.queue(effects.ready, now)
        sends.extend(effects.sends)
        sends.extend((self.layout.client, Trouble(fault)) for fault in effects.faults)
        sends.extend(self._match(now))
        return sends

    def _match(self, now: float) -> list[Send]:
        """Serve waiting workers, then hungry servers; look for more."""
        sends, refused = self._gathering.gather(now)
        for task, problem in refused:
            sends.extend(self._failed([task], "invalid", problem, now))
        assigned, late = self.dispatch.match(now)
        sends.extend((worker, Assign(tasks)) for worker, tasks in assigned)
        if late:
            sends.extend(self._failed(late, *outcomes.LATE, now))
        sends.extend(self._thief.trade(now))
        return sends

    def _failed(self, tasks: list[Task], kind: FailureKind, text: str, now: float) -> list[Send]:
        """Answer tasks that are not run, and let those know that wait for their outputs."""
        if not tasks:
            return []
        effects = Effects()
        sends = self._end(tasks, kind, text, effects)
        if effects.sends or effects.failed or effects.faults or effects.ready:
            sends.extend(self._follow(effects, now))
        return sends

    def _end(
        self, tasks: list[Task], kind: FailureKind, text: str, effects: Effects
    ) -> list[Send]:
        """Let tasks that nobody runs have ended."""
        ended = [(task, outcomes.not_run(task, kind, text)) for task in tasks]
        for task, result in ended:
            self.flow.finish(task, result, effects)
        told = [result for task, result in ended if not task.quiet]
        return [(self.layout.client, Finished(told))] if told else []

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself; for tests and simulations."""
        self.dispatch.check()
        self.flow.check()
