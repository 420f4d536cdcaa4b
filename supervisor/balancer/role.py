"""What the pump and the simulator need to know of a role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.balancer.messages import Message, Send


class Role(Protocol):
    """A client, worker or server: one of the parts that a rank plays."""

    @property
    def done(self) -> bool:
        """Whether the role has sent and received everything it ever will."""

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message and return what to send because of it."""


class ActiveRole(Role, Protocol):
    """A role that also acts by itself, not only when a message arrives."""

    def poll(self, now: float) -> list[Send]:
        """Do a short piece of work and return what to send because of it."""

    @property
    def eager(self) -> bool:
        """Whether there is more to do at once, without a message or a descriptor."""

    def filenos(self) -> Sequence[int]:
        """Return descriptors that become readable when there is something to poll."""
