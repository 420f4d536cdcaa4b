"""The simulator: the real roles, with seeded message orders and delays, in virtual time.

Messages between two ranks stay in order, as MPI promises; between different pairs any order can
happen. Everything else is the code that runs on a cluster: the same servers, workers and client.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import TO_CLIENT, TO_WORKER, Message, Send
from supervisor.balancer.role import ActiveRole, Role
from supervisor.balancer.server import Server
from supervisor.balancer.worker import Worker
from supervisor.core.errors import SupervisorError
from supervisor.core.task import Failure, Report, Result, Task

LATENCY_S = 1e-3
MOST_EVENTS = 5_000_000


class VirtualExecutor:
    """Lets virtual time pass instead of running anything.

    Args:
        rank: World rank, for the results.
        clock: The virtual time.
        length_s: Gives the length of a task.
        log: Receives ``(task id, rank)`` for each task that begins.
    """

    def __init__(
        self,
        rank: int,
        clock: Callable[[], float],
        length_s: Callable[[int], float],
        log: list[tuple[int, int]],
    ) -> None:
        self.rank = rank
        self.end_s = 0.0
        self._clock = clock
        self._length_s = length_s
        self._log = log
        self._task: Task | None = None
        self._begin_s = 0.0
        self._cancelled = False

    def start(self, task: Task) -> None:
        """Begin a task."""
        if self._task is not None:
            raise SupervisorError(f"rank {self.rank}: task {task.id} begins during another")
        self._task = task
        self._cancelled = False
        self._begin_s = self._clock()
        self.end_s = self._begin_s + self._length_s(task.id)
        self._log.append((task.id, self.rank))

    def poll(self) -> Result | None:
        """Return the result when its virtual time has come."""
        if self._task is None or (self._clock() < self.end_s and not self._cancelled):
            return None
        task, self._task = self._task, None
        failure = Failure("cancelled", "cancelled") if self._cancelled else None
        return Result(task.id, b"", failure, self.rank, self._begin_s, self._clock())

    def reports(self) -> list[Report]:
        """Return nothing."""
        return []

    def stop_early(self, task_id: int) -> None:
        """Do nothing: virtual tasks do not report."""

    def cancel(self) -> None:
        """End the task at the next poll."""
        self._cancelled = True

    def filenos(self) -> list[int]:
        """Return nothing: there are no descriptors in virtual time."""
        return []

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Outcome:
    """What a simulation did.

    Attributes:
        begun: ``(task id, rank)`` of each task that began, in order.
        results: What the client received.
        seconds: Virtual time at the end.
        messages: Number of messages delivered.
    """

    begun: list[tuple[int, int]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0
    messages: int = 0


class Simulation:
    """A world of ranks in virtual time.

    Args:
        layout: The roles of all ranks.
        seed: Decides every delay and so every order.
        length_s: Gives the length of a task, by its id.
        latency_s: Mean delay of a message.
        checked: Whether servers check their state after every message; slow, for tests.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        seed: int,
        hosts: Sequence[str] = (),
        length_s: Callable[[int], float] = lambda task_id: 0.01,
        latency_s: float = LATENCY_S,
        checked: bool = True,
    ) -> None:
        self.layout = layout
        self.now = 0.0
        self.outcome = Outcome()
        self.client = Client(layout, hosts)
        self.executors = {
            rank: VirtualExecutor(rank, lambda: self.now, length_s, self.outcome.begun)
            for rank in layout.workers
        }
        self.workers = {
            rank: Worker(rank, layout, executor, lambda: self.now)
            for rank, executor in self.executors.items()
        }
        numbers = self.client.host_numbers
        self.servers = {
            rank: Server(rank, layout, {one: numbers[one] for one in layout.workers_of(rank)})
            for rank in layout.servers
        }
        self._rng = random.Random(seed)
        self._latency_s = latency_s
        self._checked = checked
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._last_s: dict[tuple[int, int], float] = {}  # last delivery between two ranks
        self._wakes: dict[int, float] = {}  # when each worker looks at its executor next

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at a virtual time, e.g. put tasks with the client."""
        heapq.heappush(self._events, (seconds, next(self._order), action))

    def run(self) -> Outcome:
        """Run until no message is under way and nobody works.

        Raises:
            SupervisorError: If not everybody has stopped by then, or it goes on for ever.
        """
        for rank in self.workers:
            self._wake_worker(rank, self._rng.random() * self._latency_s)
        while self._events:
            self.now, _, action = heapq.heappop(self._events)
            action()
            self._poll_client()
            self.outcome.messages += 1
            if self.outcome.messages > MOST_EVENTS:
                raise SupervisorError("the simulation does not end")
        self.outcome.seconds = self.now
        self._check_end()
        return self.outcome

    def _poll_client(self) -> None:
        self._send(self.client.poll(self.now), self.layout.client)
        self.outcome.results.extend(self.client.take_results())

    def _send(self, sends: Iterable[Send], source: int) -> None:
        for to, message in sends:
            arrival = self.now + self._rng.expovariate(1 / self._latency_s)
            arrival = max(arrival, self._last_s.get((source, to), 0.0))
            self._last_s[source, to] = arrival
            self.at(arrival, partial(self._deliver, message, source, to))

    def _deliver(self, message: Message, source: int, to: int) -> None:
        role = self._role(type(message), to)
        if role.done:
            raise SupervisorError(f"rank {to} has stopped, but gets {message} from {source}")
        self._send(role.handle(message, source, self.now), to)
        if isinstance(role, Server) and self._checked:
            role.check()
        if isinstance(role, Worker):
            self._run_worker(to)

    def _role(self, kind: type[Message], rank: int) -> Role:
        if kind in TO_CLIENT:
            return self.client
        return self.workers[rank] if kind in TO_WORKER else self.servers[rank]

    def _run_worker(self, rank: int) -> None:
        worker: ActiveRole = self.workers[rank]
        self._send(worker.poll(self.now), rank)
        while worker.eager:
            self._send(worker.poll(self.now), rank)
        end_s = self.executors[rank].end_s
        if end_s > self.now and self._wakes.get(rank) != end_s:
            self._wakes[rank] = end_s
            self._wake_worker(rank, end_s)

    def _wake_worker(self, rank: int, seconds: float) -> None:
        self.at(seconds, lambda: self._run_worker(rank))

    def _check_end(self) -> None:
        roles: dict[str, Role] = {"client": self.client}
        roles |= {f"worker {rank}": role for rank, role in self.workers.items()}
        roles |= {f"server {rank}": role for rank, role in self.servers.items()}
        running = [name for name, role in roles.items() if not role.done]
        if running:
            raise SupervisorError(f"nothing moves, but these go on: {', '.join(running)}")
