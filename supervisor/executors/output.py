"""The output of a task: counted, its end kept for failures, the rest kept or passed on."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import BinaryIO

TAIL_BYTES = 4096
MEGABYTE = 1_000_000
LONGEST_LINE = 65_536


class Output:
    """What one task writes to its standard output and error.

    Args:
        limit_mb: How much a task may write.
    """

    def __init__(self, limit_mb: float) -> None:
        self._limit = limit_mb * MEGABYTE
        self._tail = bytearray()
        self.size = 0
        self.problem = ""
        """Why what was kept is incomplete, if it is."""

    @property
    def exceeded(self) -> bool:
        """Tell whether more was written than the limit allows."""
        return self.size > self._limit

    def add(self, data: bytes) -> None:
        """Take what was read from the task."""
        beyond = self.exceeded
        self.size += len(data)
        self._tail += data[-TAIL_BYTES:]
        del self._tail[:-TAIL_BYTES]
        if data and not beyond:  # what a flood writes while it is being killed is dropped
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Do with the output what is to be done with it."""

    def tail(self) -> str:
        """Return the end of the output; bytes that are not UTF-8 are replaced."""
        return self._tail.decode(errors="replace")

    def close(self) -> None:
        """Take no more."""


class LoggedOutput(Output):
    """Output that is kept in the run's log.

    Args:
        limit_mb: How much a task may write.
        log: The file; it appears with the first byte, so a silent task leaves none.
        attempt: From 1; a later attempt appends under a header.
    """

    def __init__(self, limit_mb: float, log: Path, attempt: int) -> None:
        super().__init__(limit_mb)
        self._log = log
        self._attempt = attempt
        self._file: BinaryIO | None = None

    def _take(self, data: bytes) -> None:
        if self.problem:
            return
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(data)
        except OSError as error:  # a full disk must not cost the result
            self.problem = f"log.txt is incomplete: {error}"

    def _open(self) -> BinaryIO:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        file = self._log.open("ab", buffering=0)
        if self._attempt > 1 or file.tell() > 0:
            file.write(f"=== attempt {self._attempt} ===\n".encode())
        return file

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # some file systems say only now that they are full
                self._file.close()
            self._file = None


class PassedOutput(Output):
    """Output that goes on to the worker's own, by whole lines, so that those of tasks on other
    ranks come between lines and not into them.
    """

    def __init__(self, limit_mb: float) -> None:
        super().__init__(limit_mb)
        self._line = bytearray()

    def _take(self, data: bytes) -> None:
        self._line += data
        end = self._line.rfind(b"\n") + 1
        if not end and len(self._line) > LONGEST_LINE:
            end = len(self._line)
        if end:
            self._pass(end)

    def _pass(self, end: int) -> None:
        text = self._line[:end].decode(errors="replace")
        del self._line[:end]
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more
            sys.stdout.write(text)
            sys.stdout.flush()

    def close(self) -> None:
        """Pass on what is left."""
        if self._line:
            self._pass(len(self._line))
