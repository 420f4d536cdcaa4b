"""The simulator: the real roles, with seeded message orders and delays, in virtual time.

Messages between two ranks stay in order, as MPI promises; between different pairs any order can
happen. Everything else is the code that runs on a cluster: the same servers, workers and client.
What messages and work cost, which ranks are slow and which are lost, is a ``Machine``'s.

A rank does one thing at a time. What reaches it while it is busy waits, and as it takes messages
in the order of their arrival, its role can handle each at the moment of arrival, as long as it is
told the time at which its turn would have come, and its answers leave after that.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count, islice

from supervisor.balancer.bench import Outcome, VirtualExecutor
from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout
from supervisor.balancer.machine import Delay, Machine, Price
from supervisor.balancer.messages import Message, Send
from supervisor.balancer.protocol import TO_CLIENT, TO_SERVER, TO_WORKER
from supervisor.balancer.pump import Backoff
from supervisor.balancer.role import ActiveRole, Role
from supervisor.balancer.server import Server
from supervisor.balancer.talk import Loot
from supervisor.balancer.worker import Worker
from supervisor.core.errors import SupervisorError

LATENCY_S = 1e-3
MOST_EVENTS = 5_000_000
MOST_EVENTS_OF_RANK = 2_000
NAMED = 20  # of ranks or tasks in an error, so many at most

Event = tuple[float, int, int, int, Message | Callable[[], None] | None]
"""When, a number that keeps the order, the rank, the sender, and the message; or an action."""

ACTION = -1  # in place of the sender
WAKE = -2


class RanksLost(SupervisorError):
    """A run cannot end because ranks have vanished.

    Attributes:
        tasks: Ids of the tasks that went with each lost worker.
    """

    def __init__(self, lost: Mapping[int, float], tasks: Mapping[int, list[int]]) -> None:
        self.tasks = dict(tasks)
        texts = [
            f"rank {rank} at {seconds:g} s{_with(tasks, rank)}" for rank, seconds in lost.items()
        ]
        super().__init__(f"the run cannot end, for ranks were lost: {'; '.join(texts)}")


def _with(tasks: Mapping[int, list[int]], rank: int) -> str:
    gone = tasks.get(rank)
    return f", with tasks {_listed(map(str, gone))}" if gone else ""


class Simulation:
    """A world of ranks in virtual time.

    Args:
        layout: The roles of all ranks.
        seed: Decides every delay and so every order.
        hosts: Host name of each rank; empty if all ranks are on one host.
        length_s: Gives the length of a task, by its id.
        latency_s: Mean delay of a message, if there is no machine.
        machine: What everything costs; None for random delays, and nothing else.
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
        machine: Machine | None = None,
        checked: bool = True,
    ) -> None:
        delay = Delay(random_s=latency_s)
        self.layout = layout
        self.machine = machine or Machine(near=delay, far=delay)
        self.now = 0.0
        self.outcome = Outcome(handling_s=[0.0] * layout.size)
        self.client = Client(layout, hosts)
        log, spans = self.outcome.begun, self.outcome.spans
        self.executors = {
            rank: VirtualExecutor(rank, self._clock, length_s, log, spans)
            for rank in layout.workers
        }
        self.workers = {
            rank: Worker(rank, layout, executor, self._clock)
            for rank, executor in self.executors.items()
        }
        self._hosts = self.client.places.host_numbers
        self.servers = {
            rank: Server(rank, layout, dict(enumerate(self._hosts))) for rank in layout.servers
        }
        self._rng = random.Random(seed)
        self._checked = checked
        self._order = count()
        self._events: list[Event] = []
        self._last_s: dict[int, float] = {}  # last delivery between two ranks
        self._free_s = [0.0] * layout.size  # when each rank has done what it has begun
        self._wakes: dict[int, float] = {}  # when each worker looks at its executor next
        self._slow = [1.0] * layout.size
        for rank, factor in self.machine.slow.items():
            self._slow[rank] = factor
        self._roles = self._receivers()

    def _receivers(self) -> dict[type[Message], tuple[Mapping[int, Role], Price]]:
        """Return who takes each type of message, and at what price."""
        service = self.machine.service
        found: dict[type[Message], tuple[Mapping[int, Role], Price]] = {}
        found.update(dict.fromkeys(TO_CLIENT, ({self.layout.client: self.client}, service.client)))
        found.update(dict.fromkeys(TO_WORKER, (self.workers, service.worker)))
        found.update(dict.fromkeys(TO_SERVER, (self.servers, service.server)))
        return found

    def _clock(self) -> float:
        return self.now

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Let the client's rank do something at a virtual time, e.g. put tasks."""
        event = (seconds, next(self._order), self.layout.client, ACTION, action)
        heapq.heappush(self._events, event)

    def run(self) -> Outcome:
        """Run until no message is under way and nobody works.

        Raises:
            RanksLost: If not everybody has stopped by then, for ranks are lost.
            SupervisorError: If it is for another reason, or it goes on for ever.
        """
        most = max(MOST_EVENTS, MOST_EVENTS_OF_RANK * self.layout.size)
        latest = self.machine.near.random_s
        for rank in self.workers:
            self._wake_worker(rank, self._rng.random() * latest)
        self._poll_client(0.0)
        events, pop, turn = self._events, heapq.heappop, self._turn
        number = 0
        while events:
            turn(*pop(events))
            number += 1
            if number > most:
                raise SupervisorError("the simulation does not end")
        self.outcome.seconds = max(self.now, *self._free_s)
        self._check_end()
        return self.outcome

    # --- a rank's turn --------------------------------------------------------------------

    def _turn(
        self,
        when: float,
        order: int,
        rank: int,
        source: int,
        content: Message | Callable[[], None] | None,
    ) -> None:
        begin = self._begin(when, rank, napping=source >= 0)
        if self.machine.lost and begin >= self.machine.lost.get(rank, begin + 1.0):
            return
        if isinstance(content, Message):
            end = self._deliver(content, source, rank, begin)
        elif content is None:
            end = self._run_worker(rank, begin)
        else:
            self.now = begin
            content()
            end = self._poll_client(begin)
        self._free_s[rank] = end
        self.outcome.handling_s[rank] += end - begin

    def _begin(self, when: float, rank: int, *, napping: bool) -> float:
        """Return when a rank turns to what reaches it now."""
        free = self._free_s[rank]
        if when < free:
            return free
        machine = self.machine
        if napping and machine.nap_most_s and when - free > Backoff.YIELDING_S:
            nap_s = min(machine.nap_most_s, (when - free) * machine.nap_fraction)
            return when + self._rng.random() * nap_s
        return when

    def _deliver(self, message: Message, source: int, to: int, begin: float) -> float:
        """Let a role handle a message; return when its rank is free again."""
        kind = type(message)
        roles, price = self._roles[kind]
        role = roles[to]
        if role.done:
            raise SupervisorError(f"rank {to} has stopped, but gets {message} from {source}")
        outcome = self.outcome
        outcome.counts[kind] += 1
        if isinstance(message, Loot) and message.tasks:
            outcome.raids += 1
            outcome.moved += sum(task.width for task in message.tasks)
        self.now = now = begin + price.taking(message) * self._slow[to]
        end = self._send(role.handle(message, source, now), to, now, price)
        if roles is self.workers:
            return self._run_worker(to, end)
        if role is self.client:
            return self._poll_client(end)
        if self._checked:
            self.servers[to].check()
        return end

    def _poll_client(self, now: float) -> float:
        """Send what the client has noted, and take its results."""
        self.now = now
        client, service = self.client, self.machine.service
        if client.eager:
            sends = client.poll(now)
            now = self._send(sends, self.layout.client, now, service.client)
        self.outcome.results.extend(client.take_results())
        return now

    def _run_worker(self, rank: int, now: float) -> float:
        """Let a worker begin and end tasks; return when its rank is free again."""
        self.now = now
        worker: ActiveRole = self.workers[rank]
        begun = len(self.outcome.begun)
        sends = worker.poll(now)
        while worker.eager:
            sends.extend(worker.poll(now))
        end_s = self.executors[rank].end_s
        if end_s > now and self._wakes.get(rank) != end_s:
            self._wakes[rank] = end_s
            self._wake_worker(rank, end_s)
        service = self.machine.service
        begun = len(self.outcome.begun) - begun
        return self._send(
            sends, rank, now + begun * service.step_s * self._slow[rank], service.worker
        )

    def _wake_worker(self, rank: int, seconds: float) -> None:
        heapq.heappush(self._events, (seconds, next(self._order), rank, WAKE, None))

    def _send(self, sends: Iterable[Send], source: int, now: float, price: Price) -> float:
        """Put messages on their way, one after the other; return when all have left."""
        hosts, size, machine = self._hosts, self.layout.size, self.machine
        for to, message in sends:
            now += price.giving(message) * self._slow[source]
            delay = machine.near if hosts[source] == hosts[to] else machine.far
            arrival = now + delay.draw(self._rng)
            pair = source * size + to
            arrival = max(arrival, self._last_s.get(pair, 0.0))
            self._last_s[pair] = arrival
            heapq.heappush(self._events, (arrival, next(self._order), to, source, message))
        return now

    # --- the end --------------------------------------------------------------------------

    def _check_end(self) -> None:
        roles: dict[str, Role] = {"client": self.client}
        roles |= {f"worker {rank}": role for rank, role in self.workers.items()}
        roles |= {f"server {rank}": role for rank, role in self.servers.items()}
        running = [name for name, role in roles.items() if not role.done]
        if not running:
            return
        if self.machine.lost:
            raise RanksLost(self.machine.lost, self._held_by_lost())
        raise SupervisorError(f"nothing moves, but these go on: {_listed(running)}")

    def _held_by_lost(self) -> dict[int, list[int]]:
        """Return what lost workers were given and have not answered, by their servers' books."""
        homes = {
            rank: self.layout.home(rank) for rank in self.machine.lost if rank in self.workers
        }
        return {
            rank: sorted(self.servers[home].dispatch.held[rank].ids())
            for rank, home in homes.items()
        }


def _listed(names: Iterable[str]) -> str:
    """Return the first names of many, as text."""
    shown = list(islice(names, NAMED + 1))
    return ", ".join([*shown[:NAMED], "..."] if len(shown) > NAMED else shown)
