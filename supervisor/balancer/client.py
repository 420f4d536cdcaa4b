"""The client: puts tasks on servers and receives their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Answered,
    Ask,
    Discontinue,
    Drain,
    Ended,
    Finished,
    Forget,
    Inquire,
    Load,
    Message,
    Put,
    Reported,
    Reprioritise,
    Send,
    Told,
    Trouble,
    Withdraw,
)
from supervisor.balancer.places import Places
from supervisor.core.errors import ProtocolError
from supervisor.core.ids import Ids, owner
from supervisor.core.operations import Answer, Notice, Operation, References, Subscribe
from supervisor.core.task import Report, Result, Target, Task

UNANSWERED = 0
"""The number of requests whose answers nobody wants."""

FEW = 4
"""Of so many servers the least loaded gets a task; looking at a thousand would take longer."""


class Client:
    """Where tasks enter the balancer and results leave it.

    The methods only note what to send; ``poll`` returns it.

    Args:
        layout: The roles of all ranks.
        hosts: Host name of each rank; empty if all ranks are on one host.
    """

    def __init__(self, layout: Layout, hosts: Sequence[str] = ()) -> None:
        self.layout = layout
        self.hosts = list(hosts) or ["localhost"] * layout.size
        self.places = Places(layout, self.hosts)
        self.done = False
        self.outstanding = 0
        """Units of work that were put and have no result yet."""
        self.loads: dict[int, Load] = {}
        self.answers: dict[int, Answer] = {}
        """Answers to ``ask``, by the number of the request; to be taken out by who asked."""
        self.notices: list[Notice] = []
        """What was subscribed to and is there, or never will be."""
        self.troubles: list[str] = []
        """What went wrong without anybody asking: double writes by tasks, deadlocks."""
        self.ids = Ids(layout.size, layout.size + 1, len(layout.servers))
        self._requests = 0
        self._server_of: dict[int, tuple[int, int]] = {}  # open single tasks: server and kind
        self._bulks: dict[int, int] = {}  # open bulks: units without a result
        self._turn = 0
        self._tasks_on = {server: [0] * len(layout.kinds) for server in layout.servers}
        self._changed: set[int] = set()  # ids that servers remember as withdrawn or changed
        self._results: list[Result] = []
        self._reports: list[Report] = []
        self._puts: dict[int, Put] = {}
        self._outbox: list[Send] = []
        self._drained = False

    # --- for the campaign -----------------------------------------------------------------

    def put(self, tasks: Iterable[Task], first: Iterable[Operation] = ()) -> None:
        """Queue tasks where there is least to do for each worker; bulks are shared out.

        Tasks with an output are put where that is.

        Args:
            tasks: In order.
            first: Operations on data that are done before, and not answered.

        Raises:
            InputError: If a task can run nowhere.
        """
        for operation in first:
            self._put_for(self._home_of(operation.id)).first.append(operation)
        for task in tasks:
            servers = self.places.servers_for(task)
            if task.parts:
                self._put_bulk(task, servers)
            else:
                self._put_single(task, servers)
            self.outstanding += task.width

    def location(self, *, rank: int = -1, host: str = "", hard: bool = True) -> Target:
        """Return a target: one worker's rank, or any worker of a host.

        Raises:
            InputError: If there is no such worker.
        """
        return self.places.location(rank, host, hard)

    def withdraw(self, ids: Iterable[int] | None = None, *, running: bool) -> None:
        """End tasks; each gets a result, of kind "cancelled" or its own.

        Args:
            ids: Which; None for all that have no result.
            running: Whether those that workers hold are ended too, not only queued ones.
        """
        every = [*self._server_of, *self._bulks]
        chosen = every if ids is None else [one for one in ids if self._is_open(one)]
        self._change(chosen, Withdraw(chosen, running))

    def stop(self) -> None:
        """End all tasks, running ones too, and those that they put; what is put later as well."""
        if not self._drained:
            self._tell_all(Withdraw([], running=True, every=True))

    def let_go(self, id: int) -> None:
        """Give up a read reference, after whatever was put before."""
        if not self._drained:
            self._put_for(self._home_of(id)).then.append(References(id, readers=-1))

    def reprioritise(self, ids: Iterable[int], priority: int) -> None:
        """Change the priority of tasks as long as they are queued."""
        chosen = [one for one in ids if self._is_open(one)]
        self._change(chosen, Reprioritise(chosen, priority))

    def discontinue(self, task_id: int) -> None:
        """Let a running task stop early; nothing happens if it has its result already."""
        if self._is_open(task_id):
            self._tell_all(Discontinue(task_id))

    def ask(self, operation: Operation) -> int:
        """Let the server that owns a datum do an operation.

        New data get their ids from ``ids``.

        Returns:
            The number under which the answer will be in ``answers``.
        """
        self._requests += 1
        self._flush_puts()
        self._outbox.append((self._home_of(operation.id), Ask(self._requests, operation)))
        return self._requests

    def subscribe(self, id: int) -> None:
        """Ask for a notice, in ``notices``, when a datum is there or never will be."""
        self._flush_puts()
        self._outbox.append((self._home_of(id), Ask(UNANSWERED, Subscribe(id))))

    def inquire(self) -> None:
        """Ask all servers for their loads, which then appear in ``loads``."""
        if not self._drained:
            self._tell_all(Inquire())

    def drain(self) -> None:
        """Put nothing more: when all tasks are finished, everyone stops."""
        if not self._drained:
            self._tell_all(Drain())
            self._drained = True

    def take_results(self) -> list[Result]:
        """Return and forget the results that came since the last call."""
        results, self._results = self._results, []
        return results

    def take_reports(self) -> list[Report]:
        """Return and forget the reports that came since the last call."""
        reports, self._reports = self._reports, []
        return reports

    # --- for the pump ---------------------------------------------------------------------

    def poll(self, now: float) -> list[Send]:
        """Return what was noted since the last call."""
        self._flush_puts()
        sends, self._outbox = self._outbox, []
        return sends

    @property
    def eager(self) -> bool:
        """Whether there is something to send."""
        return bool(self._outbox or self._puts)

    def filenos(self) -> Sequence[int]:
        """Return nothing: a client waits for messages only."""
        return ()

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message from a server.

        Raises:
            ProtocolError: If a client does not expect this message.
        """
        match message:
            case Finished():
                for result in message.results:
                    self._take(result)
                self._forget()
            case Reported():
                self._reports.extend(r for r in message.reports if self._is_open(r.id))
            case Load():
                self.loads[source] = message
            case Answered():
                if message.request != UNANSWERED:
                    self.answers[message.request] = message.answer
            case Told():
                self.notices.append(message.notice)
            case Trouble():
                self.troubles.append(message.text)
            case Ended():
                self.done = True
            case _:
                raise ProtocolError(
                    f"client got {type(message).__name__} from rank {source}, which is not for it"
                )
        return []

    # --- inside ---------------------------------------------------------------------------

    def _take(self, result: Result) -> None:
        """Keep a result; one of a task that has all its results already is void."""
        if result.id in self._server_of:
            server, kind = self._server_of.pop(result.id)
            self._tasks_on[server][kind] -= 1
        elif result.id in self._bulks:
            self._bulks[result.id] -= result.width
            if not self._bulks[result.id]:
                del self._bulks[result.id]
        else:
            return
        self.outstanding -= result.width
        self._results.append(result)

    def _is_open(self, task_id: int) -> bool:
        return task_id in self._server_of or task_id in self._bulks

    def _put_single(self, task: Task, servers: Sequence[int]) -> None:
        if len(servers) == 1:
            server = servers[0]
        elif task.output and (home := self._home_of(task.output)) in servers:
            server = home
        else:
            server = self._lightest(servers, task.kind)
        self._server_of[task.id] = server, task.kind
        self._tasks_on[server][task.kind] += 1
        self._put_for(server).tasks.append(task)

    def _lightest(self, servers: Sequence[int], kind: int) -> int:
        """Return the least loaded of a few servers, not always the same few."""
        some = [servers[(self._turn + i) % len(servers)] for i in range(min(FEW, len(servers)))]
        self._turn += FEW
        return min(some, key=lambda one: self._pressure(one, kind))

    def _put_bulk(self, task: Task, servers: Sequence[int]) -> None:
        """Give each server a slice that fits the number of its workers."""
        self._bulks[task.id] = task.width
        begin = done = 0
        total = sum(self.places.teams[server][task.kind] for server in servers)
        for server in servers:
            done += self.places.teams[server][task.kind]
            end = task.width * done // total
            if end > begin:
                self._put_for(server).tasks.append(task.slice(begin, end))
            begin = end

    def _pressure(self, server: int, kind: int) -> float:
        return self._tasks_on[server][kind] / self.places.teams[server][kind]

    def _change(self, ids: list[int], message: Message) -> None:
        """Tell all servers, for a task may have been stolen from where it was put."""
        if ids and not self._drained:
            self._changed.update(ids)
            self._tell_all(message)

    def _forget(self) -> None:
        """Let servers forget changes of tasks that are finished."""
        if self._drained:
            self._changed.clear()
        gone = [task_id for task_id in self._changed if not self._is_open(task_id)]
        if gone and len(gone) == len(self._changed):
            self._changed.clear()
            self._tell_all(Forget(gone))

    def _tell_all(self, message: Message) -> None:
        self._flush_puts()
        self._outbox.extend((server, message) for server in self.layout.servers)

    def _flush_puts(self) -> None:
        self._outbox.extend(self._puts.items())
        self._puts = {}

    def _put_for(self, server: int) -> Put:
        """Return the message that is being filled for a server."""
        put = self._puts.get(server)
        if put is None:
            put = self._puts[server] = Put([], [], [])
        return put

    def _home_of(self, id: int) -> int:
        """Return the server that owns a datum."""
        return self.layout.servers[owner(id, len(self.layout.servers))]
