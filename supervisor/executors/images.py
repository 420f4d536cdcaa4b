"""Container images: what a text names, and which runtimes can run it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from supervisor.core.objective import Runtime

Kind = Literal["directory", "image file", "squashfs", "docker address", "address", "name"]

FILES = (".sif", ".simg", ".img")
SQUASHFS = (".sqfs", ".sqsh", ".squashfs")

TAKEN_BY: dict[Kind, tuple[Runtime, ...]] = {
    "directory": ("charliecloud", "podman", "apptainer", "singularity"),
    "image file": ("apptainer", "singularity"),
    "squashfs": ("apptainer", "singularity", "charliecloud"),
    "docker address": ("apptainer", "singularity", "podman"),
    "address": ("apptainer", "singularity"),
    "name": ("podman", "charliecloud"),
}
"""The runtimes for each kind of image, those that are tried first in front."""

UNLAUNCHED: tuple[Runtime, ...] = ("podman",)
"""Runtimes whose containers do not inherit what an MPI launcher gives to a process."""


def image_of(text: str, folder: Path) -> str:
    """Return an image as workers name it: an absolute path, or a name for the runtime.

    A text is a path if it begins with ``/`` or ``.``, if it ends like the file of an image, or
    if there is such a file or folder.

    Args:
        text: What the user wrote.
        folder: Where relative paths begin.
    """
    if "://" in text:
        return text
    path = folder / text
    written = text.startswith(("/", ".")) or text.endswith((*FILES, *SQUASHFS))
    return str(path.resolve()) if written or path.exists() else text


def kind_of(image: str) -> Kind:
    """Return what an image is; a path where there is nothing counts as that of a directory.

    Args:
        image: As ``image_of`` returns it.
    """
    if image.endswith(SQUASHFS) and image.startswith("/"):
        return "squashfs"
    if image.startswith("/"):
        is_file = image.endswith(FILES) or Path(image).is_file()
        return "image file" if is_file else "directory"
    if image.startswith("docker://"):
        return "docker address"
    return "address" if "://" in image else "name"


def refusal(runtime: Runtime, image: str, *, launched: bool) -> str:
    """Return why a runtime cannot run an image, and what can; empty if it can.

    Args:
        runtime: Which.
        image: As ``image_of`` returns it.
        launched: Whether an MPI launcher starts each process.
    """
    kind = kind_of(image)
    if runtime not in TAKEN_BY[kind]:
        hint = "; write docker://NAME, or ./NAME for a path" if kind == "name" else ""
        known = " or ".join(TAKEN_BY[kind])
        return f"{runtime} cannot run the {kind} {image!r}; {known} can{hint}"
    if launched and runtime in UNLAUNCHED:
        others = ", ".join(one for one in TAKEN_BY[kind] if one not in UNLAUNCHED)
        text = f"{runtime} cannot run the processes of 'run: launch'"
        return f"{text}, as its containers do not inherit what mpiexec gives them; use {others}"
    return ""


def takers(image: str, *, launched: bool) -> list[Runtime]:
    """Return the runtimes that can run an image, those that are tried first in front."""
    found = TAKEN_BY[kind_of(image)]
    return [one for one in found if not refusal(one, image, launched=launched)]
