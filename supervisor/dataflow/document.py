"""YAML files as plain Python values that remember where they stood."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from supervisor.core.errors import InputError
from supervisor.dataflow.quick import read_quickly

Key = str | int

LONG = 50_000
"""Characters from which on the speed of reading is felt."""


class Document:
    """A mapping read from a YAML file.

    Attributes:
        path: The file.
        data: Plain dicts, lists and scalars.
    """

    def __init__(
        self, path: Path, data: dict[str, Any], lines: dict[tuple[Key, ...], str], source: str
    ) -> None:
        self.path = path
        self.data = data
        self._places = lines
        self._source: str | None = source

    def where(self, *path: Any) -> str:
        """Return where a key stands, e.g. ``workflow.yaml:7 task.timeout_s``.

        The place of a key that is absent is that of the nearest mapping around it.
        """
        keys = path
        while keys and keys not in self._places:
            keys = keys[:-1]
        place = self._places.get(keys, self.path.name)
        return f"{place} {dotted(path)}" if path else place

    def override(self, assignment: str) -> None:
        """Set one value from ``dotted.key=value``, the value being YAML.

        Raises:
            InputError: If this is no assignment, or a key on the way is no mapping.
        """
        key, sign, text = assignment.partition("=")
        where = f"--set {assignment}"
        if not sign or not key:
            raise InputError(where, "is not of the form key=value, e.g. task.timeout_s=60")
        *parents, last = key.split(".")
        target = self.data
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise InputError(where, f"{parent!r} is not a mapping in {self.path.name}")
        try:
            target[last] = _plain(YAML(typ="safe", pure=True).load(text))
        except YAMLError as error:
            raise InputError(where, f"{text!r} is not a YAML value") from error
        keys = tuple(key.split("."))
        self._places = {k: v for k, v in self._places.items() if k[: len(keys)] != keys}
        self._places[keys] = "--set"
        self._source = None

    def text(self) -> str:
        """Return the data, overrides included, as YAML; the file as it is if there are none."""
        if self._source is not None:
            return self._source
        stream = StringIO()
        yaml = YAML()
        yaml.default_flow_style = None
        yaml.dump(self.data, stream)
        return stream.getvalue()


def dotted(path: Sequence[Key]) -> str:
    """Return a path of keys as people write it: ``steps[2].after``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def read_document(path: Path, overrides: Sequence[str] = ()) -> Document:
    """Read a YAML file whose top level is a mapping.

    Args:
        path: The file.
        overrides: ``key=value`` assignments that change it.

    Raises:
        InputError: If it cannot be read, is not YAML, or is no mapping; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(str(path), "there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read: {error}") from error
    document = _quickly(path, text) or _with_care(path, text)
    for assignment in overrides:
        document.override(assignment)
    return document


def _quickly(path: Path, text: str) -> Document | None:
    """Return the document if it is long, simple and right."""
    if len(text) < LONG or (found := read_quickly(text)) is None:
        return None
    data, lines = found
    places = {keys: f"{path.name}:{line}" for keys, line in lines.items()}
    return Document(path, data, {**places, (): f"{path.name}:1"}, text)


def _with_care(path: Path, text: str) -> Document:
    """Return any document, or say well what is wrong with it."""
    tree = _parse(path, text)
    if not isinstance(tree, CommentedMap):
        raise InputError(f"{path.name}:1", "a workflow is a mapping of keys, such as 'name:'")
    places: dict[tuple[Key, ...], str] = {(): f"{path.name}:1"}
    _locate(tree, (), path.name, places)
    return Document(path, _plain(tree), places, text)


def _parse(path: Path, text: str) -> Any:
    try:
        return YAML(pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError(f"{path.name}:{line}", _explain(error, text, line)) from error
    except YAMLError as error:
        raise InputError(path.name, f"is not YAML: {error}") from error


def _explain(error: MarkedYAMLError, text: str, line: int) -> str:
    lines = text.splitlines()
    if line <= len(lines) and lines[line - 1][: _indent(lines[line - 1])].count("\t"):
        return "a tab in the indentation; YAML allows spaces only"
    problem = (error.problem or "").splitlines()[0] if error.problem else "cannot be parsed"
    return f"is not YAML: {problem}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _locate(
    node: Any, path: tuple[Key, ...], name: str, places: dict[tuple[Key, ...], str]
) -> None:
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            places[(*path, key)] = f"{name}:{node.lc.key(key)[0] + 1}"
            _locate(value, (*path, key), name, places)
    elif isinstance(node, CommentedSeq):
        for index, value in enumerate(node):
            places[(*path, index)] = f"{name}:{node.lc.item(index)[0] + 1}"
            _locate(value, (*path, index), name, places)


def _plain(node: Any) -> Any:
    """Return a node without ruamel's types, which remember their formatting."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
