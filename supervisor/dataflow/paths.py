"""Declared files: which step writes what another one reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor.core.errors import InputError
from supervisor.dataflow.document import Document
from supervisor.dataflow.references import Reference, compiled
from supervisor.dataflow.steps import Step

ANY = "\0"


def writers(steps: Mapping[str, Step], document: Document, folder: Path) -> dict[str, list[str]]:
    """Return the steps that write the inputs of each step.

    Raises:
        InputError: If an input is written by no step and does not exist, or if two steps, or
            two instances of one step, write the same file.
    """
    literal, patterns = _outputs(steps, document)
    found: dict[str, list[str]] = {}
    for name, step in steps.items():
        for index, path in enumerate(step.inputs):
            others = _writers_of(path, literal, patterns, name)
            if not others and "${" not in path and not (folder / path).exists():
                where = document.where("steps", name, "inputs", index)
                raise InputError(
                    where,
                    f"there is no file {path!r} in {folder}, and no step has it in 'outputs'",
                )
            found.setdefault(name, []).extend(others)
    return found


def _outputs(
    steps: Mapping[str, Step], document: Document
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return literal paths, and paths with references, with the steps that write them."""
    literal: dict[str, str] = {}
    patterns: list[tuple[str, str]] = []
    for name, step in steps.items():
        for index, path in enumerate(step.outputs):
            where = document.where("steps", name, "outputs", index)
            if step.foreach and not _variables(path) & set(step.foreach):
                variable = next(iter(step.foreach))
                problem = f"all instances would write {path!r}; put ${{{variable}}} into the name"
                raise InputError(where, problem)
            if "${" in path:
                patterns.append((path, name))
            elif (other := literal.setdefault(_same(path), name)) != name:
                raise InputError(where, f"{path!r} is an output of step {other!r} too")
    return literal, patterns


def _writers_of(
    path: str, literal: Mapping[str, str], patterns: list[tuple[str, str]], reader: str
) -> list[str]:
    found = []
    if "${" in path:
        matches = _pattern(path)
        found += [name for one, name in literal.items() if matches(one)]
    elif _same(path) in literal:
        found.append(literal[_same(path)])
    text = _same(_masked(path))
    found += [name for one, name in patterns if _pattern(one)(text)]
    return [name for name in dict.fromkeys(found) if name != reader]


def _variables(path: str) -> set[str]:
    pieces = compiled(path)
    return {name for piece in pieces if isinstance(piece, Reference) for name in piece.names}


def _masked(path: str) -> str:
    return "".join(piece if isinstance(piece, str) else ANY for piece in compiled(path))


def _pattern(path: str) -> Any:
    parts = [re.escape(part) for part in _same(_masked(path)).split(ANY)]
    return re.compile(".+".join(parts), re.DOTALL).fullmatch


def _same(path: str) -> str:
    """Return a path in the form that all ways to write it have."""
    return str(Path(path))
