"""The output of a task: counted, its end kept for failures, all of it in the run's log."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

TAIL_BYTES = 4096
MEGABYTE = 1_000_000


class Output:
    """What one task writes to its standard output and error.

    Args:
        log: The file; it appears with the first byte, so a silent task leaves none.
        attempt: From 1; a later attempt appends under a header.
        limit_mb: How much a task may write.
    """

    def __init__(self, log: Path, attempt: int, limit_mb: float) -> None:
        self._log = log
        self._attempt = attempt
        self._limit = limit_mb * MEGABYTE
        self._file: BinaryIO | None = None
        self._tail = bytearray()
        self.size = 0
        self.problem = ""
        """Why the log is incomplete, if it is."""

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
        if not data or beyond or self.problem:
            return  # what a flood writes while it is being killed must not fill the disk
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

    def tail(self) -> str:
        """Return the end of the output; bytes that are not UTF-8 are replaced."""
        return self._tail.decode(errors="replace")

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # some file systems say only now that they are full
                self._file.close()
            self._file = None
