"""What a file of another tool says, in the terms of a workflow."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supervisor.core.errors import InputError
from supervisor.core.space import Space


@dataclass(slots=True)
class Conversion:
    """A space and an optimizer, collected from a file one parameter at a time.

    Attributes:
        path: The file.
        what: What the file is, for people.
        space: Names to definitions, as in a workflow.
        forbid: Conditions, as in a workflow.
        optimizer: Its section of a workflow.
        points: An unrolled parameter file in place of space and optimizer, or None.
        notes: Comments by the name of a parameter, or by ``optimizer.KEY``.
        warnings: What could not be carried over as it was, with its place.
    """

    path: Path
    what: str
    space: dict[str, Any] = field(default_factory=dict)
    forbid: list[str] = field(default_factory=list)
    optimizer: dict[str, Any] = field(default_factory=dict)
    points: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _lines: dict[str, int] = field(default_factory=dict)

    def place(self, line: int) -> str:
        """Return the location of a line."""
        return f"{self.path}:{line}"

    def warn(self, line: int, text: str) -> None:
        """Note what the user should know of a line."""
        self.warnings.append(f"{self.place(line)}: {text}")

    def add(self, name: object, definition: Any, line: int, note: str = "") -> None:
        """Add a parameter.

        Raises:
            InputError: If the name is none, or taken.
        """
        if not isinstance(name, str) or not name:
            raise InputError(self.place(line), f"the name {name!r} is not text; put it in quotes")
        if name in self.space:
            first = self._lines[name]
            problem = f"{name!r} is declared twice, first in line {first}; remove one"
            raise InputError(self.place(line), problem)
        self.space[name] = definition
        self._lines[name] = line
        if note:
            self.notes[name] = note

    def add_range(
        self, kind: str, name: object, bounds: tuple[Any, Any], line: int, *, log: bool = False
    ) -> None:
        """Add an ``int`` or a ``float``; one with equal bounds is a constant, with a warning."""
        lower, upper = bounds
        if isinstance(lower, int | float) and lower == upper:
            self.warn(line, f"{name}: both bounds are {lower}; it is a constant now")
            self.add(name, lower, line)
            return
        self.add(name, {kind: [lower, upper], **({"log": True} if log else {})}, line)

    def check(self) -> Space:
        """Return the space.

        Raises:
            InputError: At the line of a parameter that no workflow could have.
        """
        if not self.space:
            raise InputError(str(self.path), f"no parameter found in it, read as {self.what}")
        return Space.parse(self.space, self._where, self.forbid)

    def _where(self, *keys: Any) -> str:
        name = keys[1] if len(keys) > 1 and keys[0] == "space" else None
        if name not in self._lines:
            return f"{self.path} {keys[0]}"
        return f"{self.place(self._lines[name])} {name}"


def constant(value: Any) -> Any:
    """Return the definition of a constant; only a mapping needs the long form."""
    return {"constant": value} if isinstance(value, dict) else value


def discrete(values: Sequence[Any]) -> Any:
    """Return the definition of a parameter with these values.

    Numbers that rise or fall are ``ordered``, truth values ``bool``, one value is a constant.
    """
    values = list(values)
    if len(values) == 1:
        return constant(values[0])
    if values and all(isinstance(value, bool) for value in values):
        return {"bool": values}
    if values and all(_is_number(value) for value in values):
        pairs = list(itertools.pairwise(values))
        if all(a < b for a, b in pairs) or all(a > b for a, b in pairs):
            return {"ordered": values}
    return {"choice": values}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
