"""Where calls of apps go: on rank 0 to the balancer at once, on a worker along with the result.

An app that is called does not run; it is put as a task, by the scope in which it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.core.operations import Kind, Operation
from supervisor.core.pending import Pending
from supervisor.core.task import Gang, Target


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the task of a call is to be run; see ``Task``.

    Attributes:
        kind: Name of the work type; empty for that of regular tasks.
        attempts: How often it may be run before it counts as failed.
        run: In the worker's own process, or isolated in a child of it.
        size: Number of workers that make the call together, with a communicator; or as a mapping
            all workers of so many hosts: ``{"node": 2}``; None for one, without a communicator.
    """

    kind: str = ""
    priority: int = 0
    target: Target | None = None
    timeout_s: float | None = None
    patience_s: float | None = None
    attempts: int = 1
    run: Literal["inline", "process"] = "inline"
    size: int | Mapping[str, int] | None = None

    @property
    def gang(self) -> Gang | None:
        """The workers that make the call together, or None for one alone."""
        if self.size is None:
            return None
        return Gang(self.size) if isinstance(self.size, int) else Gang(0, self.size["node"])


class Scope(Protocol):
    """Puts calls as tasks."""

    def call(self, function: bytes, arguments: Any, settings: Settings, label: str) -> Pending:
        """Put a call and return its value, which is pending.

        Args:
            function: What is called, encoded.
            arguments: Positional ones in a tuple and named ones in a mapping, as a pair.
            settings: How the task is to be run.
            label: Name of the app and where it is called, for diagnostics.
        """

    def create(self, kind: Kind, name: str, initial: int | float | None = None) -> int:
        """Create a container or counter that stays open until ``close``, or the end.

        Returns:
            Its id.
        """

    def write(self, operations: Sequence[Operation]) -> None:
        """Do operations on data, after what was called before."""

    def close(self, id: int) -> None:
        """Let no more be written, as far as this scope is concerned."""


_scope: Scope | None = None


def current() -> Scope:
    """Return the scope of whoever calls.

    Raises:
        SupervisorError: If there is none.
    """
    if _scope is None:
        raise SupervisorError(
            "an app was called outside of a run; use 'supervisor run SCRIPT', which calls its "
            "main(), or 'with supervisor.flow():'"
        )
    return _scope


def enter(scope: Scope | None) -> Scope | None:
    """Let calls go to a scope; return the one before, to be entered again.

    ``entered`` does both, at four times the cost, which is a lot beside a call of a microsecond.
    """
    global _scope
    before, _scope = _scope, scope
    return before


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Let calls go to a scope."""
    before = enter(scope)
    try:
        yield
    finally:
        enter(before)
