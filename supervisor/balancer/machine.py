"""What time costs in the simulator.

A ``Machine`` says how long messages are under way, how long a rank is busy with each, which ranks
are slow and which are lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from supervisor.balancer.messages import (
    Assign,
    Finished,
    Message,
    Put,
    Ready,
    Returned,
)
from supervisor.balancer.pump import Backoff
from supervisor.balancer.talk import Loot, Tally
from supervisor.core.task import Result, Task


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a message is under way: a constant, and a random part.

    Attributes:
        constant_s: The least.
        random_s: Mean of what comes on top, exponentially distributed.
    """

    constant_s: float = 0.0
    random_s: float = 0.0

    def draw(self, rng: random.Random) -> float:
        """Return the delay of one message."""
        if not self.random_s:
            return self.constant_s
        return self.constant_s + rng.expovariate(1 / self.random_s)


@dataclass(frozen=True, slots=True)
class Price:
    """What messages cost the role that receives and sends them, in seconds of its rank's time.

    Attributes:
        message_s: Of each message, received or sent, whatever is in it.
        taken_s: Of each task, slice or result in a message that it receives.
        given_s: Likewise, in a message that it sends.
        part_s: Of each part of a bulk in either.
    """

    message_s: float = 0.0
    taken_s: float = 0.0
    given_s: float = 0.0
    part_s: float = 0.0

    def taking(self, message: Message) -> float:
        """Return what it costs to receive and handle a message."""
        weigh = WEIGHTS.get(type(message))
        if weigh is None:
            return self.message_s
        tasks, parts = weigh(message)
        return self.message_s + tasks * self.taken_s + parts * self.part_s

    def giving(self, message: Message) -> float:
        """Return what it costs to make and send a message."""
        weigh = WEIGHTS.get(type(message))
        if weigh is None:
            return self.message_s
        tasks, parts = weigh(message)
        return self.message_s + tasks * self.given_s + parts * self.part_s


@dataclass(frozen=True, slots=True)
class Service:
    """What each role's work costs.

    Attributes:
        server, client, worker: Prices of their messages.
        step_s: What a worker needs to begin a task and to take its result, beside the messages.
    """

    server: Price = Price()
    client: Price = Price()
    worker: Price = Price()
    step_s: float = 0.0


MEASURED = Service(
    server=Price(message_s=7e-6, taken_s=0.8e-6, given_s=1e-6, part_s=0.1e-6),
    client=Price(message_s=3.5e-6, taken_s=0.5e-6, given_s=1.5e-6, part_s=0.1e-6),
    worker=Price(message_s=4e-6, taken_s=0.3e-6, given_s=0.3e-6, part_s=0.1e-6),
    step_s=1e-6,
)
"""Orders of magnitude of this code, timed in loops on one core of a server of 2 GHz or so.

- wire: 2.4 us to send and 2.6 us to receive a message of 100 bytes (MPICH, shared memory); each
  further task in it 0.12 us to encode and 0.24 us to decode, each part of a bulk 0.04 and 0.09 us;
- server: 14 us for Ready with its Assign and Finished, which is 22 us with the wire, for three
  messages; 7.6 us for a Put of one task, 0.4 us a task in a large Put; 0.8 us a task in a Loot;
- client: 0.7 us to take a result; about 2 us to put a task, among one server or a thousand;
- worker: 2.3 us for Assign, the beginning and the end of a task.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a simulation runs.

    Attributes:
        near: Delay of messages within a host.
        far: Delay of messages between hosts.
        service: What handling costs; nothing if it is left out.
        nap_fraction, nap_most_s: A rank that has been idle sleeps up to this fraction of that
            time, and so long at most, before it sees a message.
        slow: Ranks whose work takes so many times as long.
        lost: Ranks that vanish, and when: messages that reach one later are lost.
    """

    near: Delay
    far: Delay
    service: Service = Service()
    nap_fraction: float = 0.0
    nap_most_s: float = 0.0
    slow: Mapping[int, float] = field(default_factory=dict)
    lost: Mapping[int, float] = field(default_factory=dict)


def cluster(
    *, slow: Mapping[int, float] | None = None, lost: Mapping[int, float] | None = None
) -> Machine:
    """Return a cluster with a network of microseconds, and ranks that work as ours do."""
    return Machine(
        near=Delay(0.5e-6, 0.5e-6),
        far=Delay(2e-6, 3e-6),
        service=MEASURED,
        nap_fraction=Backoff.FRACTION,
        nap_most_s=Backoff.LONGEST_S,
        slow=slow or {},
        lost=lost or {},
    )


def _tasks(tasks: Sequence[Task] | Sequence[Result]) -> tuple[int, int]:
    if len(tasks) == 1:
        return 1, len(tasks[0].parts)
    return len(tasks), sum(len(task.parts) for task in tasks)


WEIGHTS: dict[type[Message], Callable[[Any], tuple[int, int]]] = {
    Put: lambda message: _tasks(message.tasks),
    Assign: lambda message: _tasks(message.tasks),
    Loot: lambda message: _tasks(message.tasks),
    Ready: lambda message: _tasks(message.results),
    Finished: lambda message: _tasks(message.results),
    Returned: lambda message: (len(message.slices), 0),
    Tally: lambda message: (0, len(message.sent) + len(message.received)),
}
"""Tasks and parts in the messages that carry any; pairs of a tally count as parts."""
