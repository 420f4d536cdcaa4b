"""Definitions of hyperparameters as CANDLE's challenge problem keeps them, in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from supervisor.converters.conversion import Conversion, discrete
from supervisor.core.errors import InputError


def read(path: Path, text: str) -> Conversion:
    """Return a space of choices, and a random search.

    Raises:
        InputError: At the line of the first thing that is wrong.

    Source:
        CANDLE Supervisor, workflows/cp1/db.
    """
    tree = _parse(path, text)
    if not isinstance(tree, CommentedMap):
        raise InputError(f"{path}:1", "is not a mapping of names to {description, values}")
    conversion = Conversion(path, "definitions of hyperparameters")
    for name, definition in tree.items():
        line = tree.lc.key(name)[0] + 1
        values = definition.get("values") if isinstance(definition, CommentedMap) else None
        if not isinstance(values, list) or not values:
            raise InputError(conversion.place(line), f"{name}: there is no 'values: [...]'")
        note = str(definition.get("description", ""))
        conversion.add(
            name, discrete([_plain(v) for v in values]), line, "" if note == name else note
        )
        for key in definition.keys() - {"description", "values"}:
            conversion.warn(definition.lc.key(key)[0] + 1, f"{name}: {key!r} is left out")
    conversion.optimizer = {"kind": "random", "evaluations": 40, "seed": 1}
    return conversion


def _parse(path: Path, text: str) -> Any:
    try:
        return YAML(pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = str(error.problem or error.context).splitlines()[0]
        raise InputError(f"{path}:{line}", f"not YAML: {problem}") from error
    except YAMLError as error:
        raise InputError(str(path), f"not YAML: {error}") from error


def _plain(value: Any) -> Any:
    """Return a value without the reader's own types."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
