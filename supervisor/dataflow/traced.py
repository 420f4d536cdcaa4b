"""A flow that tells what becomes of the calls of ``main`` while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from supervisor.core.scope import Settings
from supervisor.core.task import Result
from supervisor.dataflow.flow import Flow
from supervisor.dataflow.future import Future, without_numbers


class Traced(Flow):
    """Tells when calls are put and how they end; not of bulks, nor of calls that apps make.

    Args:
        arguments: Of the flow.
        tell: Shows a line.
    """

    def __init__(self, *arguments: Any, tell: Callable[[str], None]) -> None:
        super().__init__(*arguments)
        self._tell = tell
        self._began_s = time.monotonic()
        self._forwarded: set[int] = set()  # calls whose values others are to give

    def call(
        self,
        function: bytes,
        arguments: Any,
        settings: Settings,
        label: str,
        *,
        avoid: int = -1,
    ) -> Future:
        """Put a call and return its future; see ``Flow``."""
        self._show(f"{label} called")
        return super().call(function, arguments, settings, label, avoid=avoid)

    def _finish(self, result: Result) -> None:
        label = self._label_of(result.id)
        if result.forwarded:
            self._forwarded.add(result.id)
            self._show(f"{label} ran on rank {result.rank} and waits for calls of its own")
        elif result.failure is None:
            seconds = result.end_s - result.start_s
            self._show(f"{label} finished on rank {result.rank} in {seconds:.3f} s")
        else:
            self._show(f"{label} failed: {_first_line(result.failure.message)}")
        super()._finish(result)

    def _know(self, id: int, value: Any, failure: str) -> None:
        if id in self._forwarded:
            self._forwarded.discard(id)
            ending = f"failed: {_first_line(failure)}" if failure else "has its value"
            self._show(f"{self._label_of(id)} {ending}")
        super()._know(id, value, failure)

    def _show(self, text: str) -> None:
        self._tell(f"{time.monotonic() - self._began_s:9.3f}  {text}")


def _first_line(text: str) -> str:
    return without_numbers(text).partition("\n")[0]
