"""A workflow: a file that was read, checked as a whole, and can be run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from supervisor.balancer.layout import Layout, split
from supervisor.core.errors import InputError
from supervisor.core.objective import Objective, Run
from supervisor.core.space import Space
from supervisor.dataflow.checks import (
    check_kind,
    check_most,
    check_objective,
    check_task,
    check_workers,
    kind_of,
    objectives_of,
    whole,
    widest,
)
from supervisor.dataflow.container import check_container, read_container
from supervisor.dataflow.document import Document, read_document
from supervisor.dataflow.initial import read_initial
from supervisor.dataflow.schema import (
    ObjectiveSection,
    ResourcesSection,
    TaskSection,
    WorkflowSection,
    convert,
)
from supervisor.optimizers import AT_ONCE, COMMAND, SINGLE, Recipe
from supervisor.optimizers.designs.grid import count
from supervisor.optimizers.designs.upf import check_upf
from supervisor.optimizers.protocol import Optimizer
from supervisor.optimizers.tabular import Table


@dataclass(frozen=True, slots=True)
class Workflow:
    """A search or an ensemble that can start.

    Attributes:
        name: Names the experiment folders.
        document: The file, overrides included.
        folder: Where relative paths and the objective's module are looked for.
        objective: The objective section.
        task: The task section.
        space: What is searched; None for an ensemble of given points.
        points: The unrolled parameter file of an ensemble.
        points_count: Number of its points.
        evaluations: Number of points to evaluate, or None until the optimizer ends.
        seed: Of the optimizer and of all tasks.
        workers: Numbers of workers for custom kinds of tasks.
        resources: What its jobs ask of a machine.
        initial: What a search begins with, or None.
    """

    name: str
    document: Document
    folder: Path
    objective: ObjectiveSection
    task: TaskSection
    space: Space | None
    points: Path | None
    points_count: int
    evaluations: int | None
    seed: int
    workers: Mapping[str, int]
    resources: ResourcesSection
    initial: Table | None = None

    @property
    def objectives(self) -> list[tuple[str, bool]]:
        """The metrics that are optimised, and whether more of them is better."""
        return objectives_of(self.objective)

    @property
    def metric(self) -> str | None:
        """The first metric that is optimised; None if there is none."""
        return self.objectives[0][0] if self.objectives else None

    @property
    def maximize(self) -> bool:
        """Whether more of the first metric is better."""
        return bool(self.objectives and self.objectives[0][1])

    @property
    def run(self) -> Run:
        """The executor that evaluates points."""
        return self.task.run or ("shell" if self.objective.shell else "process")

    @property
    def kind(self) -> str:
        """The optimizer's kind."""
        return "upf" if self.points else kind_of(self.document.data["optimizer"])

    @property
    def expected(self) -> int | None:
        """Number of points a run evaluates, or None if only the optimizer knows."""
        if self.points is not None:
            return self.points_count
        if self.kind == "grid" and self.space is not None:
            steps = self.document.data["optimizer"].get("steps")
            points = count(self.space, steps).points
            return points if self.evaluations is None else min(points, self.evaluations)
        return self.evaluations

    @property
    def summary(self) -> str:
        """What is done, on one line."""
        number = "points" if self.expected is None else f"{self.expected} points"
        aim = "".join(
            f", {'maximize' if more else 'minimize'} {name}" for name, more in self.objectives
        )
        source = f" of {self.points.name}" if self.points else ""
        return f"{self.kind}, {number}{source}{aim}"

    @property
    def recipe(self) -> Recipe:
        """How to make the optimizer."""
        where = self.document.where
        if self.points is not None:
            return Recipe("upf", {"file": str(self.points)}, Space({}), where, self.folder)
        assert self.space is not None
        settings = dict(self.document.data["optimizer"])
        settings.pop("kind", None)
        settings.pop("initial", None)
        if self.kind == COMMAND:
            settings["folder"] = str(self.folder)
        return Recipe(
            self.kind,
            settings,
            self.space,
            where,
            self.folder,
            self.initial,
            tuple(self.objectives),
        )

    def optimizer(self) -> Optimizer:
        """Return a new optimizer, at its first point, in this process."""
        return self.recipe.build()

    def check_optimizer(self) -> None:
        """Check what can be checked of an optimizer without letting it think.

        Raises:
            InputError: If there is no such optimizer, or a setting is wrong.
        """
        if self.kind in AT_ONCE:
            self.optimizer()
        else:
            self.recipe.check()
        if len(self.objectives) > 1 and self.kind in SINGLE:
            problem = f"{self.kind!r} takes one objective; for several, e.g. nsga2"
            raise InputError(self.document.where("optimizer", "kind"), problem)

    def layout(
        self, ranks: int, servers: int | None = None, workers: Mapping[str, int] | None = None
    ) -> Layout:
        """Give each of ``ranks`` ranks its roles.

        Args:
            ranks: How many there are.
            servers: Number of servers wished for, or None.
            workers: Numbers of workers by kind, from the command line; they win over the file's.

        Raises:
            InputError: If the numbers do not fit, or nobody would take the tasks.
        """
        where = "--workers" if workers else self.document.where("workers")
        layout = split(ranks, servers, {**self.workers, **(workers or {})}, where=where)
        layout.kind(self.task.kind, self.document.where("task", "kind"))
        self.check_width(layout)
        return layout

    @property
    def widest(self) -> int:
        """How many workers a point wants at once, at most."""
        return widest(self.task, self.space, self.document.where("task", "size"))

    def check_width(self, layout: Layout) -> None:
        """Check that no point wants more workers than there are.

        Raises:
            InputError: If one does.
        """
        workers = layout.counts[layout.kinds.index(self.task.kind)]
        check_most(self.widest, workers, self.document.where("task", "size"))

    def executed(self, experiment: Path, deadline_s: float) -> Objective:
        """Return what the workers must know.

        Args:
            experiment: The experiment folder.
            deadline_s: When the run must end, in seconds since the epoch.
        """
        limit_mb = self.task.output_limit_mb
        return Objective(
            run=self.run,
            python=self.objective.python,
            shell=self.objective.shell,
            result=self.objective.result,
            metric=self.metric,
            further=tuple(name for name, _ in self.objectives[1:]),
            source_dir=str(self.folder),
            experiment_dir=str(experiment),
            container=read_container(self.task.container, self.folder, self.document),
            output_limit_mb=math.inf if limit_mb is None else limit_mb,
            deadline_s=deadline_s,
        )


