"""Default parameters of CANDLE's models: sections of ``name = literal``."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.converters.conversion import Conversion, constant
from supervisor.core.errors import InputError

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]\s*([#;].*)?")
_OPTION = re.compile(r"(?P<key>.*?)\s*[=:]\s*(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Option:
    """One ``key = value``, with the lines that continue it."""

    section: str
    key: str
    value: str
    line: int


def read(path: Path, text: str) -> Conversion:
    """Return a space of constants, to be turned into ranges where a search is wanted.

    Values are literals of Python. Names are in lower case. Of a name in two sections the first
    counts.

    Raises:
        InputError: At the line of the first thing that is wrong.

    Source:
        candle_lib's reading of ``*_default_model.txt`` by configparser; there, values are
        evaluated as code.
    """
    conversion = Conversion(path, "default parameters of a model")
    sections: dict[str, str] = {}
    for option in _options(path, text):
        if option.key in sections and sections[option.key] != option.section:
            first = sections[option.key]
            conversion.warn(
                option.line, f"{option.key!r} is in section [{first}] too, which counts"
            )
            continue
        sections[option.key] = option.section
        value = _literal(option.value, f"{conversion.place(option.line)} {option.key}")
        conversion.add(option.key, constant(value), option.line)
    conversion.optimizer = {"kind": "grid"}
    conversion.notes["optimizer.kind"] = "one point, until a constant becomes a range or a list"
    return conversion


def _options(path: Path, text: str) -> Iterator[_Option]:
    """Yield the options of all sections."""
    section = ""
    for number, line in _joined(text):
        if heading := _SECTION.fullmatch(line):
            section = heading["name"]
        elif section:
            yield _option(section, line, path, number)
        else:
            problem = "text before the first section, e.g. [Global_Params]"
            raise InputError(f"{path}:{number}", problem)


def _joined(text: str) -> list[tuple[int, str]]:
    """Return numbered lines, without comments; a deeper line continues an option."""
    lines: list[tuple[int, str]] = []
    indent = 0
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        depth = len(line) - len(line.lstrip())
        if lines and depth > indent and not _SECTION.fullmatch(lines[-1][1]):
            lines[-1] = (lines[-1][0], f"{lines[-1][1]}\n{bare}")
        else:
            lines.append((number, bare))
            indent = depth
    return lines


def _option(section: str, words: str, path: Path, line: int) -> _Option:
    match = _OPTION.fullmatch(words)
    if match is None or not match["key"]:
        raise InputError(f"{path}:{line}", f"{words[:60]!r} is not of the form name = value")
    return _Option(section, match["key"].lower(), match["value"], line)


def _literal(text: str, place: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in texts, for instance
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        problem = f"{text[:60]!r} is not a value; write a number, a list, True, None, or a 'text'"
        raise InputError(place, problem) from error
    return _plain(value, place)


def _plain(value: Any, place: str) -> Any:
    """Return lists for tuples; refuse what YAML does not have."""
    if isinstance(value, list | tuple):
        return [_plain(item, place) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, place) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(place, f"{value!r} is a {type(value).__name__}, which YAML does not have")
