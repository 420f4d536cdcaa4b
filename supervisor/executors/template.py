"""Command templates: what a shell objective says, and the script of one point.

In a template ``${name}`` is a parameter and ``${task.dir}`` a field of the task, quoted so
that the shell takes the value as it is, wherever it stands. ``${name:-text}`` is ``text`` at
points without that parameter. ``$${name}`` and every other ``$`` are left to the shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from supervisor.core.errors import InputError, UnknownName
from supervisor.executors.context import Context

TASK_FIELDS = (
    "task.attempt",
    "task.checkpoint_dir",
    "task.dir",
    "task.id",
    "task.name",
    "task.rank",
    "task.rendezvous",
    "task.seed",
    "task.size",
)
PLACEHOLDER = re.compile(r"\$(\$?)\{([A-Za-z_][\w.]*)(?::-([^}]*))?\}")
SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'([\\"$`])')


def template_names(command: str) -> set[str]:
    """Return the parameters and task fields that a command template mentions."""
    return {
        piece[2] for piece, _ in _split(command) if isinstance(piece, re.Match) and not piece[1]
    }


def render(command: str, values: Mapping[str, Any], context: Context) -> str:
    """Return the shell script of one point; mentioning a directory creates it.

    Numbers are written as Python does, truth values as true and false, lists as their
    items with spaces between.

    Raises:
        InputError: If a placeholder has neither a value nor a default.
    """
    return "".join(
        piece if isinstance(piece, str) else _fill(piece, quoting, values, context)
        for piece, quoting in _split(command)
    )


def _fill(match: re.Match[str], quoting: str, values: Mapping[str, Any], context: Context) -> str:
    escaped, name, default = match.groups()
    if escaped:
        return match[0][1:]
    if name in TASK_FIELDS:
        return quoted(text_of(getattr(context, name.removeprefix("task."))), quoting)
    if name in values:
        return quoted(text_of(values[name]), quoting)
    if default is not None:
        return str(default)
    if name.startswith("task."):
        raise UnknownName("objective.shell", name, TASK_FIELDS)
    problem = f"this point has no {name!r}; write ${{{name}:-default}} if that is meant"
    raise InputError("objective.shell", problem)


def _split(command: str) -> Iterator[tuple[str | re.Match[str], str]]:
    """Yield the pieces of a template, each with the quotation that it stands in.

    The quotation is ``'`` or ``"`` inside such quotes, and something else outside.
    """
    stack = [""]
    position = 0
    while position < len(command):
        match = PLACEHOLDER.match(command, position) if command[position] == "$" else None
        if match is not None:
            yield match, stack[-1]
            position = match.end()
        else:
            end = advance(command, position, stack)
            yield command[position:end], stack[-1]
            position = end


def advance(command: str, position: int, stack: list[str]) -> int:
    """Return where the next piece of a script begins; opens and closes quotations on the stack."""
    char, inside = command[position], stack[-1]
    if inside == "'" or char == inside:
        if char == inside:
            stack.pop()
    elif char == "\\":
        return position + 2
    elif char in '"`' or (inside != '"' and char in "'("):
        stack.append(")" if char == "(" else char)
    elif command.startswith("$(", position):  # begins anew, even inside double quotes
        stack.append(")")
        return position + 2
    elif char == "#" and inside != '"' and command[position - 1 : position].strip() == "":
        return len(command) if (end := command.find("\n", position)) < 0 else end
    return position + 1


def quoted(text: str, quoting: str) -> str:
    """Return a text as the shell takes it, inside the quotation that it stands in."""
    if quoting == "'":
        return text.replace("'", "'\\''")
    if quoting == '"':
        return SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\1", text)
    return shlex.quote(text)


def text_of(value: Any) -> str:
    """Return a value as it is written in a command."""
    if isinstance(value, list | tuple):
        return " ".join(text_of(item) for item in value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
