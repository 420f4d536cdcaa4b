"""Containers of commands: from the workflow file to what workers are told."""

from __future__ import annotations

from pathlib import Path

from supervisor.core.errors import InputError
from supervisor.core.objective import Bind, Container
from supervisor.dataflow.document import Document, Key
from supervisor.dataflow.schema import ContainerSection, WorkflowSection
from supervisor.executors.images import image_of, refusal

KEY = ("task", "container")
MODES = {"": True, "rw": True, "ro": False}


def check_container(section: WorkflowSection, document: Document, folder: Path) -> None:
    """Check that the commands can run in their container, as far as it is known here.

    Args:
        section: The whole file.
        document: The file as read.
        folder: Where its relative paths begin.

    Raises:
        InputError: If they cannot.
    """
    container = read_container(section.task.container, folder, document)
    if container is None:
        return
    where = document.where(*KEY)
    if section.objective.shell is None:
        problem = "is for commands, as a container has a Python of its own"
        raise InputError(where, f'{problem}; write e.g. shell: "python3 model.py" as objective')
    check_runtime(container, document, KEY, launched=section.task.run == "launch")


def check_runtime(
    container: Container, document: Document, key: tuple[Key, ...], *, launched: bool = False
) -> None:
    """Check that the runtime that is asked for can run the image.

    Args:
        container: Whose runtime it is.
        document: The file as read.
        key: Where the container stands there.
        launched: Whether an MPI launcher starts each command.

    Raises:
        InputError: If it cannot.
    """
    if container.runtime is not None:
        problem = refusal(container.runtime, container.image, launched=launched)
        if problem:
            raise InputError(document.where(*key, "runtime"), problem)


def read_container(
    section: str | ContainerSection | None,
    folder: Path,
    document: Document,
    key: tuple[Key, ...] = KEY,
) -> Container | None:
    """Return what workers must know of a container.

    Args:
        section: As the user wrote it.
        folder: Where relative paths begin.
        document: The file.
        key: Where it stands there.

    Raises:
        InputError: If it has no image, or a bind is none.
    """
    if section is None:
        return None
    if isinstance(section, str):
        section = ContainerSection(image=section)
    if not section.image.strip():
        raise InputError(document.where(*key), "names no image")
    binds = [
        _bind(text, folder, document, (*key, "bind", index))
        for index, text in enumerate(section.bind)
    ]
    return Container(
        image=image_of(section.image, folder),
        runtime=section.runtime,
        binds=tuple(binds),
        devices=section.devices,
        options=tuple(section.options),
    )


def _bind(text: str, folder: Path, document: Document, place: tuple[Key, ...]) -> Bind:
    """Return a bind that is written as ``SOURCE``, ``SOURCE:TARGET`` or ``SOURCE:TARGET:ro``."""
    source, target, mode = [*text.split(":"), "", "", ""][:3]
    found = str(folder / source)
    target = target or found
    if not source or text.count(":") > 2 or mode not in MODES or not target.startswith("/"):
        problem = f"{text!r} is no bind; write SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro"
        raise InputError(document.where(*place), f"{problem}, where TARGET begins with '/'")
    if "," in text:
        raise InputError(document.where(*place), f"{text!r}: no runtime binds a path with a comma")
    return Bind(found, target, MODES[mode])
