"""How many tasks one answer carries.

One message a task is right for tasks of a second and wasteful for tasks of a microsecond. Servers
learn how long tasks take and hand out about ``BATCH_S`` of work at a time, but never more than a
fair share of the queue, so that long tasks are not hoarded.
"""

from __future__ import annotations

BATCH_S = 0.004
MOST_UNITS = 2048
MEMORY = 0.05  # weight of the newest task in the running mean
PATIENCE_S = 0.05  # one task as long as this among short ones ends the batches for a while


class Credit:
    """What a server has learnt about the length of tasks.

    Args:
        workers: Number of workers that share the queue.
    """

    __slots__ = ("_mean_s", "_workers")

    def __init__(self, workers: int) -> None:
        self._workers = max(1, workers)
        self._mean_s = BATCH_S

    def learn(self, seconds: float) -> None:
        """Take the length of one finished task, or part of a bulk, into account."""
        if seconds >= PATIENCE_S:
            self._mean_s = max(self._mean_s, seconds)
        self._mean_s += MEMORY * (seconds - self._mean_s)

    def share(self, queued: int) -> int:
        """Return how many of ``queued`` units of work the next worker gets, at least 1."""
        fair = -(-queued // (2 * self._workers))
        return max(1, min(fair, MOST_UNITS, int(BATCH_S / max(self._mean_s, 1e-6))))
