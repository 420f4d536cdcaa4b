"""The server: a queue and the workers at home on it.

A server does no I/O. ``handle`` maps (message, source, time) to a list of sends and changes only
the server's own state; the wire and the simulator pump messages through it. What decides when
everything is done lives in ``termination``; here the handlers only feed it.
"""

from __future__ import annotations

import math
from functools import singledispatchmethod

from supervisor.balancer.credit import Credit
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Assign,
    Cancel,
    Census,
    Discontinue,
    Drain,
    Ended,
    Finished,
    Halt,
    Halted,
    Inquire,
    Load,
    Message,
    Progress,
    Put,
    Quiet,
    Ready,
    Recall,
    Reported,
    Returned,
    Send,
    Stop,
    StopEarly,
    Stopped,
    Tally,
    Withdraw,
)
from supervisor.balancer.queue import TaskQueue
from supervisor.balancer.termination import CensusTaker, Ledger
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Failure, Result, Task


class Server:
    """One server's state and its answers to messages.

    Args:
        rank: World rank of this server.
        layout: The roles of all ranks.
    """

    def __init__(self, rank: int, layout: Layout) -> None:
        self.rank = rank
        self.layout = layout
        self.workers = layout.workers_of(rank)
        self.queue = TaskQueue()
        self.ledger = Ledger()
        self.waiting: dict[int, None] = {}  # workers that want tasks, the longest first
        self.held: dict[int, dict[int, Task]] = {worker: {} for worker in self.workers}
        self.recalled: set[int] = set()  # workers that are not to be asked again for now
        self.stopped: set[int] = set()
        self.halted: set[int] = set()
        self.drained = False
        self.done = False
        self._holder: dict[int, int] = {}  # task id to the worker that holds it
        self._credit = Credit(len(self.workers))
        self._loaded: set[int] = set()  # workers with tasks that they cannot have begun
        self._busy_since: dict[int, float] = {}  # of workers that hold tasks: the last news
        self._busy_s = 0.0
        self._began_s = math.inf
        self._census = CensusTaker(layout.servers) if rank == layout.master else None
        self._quiet = False

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
        sends = self._handle(message, source, now)
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
        if self.drained:
            raise ProtocolError(f"server {self.rank}: rank {source} put tasks after its drain")
        for task in message.tasks:
            self.ledger.announce(task.id)
            self.queue.push(task)
        return self._match(now)

    @_handle.register
    def _(self, message: Withdraw, source: int, now: float) -> list[Send]:
        """Answer queued tasks at once; pass the others on to the workers that hold them."""
        cancels: dict[int, list[int]] = {}
        results: list[Result] = []
        for task_id in message.ids:
            if self.queue.remove(task_id) is not None:
                self.ledger.finish(task_id)
                failure = Failure("cancelled", "withdrawn before it began")
                results.append(Result(task_id, b"", failure))
            elif message.running and (worker := self._holder.get(task_id)) is not None:
                cancels.setdefault(worker, []).append(task_id)
        sends: list[Send] = [(worker, Cancel(ids)) for worker, ids in cancels.items()]
        if results:
            sends.append((self.layout.client, Finished(results)))
        return sends

    @_handle.register
    def _(self, message: Discontinue, source: int, now: float) -> list[Send]:
        worker = self._holder.get(message.id)
        return [] if worker is None else [(worker, StopEarly(message.id))]

    @_handle.register
    def _(self, message: Inquire, source: int, now: float) -> list[Send]:
        busy_s = self._busy_s + sum(now - since for since in self._busy_since.values())
        workers, elapsed_s = len(self.workers), now - self._began_s
        load = Load(len(self.queue), len(self._busy_since), workers, busy_s, elapsed_s)
        return [(source, load)]

    @_handle.register
    def _(self, message: Drain, source: int, now: float) -> list[Send]:
        self.drained = True
        self._quiet = False
        return []

    # --- from workers ---------------------------------------------------------------------

    @_handle.register
    def _(self, message: Ready, source: int, now: float) -> list[Send]:
        self._take_results(message.results, source)
        self._busy_since.pop(source, None)  # what it did since then is in its results
        self.recalled.discard(source)
        if message.wanted:
            self.waiting[source] = None
        self._track(source, now)
        sends = self._match(now)
        if message.results:
            sends.append((self.layout.client, Finished(message.results)))
        return sends

    @_handle.register
    def _(self, message: Progress, source: int, now: float) -> list[Send]:
        return [(self.layout.client, Reported(message.reports))]

    @_handle.register
    def _(self, message: Returned, source: int, now: float) -> list[Send]:
        if message.ids:  # who had none to give is not asked again before its next results
            self.recalled.discard(source)
        for task_id in message.ids:
            task = self.held[source].pop(task_id)
            del self._holder[task_id]
            self.queue.push(task)
        self._track(source, now)
        return self._match(now)

    @_handle.register
    def _(self, message: Stopped, source: int, now: float) -> list[Send]:
        self.stopped.add(source)
        if len(self.stopped) < len(self.workers):
            return []
        self.done = self.rank != self.layout.master
        return [(self.layout.master, Halted())]

    # --- from servers ---------------------------------------------------------------------

    @_handle.register
    def _(self, message: Quiet, source: int, now: float) -> list[Send]:
        return self._start_census() if self._master().wanted() else []

    @_handle.register
    def _(self, message: Census, source: int, now: float) -> list[Send]:
        ledger = self.ledger
        tally = Tally(message.round, self.drained, sorted(ledger.open), sorted(ledger.foreign))
        return [(source, tally)]

    @_handle.register
    def _(self, message: Tally, source: int, now: float) -> list[Send]:
        master = self._master()
        if master.add(source, message):
            return [(server, Halt()) for server in self.layout.servers]
        return self._start_census() if master.again() else []

    @_handle.register
    def _(self, message: Halt, source: int, now: float) -> list[Send]:
        return [(worker, Stop()) for worker in self.workers]

    @_handle.register
    def _(self, message: Halted, source: int, now: float) -> list[Send]:
        self.halted.add(source)
        if len(self.halted) < len(self.layout.servers):
            return []
        self.done = True
        return [(self.layout.client, Ended())]

    # --- matching -------------------------------------------------------------------------

    def _match(self, now: float) -> list[Send]:
        """Give queued tasks to waiting workers; recall unbegun ones for those left over."""
        sends: list[Send] = []
        for worker in list(self.waiting):
            if not self.queue:
                break
            avoiding = worker if len(self.workers) > 1 else -1
            tasks = self.queue.pop(self._credit.share(len(self.queue)), avoiding=avoiding)
            if not tasks:
                continue
            del self.waiting[worker]
            self._hand_out(tasks, worker, now)
            sends.append((worker, Assign(tasks)))
        if self.waiting and not self.queue and self._loaded:
            sends.extend(self._recall())
        return sends

    def _hand_out(self, tasks: list[Task], worker: int, now: float) -> None:
        held = self.held[worker]
        for task in tasks:
            held[task.id] = task
            self._holder[task.id] = worker
        self._track(worker, now)

    def _take_results(self, results: list[Result], source: int) -> None:
        held = self.held[source]
        for result in results:
            if held.pop(result.id, None) is None:
                raise ProtocolError(
                    f"server {self.rank}: rank {source} finished task {result.id}, "
                    "which it was not given"
                )
            del self._holder[result.id]
            self.ledger.finish(result.id)
            seconds = max(0.0, result.end_s - result.start_s)
            self._credit.learn(seconds)
            self._busy_s += seconds

    def _recall(self) -> list[Send]:
        """Ask workers for half of what they cannot have begun, one recall at a time each."""
        sends: list[Send] = []
        for worker in self._loaded - self.recalled - self.waiting.keys():
            ids = list(self.held[worker])
            self.recalled.add(worker)
            sends.append((worker, Recall(ids[-(len(ids) // 2) :])))
        return sends

    def _track(self, worker: int, now: float) -> None:
        """Keep what the load and the recalls are computed from."""
        held = len(self.held[worker])
        if held > 1:
            self._loaded.add(worker)
        else:
            self._loaded.discard(worker)
        if held:
            self._busy_since.setdefault(worker, now)
        else:
            self._busy_since.pop(worker, None)

    # --- the end --------------------------------------------------------------------------

    def _notice_quiet(self) -> list[Send]:
        """Tell the master, once each time, that nothing is queued or running here."""
        if not self.drained or self.queue or self._holder:
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
        held = {task_id: w for w, tasks in self.held.items() for task_id in tasks}
        assert held == self._holder, "holders and held tasks differ"
        assert not any(task_id in self.queue for task_id in held), "a held task is queued"
        known = len(self.queue) + len(held)
        assert known == len(self.ledger.open), "open tasks are neither queued nor held"
        assert self._busy_since.keys() == {w for w, tasks in self.held.items() if tasks}
