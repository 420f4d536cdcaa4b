"""Unrolled parameter files, which a workflow takes as they are."""

from __future__ import annotations

from pathlib import Path

from supervisor.converters.conversion import Conversion


def read(path: Path, text: str) -> Conversion:
    """Return a workflow of given points; the lines are for the reader of points to check."""
    return Conversion(path, "unrolled parameter file", points=str(path))