def load_workflow(
    path: Path, overrides: Sequence[str] = (), folder: Path | None = None
) -> Workflow:
    """Read a workflow file and check everything that can be checked without running it.

    Args:
        path: The file.
        overrides: ``key=value`` assignments that change it.
        folder: Where its relative paths begin; None for the file's own folder.

    Raises:
        InputError: For the first thing that is wrong, with its place.
    """
    return search(read_document(path, overrides), (folder or path.parent).resolve())


def search(document: Document, folder: Path) -> Workflow:
    """Return the search or ensemble that a document describes.

    Args:
        document: The file as read.
        folder: Where its relative paths begin.

    Raises:
        InputError: For the first thing that is wrong, with its place.
    """
    section = convert(document, WorkflowSection)
    check_objective(section, document, folder)
    check_task(section, document)
    check_container(section, document, folder)
    check_workers(section.workers, document)
    space, points, points_count = _points(section, document, folder)
    options = section.optimizer or {}
    workflow = Workflow(
        name=section.name or default_name(document.path),
        document=document,
        folder=folder,
        objective=section.objective,
        task=section.task,
        space=space,
        points=points,
        points_count=points_count,
        evaluations=whole(options, "evaluations", 1, document),
        seed=whole(options, "seed", 0, document) or 0,
        workers=section.workers,
        initial=_initial(section, space, document, folder),
        resources=section.resources,
    )
    workflow.check_optimizer()
    return workflow


def default_name(path: Path) -> str:
    """Return what a workflow is called that does not say it."""
    return path.resolve().parent.name if path.stem == "workflow" else path.stem


def _points(
    section: WorkflowSection, document: Document, folder: Path
) -> tuple[Space | None, Path | None, int]:
    """Return the space of a search; or the file of an ensemble, and how many points it has."""
    if section.points is not None:
        for key in ("space", "optimizer", "forbid"):
            if key in document.data:
                raise InputError(document.where(key), "has no use beside 'points'; remove one")
        path = folder / section.points
        if not path.is_file():
            raise InputError(document.where("points"), f"there is no file {path}")
        return None, path, check_upf(path)
    for key in ("space", "optimizer"):
        if key not in document.data or not document.data[key]:
            problem = f"the key {key!r} is missing; give 'space' and 'optimizer', or 'points'"
            raise InputError(document.where(), problem)
    check_kind(document)
    return Space.parse(section.space, document.where, section.forbid), None, 0


def _initial(
    section: WorkflowSection, space: Space | None, document: Document, folder: Path
) -> Table | None:
    path = (section.optimizer or {}).get("initial")
    if path is None or space is None:
        return None
    where = document.where("optimizer", "initial")
    if not isinstance(path, str):
        raise InputError(where, f"{path!r} is no path of a CSV file or of an experiment")
    return read_initial(folder / path, where, space, objectives_of(section.objective))
