"""A pipeline: a workflow file with steps that was read, checked as a whole, and can be run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.balancer.layout import KIND_NAMES, Layout, is_kind, split
from supervisor.core.errors import InputError
from supervisor.dataflow import foreach
from supervisor.dataflow.checks import check_most, check_workers
from supervisor.dataflow.document import Document, Key
from supervisor.dataflow.graph import Graph, graph_of
from supervisor.dataflow.paths import writers
from supervisor.dataflow.references import texts
from supervisor.dataflow.schema import PipelineSection, ResourcesSection, WorkflowSection, convert
from supervisor.dataflow.scripts import command
from supervisor.dataflow.steps import Reader, SearchAction, ShellAction, Step
from supervisor.dataflow.workflow import default_name

BASH = "bash"
PARSED_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps that can start.

    Attributes:
        name: Names the experiment folders.
        document: The file, overrides included.
        folder: Where relative paths and modules are looked for.
        params: Constants for references.
        steps: By name, in the order of the file.
        graph: What waits for what.
        workers: Numbers of workers for custom kinds of tasks.
        resources: What its jobs ask of a machine.
    """

    name: str
    document: Document
    folder: Path
    params: Mapping[str, Any]
    steps: Mapping[str, Step]
    graph: Graph
    workers: Mapping[str, int]
    resources: ResourcesSection

    @property
    def summary(self) -> str:
        """What is done, on one line."""
        steps, levels = len(self.steps), len(self.graph.levels)
        text = "1 step" if steps == 1 else f"{steps} steps"
        return text if levels == 1 else f"{text} in {levels} levels"

    def count(self, name: str) -> int | None:
        """Return how many instances a step has, or None if only the run knows it."""
        step = self.steps[name]
        if any(foreach.is_glob(one) for one in step.foreach.values()) and self.graph.needs(name):
            return None  # what comes before may write more files
        return foreach.count(step.foreach, self.folder)

    @property
    def widest(self) -> int:
        """How many workers a task wants at once, at most."""
        return max(
            step.action.workflow.widest
            if isinstance(step.action, SearchAction)
            else step.task.size
            if isinstance(step.task.size, int)
            else 1
            for step in self.steps.values()
        )

    def layout(
        self, ranks: int, servers: int | None = None, workers: Mapping[str, int] | None = None
    ) -> Layout:
        """Give each of ``ranks`` ranks its roles.

        Args:
            ranks: How many there are.
            servers: Number of servers wished for, or None.
            workers: Numbers of workers by kind, from the command line; they win over the file's.

        Raises:
            InputError: If the numbers do not fit, or nobody would take some of the tasks.
        """
        where = "--workers" if workers else self.document.where("workers")
        layout = split(ranks, servers, {**self.workers, **(workers or {})}, where=where)
        seen: set[str] = set()
        for name, step in self.steps.items():
            if isinstance(step.action, SearchAction):
                workflow = step.action.workflow
                layout.kind(workflow.task.kind, workflow.document.where("task", "kind"))
                workflow.check_width(layout)
            elif step.task.kind not in seen:
                seen.add(step.task.kind)
                layout.kind(step.task.kind, self.document.where("steps", name, "task", "kind"))
            if not isinstance(step.action, SearchAction) and isinstance(step.task.size, int):
                able = layout.counts[layout.kinds.index(step.task.kind)]
                size = self.document.where("steps", name, "task", "size")
                check_most(step.task.size, able, size)
        return layout


def pipeline(document: Document, folder: Path) -> Pipeline:
    """Return the pipeline that a document describes.

    Args:
        document: The file as read.
        folder: Where its relative paths begin.

    Raises:
        InputError: For the first thing that is wrong, with its place.
    """
    for field in WorkflowSection.__struct_fields__:
        if field in document.data and field not in PipelineSection.__struct_fields__:
            raise InputError(document.where(field), "has no use beside 'steps'; remove one")
    section = convert(document, PipelineSection)
    check_workers(section.workers, document)
    _check_params(section.params, document)
    steps = Reader(document, section.steps, section.params, folder).read()
    _check_kinds(steps, document)
    files = writers(steps, document, folder)
    graph = graph_of(steps, files)
    _check_scripts(steps, document)
    return Pipeline(
        name=section.name or default_name(document.path),
        document=document,
        folder=folder,
        params=section.params,
        steps=steps,
        graph=graph,
        workers=section.workers,
        resources=section.resources,
    )


def _check_params(params: Mapping[str, Any], document: Document) -> None:
    for place, text in texts(dict(params), "params"):
        if "${" in text:
            problem = "a constant holds no references; write them where it is used"
            raise InputError(document.where(*place), problem)


def _check_kinds(steps: Mapping[str, Step], document: Document) -> None:
    for name, step in steps.items():
        if not is_kind(step.task.kind):
            problem = f"{step.task.kind!r} cannot name a kind; {KIND_NAMES}"
            raise InputError(document.where("steps", name, "task", "kind"), problem)


def _check_scripts(steps: Mapping[str, Step], document: Document) -> None:
    """Let bash read all scripts without running them: many at once, and each if that fails."""
    scripts = [
        (("steps", name, "shell"), command(step.action.script, lambda reference, quoting: "word"))
        for name, step in steps.items()
        if isinstance(step.action, ShellAction)
    ]
    for begin in range(0, len(scripts), PARSED_TOGETHER):
        some = scripts[begin : begin + PARSED_TOGETHER]
        if _complaint("\n".join(f"(\n{text}\n)" for _, text in some)):
            for path, text in some:
                _check_script(path, text, document)


def _check_script(path: tuple[Key, ...], text: str, document: Document) -> None:
    if not text.strip():
        raise InputError(document.where(*path), "is empty; give a command")
    if complaint := _complaint(text):
        raise InputError(document.where(*path), f"bash cannot read it: {complaint}")


def _complaint(script: str) -> str:
    """Return what bash finds wrong with a script; nothing where there is no bash."""
    try:
        done = subprocess.run(
            [BASH, "-n"], input=script, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines() or ["a syntax error"]
    return lines[0].partition(": ")[2] or lines[0]
