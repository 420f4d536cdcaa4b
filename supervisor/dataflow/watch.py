"""Noticing that what is waited for will never come."""

from __future__ import annotations

import time

from supervisor.balancer.client import Client

INTERVAL_S = 1.0
ROUNDS = 3


class Watch:
    """Asks the servers now and then whether anything is going on, while no news comes.

    If all of them say several times in a row that nothing is queued and nothing runs, and nothing
    has come in between, everything that is left waits for what only the caller could write, who
    waits himself. Messages would have to be under way for seconds to deceive it.

    Args:
        client: The balancer's.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._next_s = 0.0
        self._idle_rounds = 0
        self.reset()

    def reset(self) -> None:
        """There was news."""
        self._idle_rounds = -1  # the first answers may be older
        self._next_s = time.monotonic() + INTERVAL_S

    def stuck(self) -> bool:
        """Return whether nothing will come any more; to be asked again and again."""
        now = time.monotonic()
        if now < self._next_s:
            return False
        loads = self._client.loads
        if len(loads) == len(self._client.layout.servers):
            idle = not any(load.queued or load.running for load in loads.values())
            self._idle_rounds = self._idle_rounds + 1 if idle else 0
        loads.clear()
        self._client.inquire()
        self._next_s = now + INTERVAL_S
        return self._idle_rounds >= ROUNDS
