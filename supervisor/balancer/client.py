"""The client: puts tasks on servers and receives their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Discontinue,
    Drain,
    Ended,
    Finished,
    Inquire,
    Load,
    Message,
    Put,
    Reported,
    Send,
    Withdraw,
)
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Report, Result, Task


class Client:
    """Where tasks enter the balancer and results leave it.

    The methods only note what to send; ``poll`` returns it.

    Args:
        layout: The roles of all ranks.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.done = False
        self.loads: dict[int, Load] = {}
        self._server_of: dict[int, int] = {}  # ids of tasks without a result
        self._tasks_on: dict[int, int] = dict.fromkeys(layout.servers, 0)
        self._workers_of = {s: len(layout.workers_of(s)) for s in layout.servers}
        self._results: list[Result] = []
        self._reports: list[Report] = []
        self._puts: dict[int, list[Task]] = {}
        self._outbox: list[Send] = []
        self._drained = False

    # --- for the campaign -----------------------------------------------------------------

    @property
    def outstanding(self) -> int:
        """Number of tasks that were put and have no result yet."""
        return len(self._server_of)

    def put(self, tasks: Iterable[Task]) -> None:
        """Queue tasks, each on the server with the fewest open tasks for each worker."""
        for task in tasks:
            server = self._choose(task)
            self._server_of[task.id] = server
            self._tasks_on[server] += 1
            self._puts.setdefault(server, []).append(task)

    def withdraw(self, *, running: bool) -> None:
        """End the tasks that have no result; each gets one, of kind "cancelled" or its own.

        Args:
            running: Whether tasks that workers hold are ended too, not only queued ones.
        """
        self._flush_puts()
        by_server: dict[int, list[int]] = {}
        for task_id, server in self._server_of.items():
            by_server.setdefault(server, []).append(task_id)
        self._outbox.extend((server, Withdraw(ids, running)) for server, ids in by_server.items())

    def discontinue(self, task_id: int) -> None:
        """Let a running task stop early; nothing happens if it has its result already."""
        server = self._server_of.get(task_id)
        if server is not None:
            self._flush_puts()
            self._outbox.append((server, Discontinue(task_id)))

    def inquire(self) -> None:
        """Ask all servers for their loads, which then appear in ``loads``."""
        if not self._drained:
            self._outbox.extend((server, Inquire()) for server in self.layout.servers)

    def drain(self) -> None:
        """Put nothing more: when all tasks are finished, everyone stops."""
        if not self._drained:
            self._drained = True
            self._flush_puts()
            self._outbox.extend((server, Drain()) for server in self.layout.servers)

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
            case Reported():
                self._reports.extend(r for r in message.reports if r.id in self._server_of)
            case Load():
                self.loads[source] = message
            case Ended():
                self.done = True
            case _:
                raise ProtocolError(
                    f"client got {type(message).__name__} from rank {source}, "
                    "which is not for a client"
                )
        return []

    def _take(self, result: Result) -> None:
        """Keep a task's first result; a late one of a task that was given out twice is void."""
        server = self._server_of.pop(result.id, None)
        if server is not None:
            self._tasks_on[server] -= 1
            self._results.append(result)

    def _choose(self, task: Task) -> int:
        servers: Sequence[int] = self.layout.servers
        if len(servers) == 1:
            return servers[0]
        if task.avoid in self.layout.workers:
            shunned = self.layout.home(task.avoid)
            servers = [server for server in servers if server != shunned]
        return min(servers, key=lambda s: (self._tasks_on[s] / self._workers_of[s], s))

    def _flush_puts(self) -> None:
        self._outbox.extend((server, Put(tasks)) for server, tasks in self._puts.items())
        self._puts = {}
