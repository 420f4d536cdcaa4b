"""A conversion as a workflow file that people go on writing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from supervisor.converters.conversion import Conversion

WIDTH = 99

MODULE = "MODULE:FUNCTION"
METRIC = "METRIC"
"""Stand where the user has to write what evaluates a point."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./:-]*(?<!:)")
_MEANT = {"true", "false", "yes", "no", "on", "off", "null", "none", "nan", "inf", "y", "n"}
"""Words that some reader of YAML takes for something else than text."""

_HIDDEN = re.compile(
    r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_NAME = re.compile(r"[^A-Za-z0-9._+-]+")


def write(conversion: Conversion) -> str:
    """Return a workflow; nothing but the objective is missing in it."""
    return "\n".join(_lines(conversion)) + "\n"


def _lines(conversion: Conversion) -> Iterator[str]:
    yield f"# From {_comment(conversion.path.name)}: {conversion.what}."
    yield f"name: {_scalar(_name(conversion))}"
    yield "objective:"
    choice = "or leave it out" if conversion.points is not None else "or maximize"
    yield from _aligned(
        [
            (f"  python: {MODULE}", "put here the function that evaluates a point"),
            (f"  minimize: {METRIC}", f"put here the metric that it returns; {choice}"),
        ]
    )
    if conversion.points is not None:
        yield f"points: {_scalar(conversion.points)}"
        return
    yield "space:"
    names = [f"  {_scalar(name)}:" for name in conversion.space]
    width = max(len(name) for name in names)
    for name, key in zip(names, conversion.space, strict=True):
        definition, note = conversion.space[key], conversion.notes.get(key, "")
        yield from _entry(name.ljust(width) if width <= 30 else name, definition, note)
    if conversion.forbid:
        yield from _entry("forbid:", conversion.forbid, "")
    yield "optimizer:"
    for key, value in conversion.optimizer.items():
        yield from _entry(f"  {key}:", value, conversion.notes.get(f"optimizer.{key}", ""))


def _name(conversion: Conversion) -> str:
    """Return a name for the experiments, made of the file's."""
    return _NAME.sub("-", conversion.path.stem).lstrip("._+-") or "converted"


def _entry(start: str, value: Any, note: str) -> Iterator[str]:
    """Yield ``start value  # note``; a value that is too long gets a line for each part."""
    remark = f"  # {_comment(note)}" if note else ""
    line = f"{start} {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, list | dict):
        yield line + remark
        return
    yield start.rstrip() + remark
    indent = " " * (len(start) - len(start.lstrip()) + 2)
    parts = value.items() if isinstance(value, dict) else (("", item) for item in value)
    for key, part in parts:
        yield from _entry(f"{indent}{_scalar(key)}:" if key else f"{indent}-", part, "")


def _aligned(lines: list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(line) for line, _ in lines)
    for line, note in lines:
        yield f"{line.ljust(width)}  # {note}"


def _comment(text: str) -> str:
    """Return a text that cannot leave its comment."""
    return _HIDDEN.sub(" ", text)


# --- values --------------------------------------------------------------------------------


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(key)}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    return str(value)


def _float(value: float) -> str:
    """Return a number that every reader of YAML takes for a real one."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, mark, exponent = repr(value).partition("e")
    return mantissa + ("" if "." in mantissa else ".0") + mark + exponent


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _MEANT


def _quoted(text: str) -> str:
    return _HIDDEN.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
