"""Workflow files of all forms."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.dataflow.document import read_document
from supervisor.dataflow.workflow import Workflow, search

if TYPE_CHECKING:
    from supervisor.dataflow.pipeline import Pipeline


def load(
    path: Path, overrides: Sequence[str] = (), folder: Path | None = None
) -> Workflow | Pipeline:
    """Read a workflow file and check everything that can be checked without running it.

    Args:
        path: The file.
        overrides: ``key=value`` assignments that change it.
        folder: Where its relative paths begin; None for the file's own folder.

    Raises:
        InputError: For the first thing that is wrong, with its place.
    """
    with _without_collection():
        document = read_document(path, overrides)
        folder = (folder or path.parent).resolve()
        if "steps" not in document.data:
            return search(document, folder)
        from supervisor.dataflow.pipeline import pipeline  # late: jinja2 is for pipelines only

        return pipeline(document, folder)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Let nobody look for garbage in what is being built: it takes longer than to build it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
