"""Where a run shows how it stands: a live line on a terminal, else a plain one an interval."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from supervisor.core.duration import clock

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

INTERVAL_S = 10.0
"""Between two plain lines."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a campaign stands at one moment.

    Attributes:
        elapsed_s: Since this run began.
        total: Number of points there will be, or None if only the optimizer knows.
        finished, failed: Points that are closed.
        running: Workers at work.
        queued: Points that wait for a worker.
        busy: Fraction of the workers' time that they worked, 0 to 1.
        best: The best point, or "" while there is none.
        left_s: Estimated seconds to the end; NaN if there is no estimate.
    """

    elapsed_s: float
    total: int | None
    finished: int
    failed: int
    running: int
    queued: int
    busy: float
    best: str
    left_s: float

    def counts(self) -> str:
        """Return the time and the numbers of points."""
        of = "" if self.total is None else f" of {self.total}"
        return (
            f"{clock(self.elapsed_s)}  {self.finished}{of} done, {self.failed} failed, "
            f"{self.running} running, {self.queued} queued"
        )

    def outlook(self) -> str:
        """Return how well it goes."""
        parts = [f"workers {100 * self.busy:.0f} % busy"]
        if self.left_s == self.left_s:
            parts.append(f"about {clock(self.left_s)} left")
        if self.best:
            parts.append(f"best {self.best}")
        return ", ".join(parts)


class Display:
    """Where a run shows how it stands.

    Args:
        stream: Where to; standard output.
        width: Columns if the stream ends on a terminal, or None.
        quiet: Whether to show nothing but the end.
        time_s: Seconds by a steady clock.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        width: int | None = None,
        quiet: bool = False,
        time_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quiet = quiet
        self.time_s = time_s
        self._stream = stream
        self._width = width
        self._live: Live | None = None
        self._next_s = 0.0

    def begin(self, titles: Sequence[str]) -> None:
        """Show what begins."""
        self._next_s = self.time_s() + INTERVAL_S
        if self.quiet:
            return
        for title in titles:
            self.print(title)
        if self._width is not None:
            self._live = _live(self._stream, self._width)
            self._live.start()

    def show(self, snapshot: Snapshot) -> None:
        """Show how it stands, if it is time to."""
        if self._live is not None:
            self._live.update(_bar(snapshot), refresh=True)
        elif self.time_s() >= self._next_s:
            self._next_s = self.time_s() + INTERVAL_S
            self.print(f"{snapshot.counts()}; {snapshot.outlook()}")

    def end(self) -> None:
        """Show nothing more that changes."""
        if self._live is not None:
            self._live.stop()

    def print(self, text: str) -> None:
        """Show a line that stays; above the one that changes."""
        if self._live is not None and self._live.is_started:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
            return
        self._stream.write(text + "\n")
        self._stream.flush()


def _live(stream: TextIO, width: int) -> Live:
    """Return a display that rewrites its lines; rich is not needed where there is no terminal."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, force_terminal=True, width=width)
    return Live("", console=console, auto_refresh=False, transient=True)


def _bar(snapshot: Snapshot) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    closed = snapshot.finished + snapshot.failed
    total = None if snapshot.total is None else float(snapshot.total)
    indent = " " * len(clock(0.0))
    lines = [snapshot.counts(), f"{indent}  {snapshot.outlook()}"]
    texts = [Text(line, no_wrap=True, overflow="ellipsis") for line in lines]
    return Group(*texts, ProgressBar(total=total, completed=closed, width=60))
