"""Exceptions of user code, told in one line with the place that they came from."""

from __future__ import annotations

import importlib
import traceback


def blame(error: BaseException, file: str | None = None) -> str:
    """Return what was raised, and the deepest line of ``file`` that led to it.

    Args:
        error: Caught by the caller; the caller's own frame does not count.
        file: The user's; if none of its lines was involved, the deepest line of all.
    """
    frames = _frames(error)[1:]
    if not frames and error.__cause__:  # a StopIteration inside a generator comes without its line
        frames = _frames(error.__cause__)
    frames = [frame for frame in frames if frame.filename == file] or frames
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames that are not the import machinery's, the deepest last."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != importlib.__file__ and not frame.filename.startswith("<frozen")
    ]
