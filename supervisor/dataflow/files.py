"""Files as arguments and results of apps.

A file that a call needs must be there when the call starts; a file that a call makes appears
under its name when the call has succeeded, and not before.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob as find
from pathlib import Path
from typing import Any

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.files import folder, note
from supervisor.core.pending import Pending, travelling
from supervisor.core.scope import current
from supervisor.dataflow.flow import Flow
from supervisor.executors.failures import TaskError
from supervisor.executors.traces import remove, will_leave


class File:
    """A file, wherever it is opened: ``open(file)``, ``f"{file}"`` and commands get its full path.

    Args:
        name: Relative names begin at the folder of the script.

    Attributes:
        made_by: The call that makes it, or None; a call that is given the file waits for it.
    """

    __slots__ = ("__weakref__", "made_by", "name")

    def __init__(self, name: str | os.PathLike[str]) -> None:
        self.name: str = name.name if isinstance(name, File) else os.fspath(name)
        self.made_by: Pending | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        return folder() / self.name

    def problem(self) -> str:
        """Return why a call that needs the file cannot run, or nothing."""
        return "" if self.path.exists() else f"the input file {self.path} does not exist"

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"File({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.made_by is not None:
            if travelling():
                return _second, (self.made_by, Named(self.name, needed=True))
            if not getattr(self.made_by, "ready", False):
                raise TypeError(f"{self!r} is not there yet; give it to an app as an argument")
        elif travelling() and isinstance(current(), Flow):
            require(self)
        return _needed, (self.name,)


class Missing(InputError):
    """A file that a call in ``main`` needs is not there, and no call makes it."""

    def of_call(self, label: str) -> None:
        """Say in which call."""
        self.where = label
        self.args = (f"{label}: {self.problem}",)


def require(file: File) -> None:
    """Check that a file is there, or will be.

    Raises:
        Missing: If it will not.
    """
    if file.made_by is None and file.problem():
        hint = "and no call makes it (for an output, give the same File object)"
        raise Missing(repr(file), f"{file.problem()}, {hint}")


@dataclass(frozen=True, slots=True)
class Named:
    """Stands in a pickle for the file of this name."""

    name: str
    needed: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return (_needed if self.needed else File), (self.name,)


def _needed(name: str) -> File:
    file = File(name)
    note(file)
    return file


def _second(first: Any, second: Any) -> Any:
    return second


def glob(pattern: str) -> list[File]:
    """Return the files that match a pattern, sorted by name; ``**`` stands for any folders."""
    # Path.glob takes no absolute patterns:
    names = find(pattern, root_dir=folder(), recursive=True)  # noqa: PTH207 - as said above
    return [File(name) for name in sorted(names) if (folder() / name).is_file()]


class Aside(File):
    """An output while its app runs: another name beside the final one, with the same ending."""

    __slots__ = ("_path",)

    def __init__(self, final: File) -> None:
        super().__init__(final.name)
        path = final.path
        self._path = path.with_name(f".{os.urandom(6).hex()}-{path.name}")

    @property
    def path(self) -> Path:
        """Where it is for now."""
        return self._path

    @property
    def final(self) -> Path:
        """Where it will be."""
        return folder() / self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return File, (self.name,)


@dataclass(frozen=True)
class WithOutputs:
    """A function whose output files exist when it has succeeded, and only then.

    Attributes:
        function: Is given the files under other names, beside the final ones.
        original: The user's function, whose parameters it has.
        names: Of the parameters that are outputs. One that is None is left out.
    """

    function: Callable[..., Any]
    original: Callable[..., Any]
    names: tuple[str, ...]

    @cached_property
    def __name__(self) -> str:
        return self.original.__name__

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters."""
        return inspect.signature(self.original)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function, and give its outputs their names."""
        bound = self.signature.bind(*arguments, **named)
        bound.apply_defaults()
        asides = self._aside(bound.arguments)
        temporaries = [str(one) for one in asides]
        will_leave(temporaries)
        try:
            value = self.function(*bound.args, **bound.kwargs)
            for one in asides:
                if not one.path.exists():
                    text = f"{self.__name__} succeeded, but its output {one.final} does not exist"
                    raise TaskError("invalid", text)
            for one in asides:
                one.path.replace(one.final)
        except BaseException:
            remove(temporaries)
            raise
        return value

    def _aside(self, arguments: dict[str, Any]) -> list[Aside]:
        """Put other names in place of the outputs; the same one for the same file."""
        asides: dict[Path, Aside] = {}
        for name in self.names:
            value = arguments.get(name)
            if value is None:
                continue
            if not isinstance(value, str | os.PathLike):
                problem = f"the output {name!r} is {value!r}; give a File"
                raise InputError(self.__name__, problem)
            final = File(value)
            final.path.parent.mkdir(parents=True, exist_ok=True)
            arguments[name] = asides.setdefault(final.path, Aside(final))
        return list(asides.values())


def check_outputs(function: Callable[..., Any], names: Sequence[str], where: str) -> None:
    """Check that outputs are parameters.

    Raises:
        InputError: If one is not.
    """
    if isinstance(names, str):
        raise InputError(where, f"outputs={names!r} is one text; give a list of parameters")
    known = inspect.signature(function).parameters
    for name in names:
        if name not in known:
            raise UnknownName(where, name, known, "parameter among the outputs")


def sent(
    signature: inspect.Signature,
    outputs: Sequence[str],
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    label: str,
) -> tuple[tuple[Any, ...], dict[str, Any], list[File]]:
    """Return the arguments of a call as they travel, and the files that it makes.

    Raises:
        InputError: If one of the files is made by another call.
    """
    bound = signature.bind(*arguments, **named)
    files = []
    for name in outputs:
        value = bound.arguments.get(name)
        if isinstance(value, File):
            if value.made_by is not None:
                problem = f"{value!r} is made by another call; two cannot make the same File"
                raise InputError(label, problem)
            files.append(value)
            bound.arguments[name] = Named(value.name)
    return bound.args, bound.kwargs, files
