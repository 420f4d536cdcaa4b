"""What is checked of a search or an ensemble beyond its schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from supervisor.balancer.layout import KIND_NAMES, is_kind
from supervisor.core.errors import InputError, UnknownName
from supervisor.core.parameter import Constant, Discrete, Int
from supervisor.core.space import Space
from supervisor.dataflow.document import Document
from supervisor.dataflow.schema import NodesSection, ObjectiveSection, TaskSection, WorkflowSection
from supervisor.dataflow.source import check_function
from supervisor.executors.template import TASK_FIELDS, template_names
from supervisor.optimizers import COMMAND


def check_objective(section: WorkflowSection, document: Document, folder: Path) -> None:
    """Check that points can be evaluated, and that there is something to optimise."""
    objective = section.objective
    where = document.where("objective")
    if (objective.python is None) == (objective.shell is None):
        raise InputError(where, "give exactly one of 'python' and 'shell'")
    metrics = [name for name, _ in objectives_of(objective)]
    if section.points is None and not metrics:
        raise InputError(where, "say what to optimise: 'minimize: METRIC' or 'maximize: METRIC'")
    for index, name in enumerate(metrics):
        if name in metrics[:index]:
            raise InputError(where, f"the metric {name!r} is there twice")
    if objective.python is not None:
        check_function(objective.python, folder, document.where("objective", "python"))
    if objective.shell is not None:
        _check_template(objective.shell, section.space, document.where("objective", "shell"))


def objectives_of(section: ObjectiveSection) -> list[tuple[str, bool]]:
    """Return the metrics of a section, and whether more of them is better."""
    found = []
    for names, more in ((section.minimize, False), (section.maximize, True)):
        for name in [names] if isinstance(names, str) else names or []:
            found.append((name, more))
    return found


def kind_of(optimizer: Mapping[str, Any]) -> str:
    """Return the kind of an optimizer section; one without is a command."""
    return str(optimizer.get("kind", COMMAND))


def check_kind(document: Document) -> None:
    """Check that an optimizer has a kind, or is a command."""
    section = document.data["optimizer"]
    if ("kind" in section) == (COMMAND in section) and section.get("kind") != COMMAND:
        problem = "give 'kind', e.g. random, or 'command', a program; not both"
        raise InputError(document.where("optimizer"), problem)


def _check_template(command: str, space: dict[str, object] | None, where: str) -> None:
    """Check the placeholders of a command; those of an ensemble differ from line to line."""
    for name in sorted(template_names(command)):
        if name.startswith("task."):
            if name not in TASK_FIELDS:
                raise UnknownName(where, name, TASK_FIELDS, what="field of the task")
        elif space is not None and name not in space:
            what = f"parameter (a variable of the shell is written ${name} or $${{{name}}})"
            raise UnknownName(where, name, space, what=what)


def check_task(section: WorkflowSection, document: Document) -> None:
    """Check that the tasks of a search or an ensemble can run."""
    run, shell = section.task.run, section.objective.shell is not None
    if run is not None and (run in ("shell", "launch")) != shell:
        kind = "shell" if shell else "python"
        problem = f"{run!r} cannot run an objective given as '{kind}:'"
        raise InputError(document.where("task", "run"), problem)
    if not is_kind(section.task.kind):
        problem = f"{section.task.kind!r} cannot name a kind; {KIND_NAMES}"
        raise InputError(document.where("task", "kind"), problem)
    _check_size(section, document)


def _check_size(section: WorkflowSection, document: Document) -> None:
    """Check the number of workers that evaluate a point together."""
    size, run = section.task.size, section.task.run
    where = document.where("task", "size")
    if isinstance(size, str) and section.points is None:
        values = (section.space or {}).get(size)
        if values is None:
            raise UnknownName(where, size, section.space or {}, what="parameter")
    if size != 1 and section.objective.shell is None and run != "group":
        shown = size if isinstance(size, int | str) else f"{{node: {size.node}}}"
        problem = f"{shown}: a function on several workers needs 'run: group' beside it"
        raise InputError(where, problem)


def widest(task: TaskSection, space: Space | None, where: str) -> int:
    """Return how many workers a point wants at most; 1 where that is known later.

    Args:
        task: How points are evaluated.
        space: What is searched, or None.
        where: Of the task's size.

    Raises:
        InputError: If a parameter says it that has no whole numbers.
    """
    if isinstance(task.size, int):
        return task.size
    if isinstance(task.size, NodesSection) or space is None:
        return 1
    return _most(space, task.size, where)


def check_most(most: int, workers: int, where: str) -> None:
    """Check that a task wants no more workers than there are."""
    if most > workers:
        ranks = "1 worker" if workers == 1 else f"{workers} workers"
        problem = f"wants {most} workers at once, but this run has {ranks}; use more ranks"
        raise InputError(where, problem)


def check_hosts(task: TaskSection, hosts: Sequence[str], document: Document) -> None:
    """Check that no point wants more hosts than there are.

    Args:
        task: How points are evaluated.
        hosts: Those of the workers that take such tasks, one for each.
        document: The file.
    """
    number = len(set(hosts))
    if isinstance(task.size, NodesSection) and task.size.node > number:
        problem = f"wants {task.size.node} hosts at once, but this run has workers on {number}"
        raise InputError(document.where("task", "size"), problem)


def _most(space: Space, name: str, where: str) -> int:
    """Return the largest value of a parameter that says how many workers there are."""
    parameter = space.parameters[name]
    match parameter:
        case Constant():
            values = [parameter.value]
        case Discrete():
            values = [*parameter.values]
        case Int():
            values = [parameter.lower, parameter.upper]
        case _:
            values = [None]
    if not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in values):
        raise InputError(where, f"the parameter {name!r} must have whole numbers from 1 on")
    return int(max(values))


def check_workers(workers: Mapping[str, int], document: Document) -> None:
    """Check the numbers of workers by kind."""
    for kind, number in workers.items():
        where = document.where("workers", kind)
        if not is_kind(kind):
            raise InputError(where, f"{kind!r} cannot name a kind; {KIND_NAMES}")
        if number < 1:
            raise InputError(where, f"{number} is wrong here: give 1 or more workers")


def whole(options: dict[str, object], key: str, least: int, document: Document) -> int | None:
    """Return a whole number of an optimizer section, or None if it is not there."""
    value = options.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        where = document.where("optimizer", key)
        raise InputError(where, f"{value!r} is wrong here: give a whole number >= {least}")
    return value
