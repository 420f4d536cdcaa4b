"""The campaign's hold on an optimizer, wherever it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.optimizers.protocol import Optimizer
from supervisor.optimizers.serving.messages import Answer, Ready, Request
from supervisor.optimizers.serving.session import Session


class Channel(Protocol):
    """Messages to an optimizer are answered in their order, at once or later.

    Attributes:
        ready: What the optimizer can do; None until that is known.
    """

    ready: Ready | None

    def begin(self) -> None:
        """Wait until the optimizer is at its first point.

        Raises:
            InputError: If a setting is wrong.
            OptimizerError: If it cannot be made.
        """

    def send(self, request: Request) -> None:
        """Send one message; never waits.

        Raises:
            OptimizerError: If the optimizer raised.
        """

    def take(self) -> list[Answer]:
        """Return the answers that came since the last call.

        Raises:
            OptimizerError: If the optimizer raised.
        """

    def wait(self) -> list[Answer]:
        """Return the answers that came since the last call, at least one."""

    def filenos(self) -> Sequence[int]:
        """Return descriptors that become readable when there is an answer."""

    def close(self) -> None:
        """End the optimizer."""


class Local:
    """An optimizer in the campaign's own process; for those that need no time.

    Args:
        optimizer: At its first point.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._session = Session(optimizer)
        self.ready: Ready | None = self._session.ready
        self._answers: list[Answer] = []

    def begin(self) -> None:
        """Do nothing: it is."""

    def send(self, request: Request) -> None:
        """Let the optimizer take one message."""
        answer = self._session.handle(request)
        if answer is not None:
            self._answers.append(answer)

    def take(self) -> list[Answer]:
        """Return the answers that came since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def wait(self) -> list[Answer]:
        """Return the answers that came since the last call: all that there will be."""
        return self.take()

    def filenos(self) -> Sequence[int]:
        """Return nothing: answers are there at once."""
        return ()

    def close(self) -> None:
        """Do nothing."""
