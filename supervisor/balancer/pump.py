"""The pump: moves messages between the wire and the roles of a rank, and sleeps when idle."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence

from supervisor.balancer.messages import Message, Send
from supervisor.balancer.protocol import TO_CLIENT, TO_SERVER, TO_WORKER
from supervisor.balancer.role import ActiveRole, Role
from supervisor.balancer.wire import Wire


class Backoff:
    """Waits that grow with the time spent waiting, until there is work again.

    A wait is at most a fraction of the time that a rank has been idle, so it never delays an
    answer by more than that fraction; and at most ``LONGEST_S``, so a rank that is asked after
    hours answers at once. At first the processor is only yielded.
    """

    YIELDING_S = 0.5e-3
    FRACTION = 1 / 8
    LONGEST_S = 5e-3
    LONGEST_MOVING_S = 2e-4

    def __init__(self) -> None:
        self._idle_since_s = -1.0

    def reset(self) -> None:
        """There was work: start again with the shortest wait."""
        self._idle_since_s = -1.0

    def wait(self, filenos: Sequence[int], *, moving: bool = False) -> None:
        """Wait a little, or until one of the descriptors is readable.

        Args:
            filenos: The descriptors.
            moving: Whether large messages are under way, which move on only if they are
                looked after.
        """
        now = time.perf_counter()
        if self._idle_since_s < 0:
            self._idle_since_s = now
        idle_s = now - self._idle_since_s
        if idle_s < self.YIELDING_S:
            os.sched_yield()
            return
        longest_s = self.LONGEST_MOVING_S if moving else self.LONGEST_S
        seconds = min(longest_s, idle_s * self.FRACTION)
        if filenos:
            poll = select.poll()
            for fileno in filenos:
                poll.register(fileno, select.POLLIN)
            poll.poll(seconds * 1e3)
        else:
            time.sleep(seconds)


class Pump:
    """One rank's loop.

    Args:
        wire: Carries the messages.
        client, worker, server: The roles that this rank plays.
        clock: Seconds by any steady clock.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        client: ActiveRole | None = None,
        worker: ActiveRole | None = None,
        server: Role | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wire = wire
        self.clock = clock
        self._roles: list[Role] = [role for role in (client, worker, server) if role]
        self._active: list[ActiveRole] = [role for role in (client, worker) if role]
        self._receiver: dict[type[Message], Role] = {}
        for role, types in ((client, TO_CLIENT), (worker, TO_WORKER), (server, TO_SERVER)):
            if role is not None:
                self._receiver.update(dict.fromkeys(types, role))

    def run(self) -> None:
        """Pump until every role of this rank is done."""
        self.until(lambda: self.done)

    @property
    def done(self) -> bool:
        """Whether every role of this rank is done."""
        return all(role.done for role in self._roles)

    def until(self, reached: Callable[[], bool]) -> None:
        """Pump until something is so."""
        backoff = Backoff()
        while not reached():
            if self.turn():
                backoff.reset()
            else:
                backoff.wait(self._filenos(), moving=self.wire.moving)

    def turn(self) -> bool:
        """Deliver what has arrived and let the active roles work; return whether any was."""
        busy = False
        while (arrived := self.wire.receive()) is not None:
            busy = True
            if self.deliver(*arrived):
                return True
        for role in self._active:
            sends = role.poll(self.clock())
            if sends:
                self._post(sends)
                busy = True
            elif role.eager:
                busy = True
        return busy

    def deliver(self, message: Message, source: int) -> bool:
        """Let a role take a message; return whether all are done: what comes now is not theirs."""
        role = self._receiver[type(message)]
        self._post(role.handle(message, source, self.clock()))
        return role.done and self.done

    def _filenos(self) -> Sequence[int]:
        return [fileno for role in self._active for fileno in role.filenos()]

    def _post(self, sends: Sequence[Send]) -> None:
        for to, message in sends:
            self.wire.send(message, to)


def await_message(wire: Wire) -> tuple[Message, int]:
    """Sleep until a message arrives, before or after the roles are played."""
    backoff = Backoff()
    while (arrived := wire.receive()) is None:
        backoff.wait(())
    return arrived
