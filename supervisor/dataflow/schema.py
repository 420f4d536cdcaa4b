"""The keys of a workflow file, their types and their ranges."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

from supervisor.balancer.layout import REGULAR
from supervisor.core.errors import InputError, UnknownName
from supervisor.core.objective import Runtime
from supervisor.dataflow.document import Document, Key

Positive = Annotated[float, Meta(gt=0)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]


class ObjectiveSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What evaluates a point, and which of its metrics counts."""

    python: str | None = None
    shell: str | None = None
    result: str = "stdout"
    minimize: str | list[str] | None = None
    maximize: str | list[str] | None = None


class NodesSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All workers of so many hosts."""

    node: Annotated[int, Meta(ge=1)]


class ContainerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The container that commands run in."""

    image: str
    runtime: Runtime | None = None
    bind: list[str] = []
    devices: bool | None = None
    options: list[str] = []


class TaskSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one evaluation runs, and what happens when it fails."""

    run: Literal["inline", "process", "shell", "group", "launch"] | None = None
    kind: str = REGULAR
    size: Annotated[int, Meta(ge=1)] | str | NodesSection = 1
    container: str | ContainerSection | None = None
    timeout_s: Positive | None = None
    output_limit_mb: Positive | None = 64.0
    retries: Annotated[int, Meta(ge=0)] = 0
    on_failure: Literal["fail", "impute", "stop"] = "fail"
    repeats: Annotated[int, Meta(ge=1)] = 1
    reuse: bool = True


class ResourcesSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job asks of a machine, unless the command line says otherwise."""

    nodes: Annotated[int, Meta(ge=1)] | None = None
    ranks_per_node: Annotated[int, Meta(ge=1)] | None = None
    gpus_per_node: Annotated[int, Meta(ge=0)] | None = None
    walltime: str | None = None
    queue: str | None = None
    project: str | None = None


class WorkflowSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top level of a workflow file."""

    objective: ObjectiveSection
    name: Name | None = None
    space: dict[str, Any] | None = None
    forbid: list[str] = []
    optimizer: dict[str, Any] | None = None
    points: str | None = None
    task: TaskSection = TaskSection()
    workers: dict[str, int] = {}
    resources: ResourcesSection = ResourcesSection()


class StepTaskSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the tasks of a step run."""

    run: Literal["inline", "process", "group"] = "process"
    kind: str = REGULAR
    size: Annotated[int, Meta(ge=1)] | NodesSection = 1
    container: str | ContainerSection | None = None
    priority: int = 0
    timeout_s: Positive | None = None
    retries: Annotated[int, Meta(ge=0)] = 0


class StepSection(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"arguments": "with"},
):
    """One step of a pipeline: what it does, for what, when, and what it needs."""

    python: str | None = None
    shell: str | None = None
    search: str | None = None
    arguments: dict[str, Any] = {}
    foreach: dict[str, Any] = {}
    when: bool | str = True
    after: list[str] = []
    inputs: list[str] = []
    outputs: list[str] = []
    task: StepTaskSection = StepTaskSection()


class PipelineSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top level of a workflow file with steps."""

    steps: dict[str, Any]
    name: Name | None = None
    params: dict[str, Any] = {}
    workers: dict[str, int] = {}
    resources: ResourcesSection = ResourcesSection()


Section = TypeVar("Section", bound=msgspec.Struct)

OTHERWISE: dict[type[msgspec.Struct], tuple[str, ...]] = {WorkflowSection: ("steps", "params")}
"""Keys of another form of a section, for hints."""


def convert(
    document: Document, section: type[Section], prefix: tuple[Key, ...] = (), data: Any = None
) -> Section:
    """Return a document's data, or a part of it, checked against the schema.

    Args:
        document: The file.
        section: What the data have to be.
        prefix: Keys that lead to the part.
        data: The part.

    Raises:
        InputError: For the first key that is unknown, missing, or of the wrong type.
    """
    data = document.data if data is None and not prefix else data
    try:
        return msgspec.convert(data, section)
    except msgspec.ValidationError as error:
        raise _located(str(error), document, section, prefix, data) from error


def _located(
    text: str,
    document: Document,
    section: type[msgspec.Struct],
    prefix: tuple[Key, ...],
    data: Any,
) -> InputError:
    problem, _, json_path = text.replace(" - at `key` in `$", " for a key - at `$").partition(
        " - at `$"
    )
    path = _keys(json_path.rstrip("`"))
    where = document.where(*prefix, *path)
    if unknown := re.search(r"unknown field `(.*)`", problem):
        inner = _section_at(section, path)
        known = [field.encode_name for field in msgspec.structs.fields(inner)]
        known += OTHERWISE.get(inner, ())
        return UnknownName(
            document.where(*prefix, *path, unknown[1]), unknown[1], known, what="key"
        )
    if missing := re.search(r"missing required field `(.*)`", problem):
        return InputError(where, f"the key {missing[1]!r} is missing")
    if chosen := re.search(r"Invalid enum value '(.*)'", problem):
        choices = _choices(_section_at(section, path[:-1]), str(path[-1]))
        return UnknownName(where, chosen[1], choices, what="value")
    value = _value_at(data, path)
    return InputError(where, f"{value!r} is wrong here: {_plainly(problem)}")


def _section_at(section: type[msgspec.Struct], path: tuple[Key, ...]) -> type[msgspec.Struct]:
    """Return the section that a path of keys leads to."""
    for key in path:
        [field] = [one for one in msgspec.structs.fields(section) if one.encode_name == key]
        section = next(kind for kind in (field.type, *get_args(field.type)) if _is_section(kind))
    return section


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _choices(section: type[msgspec.Struct], key: str) -> list[str]:
    """Return the texts that a key may have as its value."""
    [field] = [one for one in msgspec.structs.fields(section) if one.encode_name == key]
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
