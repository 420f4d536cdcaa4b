"""What a call leaves behind if it fails: told beforehand, since it may fail by a crash.

In a child process the worker listens, and removes the files of a call that dies. In the worker's
own process nobody does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from supervisor.executors.channel import Traces

listener: Callable[[Traces], None] | None = None
"""Of this process."""


def will_leave(temporaries: Iterable[str] = (), directory: str = "") -> None:
    """Tell which files are to be removed, and which directory is to be named, after a failure."""
    if listener is not None:
        listener(Traces(tuple(temporaries), directory))


def remove(paths: Iterable[str]) -> None:
    """Remove files or directories, as far as they exist."""
    import shutil  # late: most that run here never need it

    for path in paths:
        with contextlib.suppress(OSError):
            Path(path).unlink()
        shutil.rmtree(path, ignore_errors=True)
