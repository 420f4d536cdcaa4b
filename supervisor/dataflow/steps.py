"""The steps of a pipeline: what each does, for what, when, and what it needs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.objective import Container
from supervisor.dataflow import foreach
from supervisor.dataflow.container import check_runtime, read_container
from supervisor.dataflow.document import Document, Key
from supervisor.dataflow.foreach import BadForeach
from supervisor.dataflow.parameters import Parameters
from supervisor.dataflow.references import PARAMS, BadReference, Reference, references, texts
from supervisor.dataflow.schema import StepSection, StepTaskSection, convert
from supervisor.dataflow.source import check_function
from supervisor.dataflow.workflow import Workflow, load_workflow

RESERVED = {PARAMS, "range", "true", "false", "none", "True", "False", "None"}
RESERVED |= {"and", "or", "not", "in", "is", "if", "else"}
LISTED = 20
"""Hints name no more steps than this."""


@dataclass(frozen=True, slots=True)
class PythonAction:
    """A call of ``module:function`` with keyword arguments, which may hold references."""

    function: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"python {self.function}"


@dataclass(frozen=True, slots=True)
class ShellAction:
    """A script for bash, or for sh in a container, which may hold references."""

    script: str
    container: Container | None = None

    def __str__(self) -> str:
        line = " ".join(self.script.split())
        return f"shell {line}" if len(line) <= 60 else f"shell {line[:57]}..."


@dataclass(frozen=True, slots=True)
class SearchAction:
    """A search or an ensemble, with constants for its points, which may hold references."""

    workflow: Workflow
    constants: Mapping[str, Any]

    def __str__(self) -> str:
        return f"search {self.workflow.document.path.name} ({self.workflow.summary})"


Action = PythonAction | ShellAction | SearchAction
ACTIONS = ("python", "shell", "search")
"""The keys that say what a step does; each step has one of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, which runs once, or once for each combination of its variables.

    Attributes:
        name: Stands for its value in references.
        place: File and line.
        action: What it does.
        foreach: Names of variables to where their values come from.
        when: Whether it runs; a text with references if that depends.
        inputs, outputs: Paths of files, which may hold references.
        task: How its tasks run.
        values: Steps whose values it refers to.
        after: Steps that the file says come first.
    """

    name: str
    place: str
    action: Action
    foreach: Mapping[str, Any]
    when: bool | str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    task: StepTaskSection
    values: tuple[str, ...]
    after: tuple[str, ...]

    def only_follows(self, other: str) -> bool:
        """Return whether a step only has to end before this one, and may be skipped."""
        return other in self.after and other not in self.values


class Reader:
    """Reads and checks the steps of a document.

    Args:
        document: The file.
        raw: The section ``steps``.
        params: Names of the file's constants.
        folder: Where modules and globs are looked for.
    """

    def __init__(
        self, document: Document, raw: Mapping[str, Any], params: Mapping[str, Any], folder: Path
    ) -> None:
        self.document = document
        self.raw = raw
        self.params = params
        self.folder = folder
        self._functions: dict[str, Parameters | None] = {}

    def read(self) -> dict[str, Step]:
        """Return the steps by name, in the order of the file.

        Raises:
            InputError: For the first thing that is wrong in itself, or refers to nothing.
        """
        if not self.raw:
            raise InputError(self.document.where("steps"), "there is none; give one at least")
        return {name: self._step(name) for name in self.raw}

    def _step(self, name: str) -> Step:
        self._check_name(name, "steps", name)
        where = self.document.where("steps", name)
        section = convert(self.document, StepSection, ("steps", name), self.raw[name])
        self._check_variables(name, section)
        found = self._references(name, section)
        for index, other in enumerate(section.after):
            if other not in self.raw:
                raise self._unknown(("steps", name, "after", index), other, {}, "step")
        return Step(
            name=name,
            place=where.partition(" ")[0],
            action=self._action(name, section),
            foreach=section.foreach,
            when=section.when,
            inputs=tuple(section.inputs),
            outputs=tuple(section.outputs),
            task=section.task,
            values=tuple(dict.fromkeys(one for one in found if one not in section.foreach)),
            after=tuple(dict.fromkeys(section.after)),
        )

    def _check_name(self, name: Any, *path: Key) -> None:
        if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
            problem = f"{name!r} cannot be a name in references; use letters, digits and '_'"
            raise InputError(self.document.where(*path), problem)

    def _action(self, name: str, section: StepSection) -> Action:
        given = [key for key in ACTIONS if getattr(section, key) is not None]
        where = self.document.where("steps", name)
        if len(given) != 1:
            known = " and ".join(repr(key) for key in ACTIONS)
            raise InputError(where, f"give exactly one of {known}")
        limit = self.document.where("steps", name, "task", "timeout_s")
        if section.task.timeout_s is not None and section.task.run == "inline":
            raise InputError(limit, "has no use beside 'run: inline'; a worker cannot end itself")
        self._check_group(name, section)
        if section.shell is not None:
            if section.arguments:
                where = self.document.where("steps", name, "with")
                raise InputError(where, "has no use beside 'shell'; write ${...} in the command")
            return ShellAction(section.shell, self._container(name, section))
        if section.task.container is not None:
            where = self.document.where("steps", name, "task", "container")
            raise InputError(where, "is for steps given as 'shell:'")
        if section.search is not None:
            return self._search(name, section, section.search)
        assert section.python is not None
        if section.python not in self._functions:
            where = self.document.where("steps", name, "python")
            found = check_function(section.python, self.folder, where)
            self._functions[section.python] = found
        parameters = self._functions[section.python]
        if parameters is not None and not any("${" in key for key in section.arguments):
            together = {"comm": None} if section.task.run == "group" else {}
            parameters.check(
                section.arguments | together, partial(self.document.where, "steps", name, "with")
            )
        return PythonAction(section.python, section.arguments)

    def _container(self, name: str, section: StepSection) -> Container | None:
        key = ("steps", name, "task", "container")
        found = read_container(section.task.container, self.folder, self.document, key)
        if found is not None:
            if section.task.run == "inline":
                raise InputError(self.document.where(*key), "needs 'run: process' beside it")
            check_runtime(found, self.document, key)
        return found

    def _check_group(self, name: str, section: StepSection) -> None:
        where = partial(self.document.where, "steps", name, "task")
        if section.task.run == "group" and section.python is None:
            raise InputError(where("run"), "'group' is for steps given as 'python:'")
        if section.task.run != "group" and section.task.size != 1:
            raise InputError(
                where("size"), "a step on several workers needs 'run: group' beside it"
            )

    def _search(self, name: str, section: StepSection, file: str) -> SearchAction:
        """Return a search as a step; its own file says how its tasks run."""
        for key in ("task", "inputs", "outputs"):
            if key in self.raw[name]:
                where = self.document.where("steps", name, key)
                raise InputError(where, f"has no use beside 'search'; write it in {file}")
        path = self.folder / file
        if not path.is_file():
            raise InputError(self.document.where("steps", name, "search"), f"there is no {path}")
        workflow = load_workflow(path)
        for constant in section.arguments:
            if workflow.space is not None and constant in workflow.space.parameters:
                where = self.document.where("steps", name, "with", constant)
                raise InputError(where, f"is a parameter of the space in {file} too; rename one")
        return SearchAction(workflow, section.arguments)

    def _check_variables(self, name: str, section: StepSection) -> None:
        for variable, source in section.foreach.items():
            path = ("steps", name, "foreach", variable)
            self._check_name(variable, *path)
            where = self.document.where(*path)
            if variable in self.raw:
                raise InputError(where, f"{variable!r} is the name of a step; choose another")
            try:
                foreach.check(source)
                if foreach.is_glob(source) and not (section.after or "${" in source):
                    foreach.matches(source, self.folder)
            except (BadForeach, BadReference) as error:
                raise InputError(where, str(error)) from error

    def _references(self, name: str, section: StepSection) -> dict[str, None]:
        """Return the names that a step refers to, all of which are known."""
        found: dict[str, None] = {}
        path = ("steps", name)
        if isinstance(section.when, str) and "${" not in section.when:
            where = self.document.where(*path, "when")
            raise InputError(where, f"{section.when!r} is no condition; write ${{...}}")
        for key, value in (
            ("foreach", section.foreach),
            ("when", section.when),
            ("with", section.arguments),
            ("shell", section.shell),
            ("inputs", section.inputs),
            ("outputs", section.outputs),
        ):
            variables = {} if key == "foreach" else section.foreach
            for place, text in texts(value, *path, key):
                for reference in self._parsed(place, text):
                    self._check_reference(place, reference, variables)
                    found.update(dict.fromkeys(reference.names))
        return found

    def _parsed(self, place: tuple[Key, ...], text: str) -> list[Reference]:
        try:
            return references(text) if "${" in text else []
        except BadReference as error:
            raise InputError(self.document.where(*place), str(error)) from error

    def _check_reference(
        self, place: tuple[Key, ...], reference: Reference, variables: Mapping[str, Any]
    ) -> None:
        for name in reference.names:
            if name not in self.raw and name not in variables:
                raise self._unknown(place, name, variables, "step or variable")
        for name in reference.params:
            if name and name not in self.params:
                where = self.document.where(*place)
                raise UnknownName(where, name, self.params, what="constant in 'params'")

    def _unknown(
        self, place: tuple[Key, ...], name: str, variables: Mapping[str, Any], what: str
    ) -> UnknownName:
        known = [*self.raw, *variables]
        if len(known) > LISTED:
            known = difflib.get_close_matches(name, known, n=LISTED // 4, cutoff=0.0)
        if place[2:3] == ("shell",):
            what += f" (a variable of the shell is written ${name} or $${{{name}}})"
        return UnknownName(self.document.where(*place), name, known, what=what)
