"""The keys of a workflow file, their types and their ranges."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from supervisor.balancer.layout import REGULAR
from supervisor.core.errors import InputError, UnknownName
from supervisor.dataflow.document import Document, Key

Positive = Annotated[float, Meta(gt=0)]


class ObjectiveSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What evaluates a point, and which of its metrics counts."""

    python: str | None = None
    shell: str | None = None
    result: str = "stdout"
    minimize: str | None = None
    maximize: str | None = None


class TaskSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one evaluation runs, and what happens when it fails."""

    run: Literal["inline", "process", "shell"] | None = None
    kind: str = REGULAR
    size: Annotated[int, Meta(ge=1)] = 1
    timeout_s: Positive | None = None
    output_limit_mb: Positive | None = 64.0
    retries: Annotated[int, Meta(ge=0)] = 0
    on_failure: Literal["fail", "impute", "stop"] = "fail"


class WorkflowSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top level of a workflow file."""

    objective: ObjectiveSection
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")] | None = None
    space: dict[str, Any] | None = None
    forbid: list[str] = []
    optimizer: dict[str, Any] | None = None
    points: str | None = None
    task: TaskSection = TaskSection()
    workers: dict[str, int] = {}


_SECTIONS: dict[tuple[Key, ...], type[msgspec.Struct]] = {
    (): WorkflowSection,
    ("objective",): ObjectiveSection,
    ("task",): TaskSection,
}


def convert(document: Document) -> WorkflowSection:
    """Return a document's data, checked against the schema.

    Raises:
        InputError: For the first key that is unknown, missing, or of the wrong type.
    """
    try:
        return msgspec.convert(document.data, WorkflowSection)
    except msgspec.ValidationError as error:
        raise _located(str(error), document) from error


def _located(text: str, document: Document) -> InputError:
    problem, _, json_path = text.replace(" - at `key` in `$", " for a key - at `$").partition(
        " - at `$"
    )
    path = _keys(json_path.rstrip("`"))
    if unknown := re.search(r"unknown field `(.*)`", problem):
        known = [field.name for field in msgspec.structs.fields(_SECTIONS[path])]
        where = document.where(*path, unknown[1])
        return UnknownName(where, unknown[1], known, what="key")
    if missing := re.search(r"missing required field `(.*)`", problem):
        return InputError(document.where(*path), f"the key {missing[1]!r} is missing")
    if chosen := re.search(r"Invalid enum value '(.*)'", problem):
        choices = _choices(_SECTIONS[path[:-1]], str(path[-1]))
        return UnknownName(document.where(*path), chosen[1], choices, what="value")
    value = _value_at(document.data, path)
    return InputError(document.where(*path), f"{value!r} is wrong here: {_plainly(problem)}")


def _choices(section: type[msgspec.Struct], key: str) -> list[str]:
    """Return the texts that a key may have as its value."""
    [field] = [field for field in msgspec.structs.fields(section) if field.name == key]
    kinds = [field.type, *get_args(field.type)]
    return [text for kind in kinds if get_origin(kind) is Literal for text in get_args(kind)]


def _keys(json_path: str) -> tuple[Key, ...]:
    parts = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", json_path)
    return tuple(int(index) if index else name for name, index in parts)


def _value_at(data: Any, path: tuple[Key, ...]) -> Any:
    for key in path:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):  # the path goes through "[...]" of a mapping
            return data
    return data


def _plainly(problem: str) -> str:
    """Return msgspec's words for a type as a user of YAML says them."""
    words = {"`str": "`text", "object": "mapping", "array": "list", "null": "nothing"}
    for ours, theirs in words.items():
        problem = problem.replace(ours, theirs)
    return problem[:1].lower() + problem[1:]
