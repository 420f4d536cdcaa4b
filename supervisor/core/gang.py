"""What the members of a gang see of each other: the seam between communicators and executors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.core.errors import SupervisorError


class MemberFailed(SupervisorError):
    """Another member of the gang failed, and with it the task."""


class OutOfStep(SupervisorError):
    """The members of a gang do not make the same calls; nobody could go on."""


class Stuck(SupervisorError):
    """A gang cannot end, or begin, and its workers can do nothing else: the run cannot go on."""


class Membership(Protocol):
    """A communicator of a gang, as executors see it; users see all of MPI.

    Attributes:
        trouble: Why it can no longer be used, or None.
    """

    trouble: MemberFailed | OutOfStep | None

    def Barrier(self) -> None:
        """Wait for all members."""

    def interrupt(self, error: BaseException) -> None:
        """Raise an error in what this member does, as soon as this can be."""

    def part(self, failed: bool) -> bool:
        """End this member's part, in step with the others; return whether all succeeded.

        Raises:
            Stuck: If somebody failed and another member does not come.
        """


def member_name(place: int, team: Sequence[int]) -> str:
    """Return what people call a member: by its rank in the gang and in the world."""
    return f"rank {place} of {len(team)} (world rank {team[place]})"
