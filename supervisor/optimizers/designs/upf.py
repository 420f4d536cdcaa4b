"""Unrolled parameter files: one JSON object a line, each a point."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from supervisor.core.errors import InputError
from supervisor.core.objective import Values
from supervisor.core.space import Space

_LONGEST_ID = 200  # bytes; a file name has 255 at most


def upf(space: Space, *, file: str) -> Iterator[Values]:
    """Give the points of an unrolled parameter file; the space is not looked at."""
    return read_upf(Path(file))


def check_upf(path: Path | str) -> int:
    """Return the number of tasks in a file, having read all of it.

    Raises:
        InputError: At the first line that is wrong.
    """
    return sum(1 for _ in read_upf(path))


def read_upf(path: Path | str) -> Iterator[Values]:
    """Yield the points of a file, one line in memory at a time; ``id`` comes first.

    Blank lines are skipped. ``#`` starts a comment at the start of a line and after the object;
    inside a string it is text. A task without ``id`` is named by its number, from 0.

    Raises:
        InputError: With the line that is wrong, or if there is no task.

    Source:
        CANDLE Supervisor, workflows/upf. There, ``#`` cuts a line even inside a string, lines
        are counted instead of tasks, and a task whose id is not new overwrites the earlier one.
    """
    path = Path(path)
    hashes: set[int] = set()
    for index, (line, task) in enumerate(_tasks(path)):
        name = _name(task, index, f"{path}:{line}")
        if hash(name) in hashes and (earlier := _line_of(path, name, index)):
            problem = f"the id {name!r} is that of line {earlier} already; ids must be unique"
            raise InputError(f"{path}:{line}", problem)
        hashes.add(hash(name))
        yield {"id": name, **{key: value for key, value in task.items() if key != "id"}}
    if not hashes:
        raise InputError(str(path), "there is no task in it; write one JSON object a line")


def _line_of(path: Path, name: str, before: int) -> int | None:
    """Return the line of the task ``name`` among the first ``before``; only hashes were kept."""
    for index, (line, task) in enumerate(islice(_tasks(path), before)):
        if _name(task, index, f"{path}:{line}") == name:
            return line
    return None


def _tasks(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        task = _parse(line, f"{path}:{number}")
        if task is not None:
            yield number, task


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, from 1, without the byte order mark."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                yield number, _decode(raw.removeprefix(b"\xef\xbb\xbf"), f"{path}:{number}")
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from error


def _decode(raw: bytes, place: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        problem = f"byte {raw[error.start]:#04x} at column {error.start + 1} is not UTF-8 text"
        raise InputError(place, problem) from error


class _RepeatedKey(ValueError):
    """An object has a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RepeatedKey(f"the key {twice!r} is there twice")
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _parse(line: str, place: str) -> dict[str, Any] | None:
    """Return the object of a line, or None if there is only space or a comment."""
    start = len(line) - len(line.lstrip())
    if start == len(line) or line[start] == "#":
        return None
    try:
        value, end = _DECODER.raw_decode(line, start)
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at column {error.pos + 1}"
        raise InputError(place, problem) from error
    except (ValueError, RecursionError) as error:  # repeated keys, thousands of digits, nesting
        raise InputError(place, str(error)) from error
    _check_rest(line, end, place)
    if not isinstance(value, dict):
        problem = f"a task is a JSON object, {{...}}, not {line[start:end][:60]}"
        raise InputError(place, problem)
    _check_values(value, place)
    return value


def _check_rest(line: str, end: int, place: str) -> None:
    rest = line[end:].strip()
    if rest and not rest.startswith("#"):
        column = len(line) - len(line[end:].lstrip()) + 1
        raise InputError(place, f"{rest[:60]!r} after the task, at column {column}")


def _check_values(task: dict[str, Any], place: str) -> None:
    """Refuse what no message can hold: integers over 64 bits, halves of surrogate pairs."""
    try:
        msgspec.msgpack.encode(task)
    except (OverflowError, UnicodeEncodeError, RecursionError) as error:
        raise InputError(place, f"a value cannot be used: {error}") from error


# --- ids -----------------------------------------------------------------------------------


def _name(task: dict[str, Any], index: int, place: str) -> str:
    """Return the task's id; it names a directory, and may have several components."""
    given = task.get("id", index)
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise InputError(place, f"the id {given!r} is neither text nor a whole number")
    name = str(given)
    if problem := _unsafe(name):
        raise InputError(place, f"the id {name[:60]!r} {problem}; it names the run directory")
    return name


def _unsafe(name: str) -> str:
    """Return why ``name`` cannot be a path below the experiment folder, or an empty text."""
    if not name:
        return "is empty"
    if len(name.encode()) > _LONGEST_ID:
        return f"is longer than {_LONGEST_ID} bytes"
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name):
        return "has a control character"
    if "\\" in name:
        return "has a backslash"
    if name.startswith("/"):
        return "is an absolute path"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return f"has the component {part!r}"
        if part[0] in "-~":
            return f"starts with {part[0]!r}"
    return ""
