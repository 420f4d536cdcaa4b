"""Rank 0's role: the campaign, watched by the progress display and by signals."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any

from supervisor.balancer.client import Client
from supervisor.balancer.messages import Message, Send
from supervisor.campaign.campaign import Campaign
from supervisor.monitor.progress import Progress
from supervisor.runtime.entry import FORWARDED

INTERVAL_S = 1.0
"""How often the servers are asked for their loads."""

_REASONS = {
    signal.SIGINT: "interrupted by Ctrl-C",
    signal.SIGTERM: "terminated (SIGTERM)",
}


class Conductor:
    """Rank 0's role: the campaign, watched by the progress display and by signals."""

    def __init__(
        self, campaign: Campaign, client: Client, progress: Progress, signals: Signals
    ) -> None:
        self.campaign = campaign
        self.client = client
        self.progress = progress
        self.signals = signals
        self._next_s = 0.0

    @property
    def done(self) -> bool:
        """Whether the campaign is over."""
        return self.campaign.done

    @property
    def eager(self) -> bool:
        """Whether the campaign has something to do at once."""
        return self.campaign.eager

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Pass a message on to the campaign."""
        return self.campaign.handle(message, source, now)

    def filenos(self) -> Sequence[int]:
        """Return what the campaign waits for, beside messages."""
        return self.campaign.filenos()

    def poll(self, now: float) -> list[Send]:
        """Let the campaign do a turn; once in a while, look how things go."""
        for reason in self.signals.take():
            self.campaign.interrupt(reason)
        if now >= self._next_s:
            self._next_s = now + INTERVAL_S
            self.client.inquire()
            self.progress.update(self.client.loads.values())
        return self.campaign.poll(now)


class Signals(AbstractContextManager["Signals"]):
    """Turns the signals that end a run into reasons for the campaign to take.

    The first lets running tasks end, the second ends them, the third ends the process at once.
    """

    def __init__(self) -> None:
        self._reasons: list[str] = []
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in FORWARDED:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def take(self) -> list[str]:
        """Return and forget the reasons that came since the last call."""
        reasons, self._reasons = self._reasons, []
        return reasons

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self._reasons.append(_REASONS.get(signal.Signals(number), "asked to stop"))
        if self._count > 2:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
