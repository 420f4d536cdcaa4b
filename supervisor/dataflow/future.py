"""Futures on rank 0: the values of calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from supervisor.core.errors import SupervisorError
from supervisor.core.pending import Pending

if TYPE_CHECKING:
    from supervisor.dataflow.flow import Flow

_NUMBER = re.compile(r" \(datum \d+\)")


def without_numbers(text: str) -> str:
    """Return what servers say of calls and arrays, without the numbers that they know them by."""
    return _NUMBER.sub("", text)


class AppFailed(SupervisorError):
    """A call failed, or one whose value it needs; the text says which, where and why."""


AppFailed.__module__ = "supervisor"  # where it is imported from, and what tracebacks show


class Future(Pending):
    """The value of a call, which is there some time.

    Args:
        flow: Who put the call.
        id: Of the datum that will hold the value, and of the task.
        label: Name of the app, and where it was called.
    """

    __slots__ = ("_flow", "_value", "failure", "label", "ready", "seen")

    def __init__(self, flow: Flow, id: int, label: str) -> None:
        super().__init__(id)
        self._flow = flow
        self._value: Any = None
        self.label = label
        self.failure = ""
        """Why there will be no value; empty unless that is known."""
        self.ready = False
        """Whether the value, or the failure, is known here."""
        self.seen = False
        """Whether somebody has asked for the value, or needs it, so that a failure is heard."""

    def result(self, timeout_s: float | None = None) -> Any:
        """Wait for the value and return it.

        Raises:
            AppFailed: If the call failed, or one whose value it needs.
            TimeoutError: If it takes longer than ``timeout_s``.
        """
        self.seen = True
        self._flow.wait([self], timeout_s=timeout_s)
        if not self.ready:
            raise TimeoutError(f"{self.label} has no value after {timeout_s:g} s")
        if self.failure:
            raise AppFailed(self.failure)
        return self._flow.value(self)

    def done(self) -> bool:
        """Return whether the value, or the failure, is there; never waits."""
        self._flow.turn()
        return self.ready

    def exception(self, timeout_s: float | None = None) -> AppFailed | None:
        """Wait, and return the failure instead of raising it; None if there is a value."""
        try:
            self.result(timeout_s)
        except AppFailed as error:
            return error
        return None

    def cancel(self) -> None:
        """End the call, queued or running; it fails, and what needs its value too."""
        self.seen = True
        self._flow.client.withdraw([self.id], running=True)

    def reprioritise(self, priority: int) -> None:
        """Change the priority of a call that has not begun."""
        self._flow.client.reprioritise([self.id], priority)

    def __repr__(self) -> str:
        state = "failed" if self.failure else "there" if self.ready else "pending"
        return f"<Future of {self.label}: {state}>"

    def __del__(self) -> None:
        self._flow.forget(self)
