"""Which kind of file this is, by what is in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from supervisor.core.errors import InputError

UPF = "upf"
"""The kind that no converter reads: it is used as it is."""

_R = re.compile(r"\bmake(ParamSet|\w+Param)\s*\(")
_SECTION = re.compile(r"^\[[A-Za-z][^\]\"',{}]*\]\s*([#;].*)?$", re.MULTILINE)
_PYTHON = re.compile(
    r"^\s*(import |from \w[\w.]* import |class |def )|\bspace\s*=|^\w*space\[", re.MULTILINE
)
_VALUES = re.compile(r"^\w+:\s*\n\s+(description|values):", re.MULTILINE)
_TABLE = re.compile(r"\"?[\w.]*\"?(,\"?[\w.]+\"?)+[ \t]*(\r?\n|\Z)")

_ENDINGS = {".r": "mlrmbo", ".py": "python"}


def detect(path: Path, text: str) -> str:
    """Return the kind of a file.

    Raises:
        InputError: If it looks like none of those that are known.
    """
    body = _without_comments(text)
    if re.match(r"\[\s*[{\]]", body):
        return "ga"
    if body.startswith("{"):
        return "sweep" if _is_sweep(body) else UPF
    if path.suffix.lower() in _ENDINGS:
        return _ENDINGS[path.suffix.lower()]
    for pattern, kind in ((_R, "mlrmbo"), (_SECTION, "model"), (_VALUES, "definitions")):
        if pattern.search(text):
            return kind
    if _PYTHON.search(text):
        return "python"
    if _TABLE.match(body):
        problem = "looks like a table of points, which a workflow takes as it is"
        raise InputError(str(path), f"{problem}: optimizer: {{initial: {path.name}}}")
    raise InputError(str(path), "cannot tell what kind of file this is; say it with --from")


def _without_comments(text: str) -> str:
    """Return a text from its first line on that is neither empty nor a comment."""
    lines = text.split("\n")
    plain = (i for i, line in enumerate(lines) if line.strip() and line.lstrip()[0] != "#")
    return "\n".join(lines[next(plain, len(lines)) :]).lstrip()


def _is_sweep(body: str) -> bool:
    """Tell whether the object that a text begins with, perhaps not quite JSON, has settings."""
    try:
        settings, _ = json.JSONDecoder().raw_decode(body)
    except (ValueError, RecursionError):
        return '"parameters"' in body
    return isinstance(settings.get("parameters"), dict)
