"""The journal: an append-only file with one event a line, one writer, and no locks.

The last key of every line is ``crc``: eight hexadecimal digits, the CRC-32 of the line as it
would be without that key. A line is whole when it ends with a line break and its checksum
matches; what a crash leaves behind the last whole line is cut off when the file is opened again.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.experiment.events import FORMAT, Event, Opened, decode, encode

_SUFFIX = len(',"crc":"01234567"}\n')


class Journal:
    """The one writer of a journal; made by ``create`` or ``open``.

    Attributes:
        path: The file.
        torn: What was cut off the end of the file when it was opened, for people, or None.
    """

    def __init__(self, path: Path, fd: int, *, size: int, sync_interval_s: float) -> None:
        self.path = path
        self.torn: str | None = None
        self._fd = fd
        self._size = size
        self._buffer = bytearray()
        self._interval_s = sync_interval_s
        self._synced_s = -math.inf
        self._dirty = False

    @classmethod
    def create(cls, path: Path, *, sync_interval_s: float = 1.0) -> Journal:
        """Create the file, which must not exist.

        Args:
            path: In a folder that exists.
            sync_interval_s: The least time between two forced writes to the disk.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise SupervisorError(f"{path}: cannot create the journal: {error}") from error
        _sync_folder(path.parent)
        return cls(path, fd, size=0, sync_interval_s=sync_interval_s)

    @classmethod
    def open(cls, path: Path, *, sync_interval_s: float = 1.0) -> Journal:
        """Open an existing file to append, after cutting a torn or damaged last line off.

        Args:
            path: The journal of an experiment that no other process writes.
            sync_interval_s: The least time between two forced writes to the disk.

        Raises:
            SupervisorError: A line other than the last is damaged; the file is left as it is.
        """
        total, size, lines = _measure(path)
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise SupervisorError(f"{path}: cannot append to the journal: {error}") from error
        journal = cls(path, fd, size=total, sync_interval_s=sync_interval_s)
        try:
            # What another process writes meanwhile must not be taken for a torn line.
            journal._check_alone()
            journal._cut(size, lines + 1)
        except SupervisorError:
            os.close(fd)
            raise
        return journal

    def append(self, event: Event) -> None:
        """Add an event to what the next ``flush`` writes."""
        body = encode(event)
        self._buffer += body[:-1] + _tail(zlib.crc32(body))

    def flush(self) -> None:
        """Hand what was appended to the operating system, where other processes see it.

        Raises:
            SupervisorError: The disk is full, say, or another process wrote to the file. What
                was appended is kept, and a later flush tries again.
        """
        if not self._buffer:
            return
        self._check_alone()
        rest = memoryview(self._buffer)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self._undo()
            raise SupervisorError(f"{self.path}: cannot write: {error}") from error
        finally:
            rest.release()
        self._size += len(self._buffer)
        self._buffer = bytearray()
        self._dirty = True

    def sync(self, now: float) -> None:
        """Flush, and force the file to the disk unless that was done a moment ago.

        Args:
            now: Seconds, by a clock that does not go back.
        """
        self.flush()
        if self._dirty and now - self._synced_s >= self._interval_s:
            self._force()
            self._synced_s = now

    def close(self) -> None:
        """Flush, force the file to the disk and close it; closing again does nothing."""
        if self._fd < 0:
            return
        try:
            self.flush()
            if self._dirty:
                self._force()
        finally:
            os.close(self._fd)
            self._fd = -1

    def _cut(self, size: int, line: int) -> None:
        """Remove what follows the last whole line: from byte ``size`` on, in line ``line``."""
        extra = self._size - size
        if extra == 0:
            return
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise SupervisorError(
                f"{self.path}:{line}: cannot cut the torn line off: {error}"
            ) from error
        self._size = size
        self._force()
        self.torn = f"{self.path}:{line}: the last line was torn; its {extra} bytes were cut off"

    def _check_alone(self) -> None:
        """Raise if the file is not as this writer left it."""
        if self._fd < 0:
            raise SupervisorError(f"{self.path}: the journal is closed")
        status = os.fstat(self._fd)
        if status.st_nlink == 0:
            raise SupervisorError(f"{self.path}: the journal was deleted while it was written")
        if status.st_size != self._size:
            raise SupervisorError(
                f"{self.path}: another process writes this journal: it has {status.st_size} "
                f"bytes, not {self._size}. Stop one of the two, then resume"
            )

    def _undo(self) -> None:
        """Remove a part of a write that failed, so that the file ends with a whole line."""
        # If this fails too, the torn line stays, and the next opening cuts it off. Until then
        # the size of the file differs from ours, so nothing is appended to half a line.
        with suppress(OSError):
            os.ftruncate(self._fd, self._size)

    def _force(self) -> None:
        """Force the file's content to the disk."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise SupervisorError(f"{self.path}: cannot write to the disk: {error}") from error
        self._dirty = False


def read_journal(path: Path) -> Iterator[Event]:
    """Yield the events of a journal, which another process may be writing.

    A torn last line is left out, and the file is never changed.

    Raises:
        SupervisorError: A line other than the last is damaged, or a line is of a later version.
    """
    with _reading(path) as file:
        for number, line in enumerate(_whole_lines(file, path), start=1):
            yield _parse(line, f"{path}:{number}")


def _measure(path: Path) -> tuple[int, int, int]:
    """Return a journal's size, the size of its whole lines, and their number."""
    size, lines = 0, 0
    with _reading(path) as file:
        total = file.seek(0, os.SEEK_END)
        file.seek(0)
        for line in _whole_lines(file, path):
            size += len(line)
            lines += 1
    return total, size, lines


def _reading(path: Path) -> BinaryIO:
    """Return the file, opened to read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise SupervisorError(f"{path}: cannot read the journal: {error}") from error


def _whole_lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the whole lines; stop at a torn last one, raise at a damaged one before."""
    for number, line in enumerate(file, start=1):
        if _is_whole(line):
            yield line
        elif line.endswith(b"\n") and file.read(1):
            raise SupervisorError(
                f"{path}:{number}: this line is damaged: its checksum does not match. Restore "
                f"the file from a copy; or remove this line and all that follow "
                f"(head -n {number - 1}), and what they recorded will run again"
            )
        else:
            return


def _tail(crc: int) -> bytes:
    """Return the end of a line, in place of the closing brace."""
    return b',"crc":"%08x"}\n' % crc


def _is_whole(line: bytes) -> bool:
    """Return whether a line is as it was written."""
    body, tail = line[:-_SUFFIX], line[-_SUFFIX:]
    return tail == _tail(zlib.crc32(b"}", zlib.crc32(body)))


def _parse(line: bytes, where: str) -> Event:
    """Return the event of a whole line."""
    try:
        event = decode(line)
    except (msgspec.MsgspecError, ValueError, AttributeError) as error:
        raise SupervisorError(
            f"{where}: not an event that this version of Supervisor knows: {error}. "
            "Use the version that wrote the journal, or a later one"
        ) from error
    if isinstance(event, Opened) and event.version > FORMAT:
        raise SupervisorError(
            f"{where}: the journal has format {event.version}, this version of Supervisor reads "
            f"up to {FORMAT}. Use the version that wrote it, or a later one"
        )
    return event


def _sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, where the file system can do that."""
    # Some network file systems refuse this for folders; their servers do it themselves.
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
