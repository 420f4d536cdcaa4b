"""Results that survive runs: a call with the same code and arguments is not made again.

Each result is a file of its own, which the worker looks for just before it would make the call.
What counts is the function's name and source code (not that of functions which it calls), what
it closes over, its arguments, and the content of files among them. Files that a call makes, or
that are part of its result, must be as the call left them, or it is made again.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import io
import os
import pickle
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any

from supervisor.core.errors import InputError
from supervisor.core.files import folder
from supervisor.core.pending import Pending
from supervisor.dataflow.files import File

FOLDER = ".supervisor-memo"
MAGIC = b"supervisor memo 1\n"
DIGEST_BYTES = 32


class Corrupt(Exception):
    """A stored result cannot be read."""


@dataclass(frozen=True)
class Memo:
    """A function whose results are kept.

    Attributes:
        function: Makes a result.
        original: The user's function.
        outputs: Its parameters that are files which it makes.
        chosen: The folder of the results; empty for the usual one.
    """

    function: Callable[..., Any]
    original: Callable[..., Any]
    outputs: tuple[str, ...]
    chosen: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return the result that is kept; if there is none, make it and keep it."""
        bound = self.signature.bind(*arguments, **named)
        bound.apply_defaults()
        made = [File(value) for name, value in bound.arguments.items() if self._makes(name, value)]
        path = self._path(bound.arguments)
        try:
            if (found := read(path)) is not None:
                return found[0]
        except Corrupt as error:
            note = f"supervisor: {path}, a result of {self.__name__}, is made anew: {error}\n"
            sys.stderr.write(note)
        value = self.function(*arguments, **named)
        self._keep(path, value, made)
        return value

    @cached_property
    def __name__(self) -> str:
        return self.original.__name__

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters."""
        return inspect.signature(self.original)

    @cached_property
    def code(self) -> bytes:
        """What is the same as long as the function is."""
        function = self.original
        cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
        named = f"{function.__module__}.{function.__qualname__}\n{source(function)}"
        return named.encode() + self._canonical(cells, "what it closes over")

    def __getstate__(self) -> dict[str, Any]:
        """Take the source code along: where the function goes by value, there is no file."""
        return {**self.__dict__, "code": self.code}

    def _makes(self, name: str, value: Any) -> bool:
        return name in self.outputs and value is not None

    def _path(self, arguments: dict[str, Any]) -> Path:
        """Return where the result of a call is kept."""
        given = {
            name: File(value).name if self._makes(name, value) else value
            for name, value in arguments.items()
        }
        key = hashlib.sha256(self.code + self._canonical(given, "an argument")).hexdigest()
        return folder() / (self.chosen or FOLDER) / self.__name__ / key[:2] / key[2:]

    def _canonical(self, value: Any, what: str) -> bytes:
        try:
            return canonical(value)
        except InputError:
            raise
        except Exception as error:
            problem = f"memo compares calls by their pickles, and {what} has none: {error}"
            raise InputError(self.__name__, problem) from error

    def _keep(self, path: Path, value: Any, made: list[File]) -> None:
        if isinstance(value, Pending):
            problem = "memo keeps values, and it returned a future; give memo to the app it calls"
            raise InputError(self.__name__, problem)
        try:
            write(path, value, made)
        except OSError as error:  # a full disk must not cost the result
            sys.stderr.write(f"supervisor: a result of {self.__name__} is not kept: {error}\n")
        except Exception as error:
            problem = f"memo keeps pickles of results, and this one has none: {error}"
            raise InputError(self.__name__, problem) from error


def read(path: Path) -> tuple[Any] | None:
    """Return a stored result, alone in a tuple; None if there is none that still holds.

    Raises:
        Corrupt: If it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Corrupt(str(error)) from error
    body = data[len(MAGIC) + DIGEST_BYTES :]
    if data[: -len(body) or None] != MAGIC + hashlib.sha256(body).digest():
        raise Corrupt("it is not as it was written")
    try:
        files, pickled = pickle.loads(body)
        if any(digest(File(name)) != content for name, content in files):
            return None
        return (pickle.loads(pickled),)
    except Exception as error:
        raise Corrupt(f"{type(error).__name__}: {error}") from error


def write(path: Path, value: Any, made: list[File]) -> None:
    """Store a result, and what the files are like that belong to it."""
    stream = io.BytesIO()
    noting = Noting(stream, protocol=5)
    noting.dump(value)
    files = {file.name: digest(file) for file in [*made, *noting.files]}
    body = pickle.dumps((tuple(files.items()), stream.getvalue()), protocol=5)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(MAGIC + hashlib.sha256(body).digest() + body)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


class Noting(pickle.Pickler):
    """A pickler that notes the files in a value."""

    def __init__(self, stream: io.BytesIO, protocol: int) -> None:
        super().__init__(stream, protocol)
        self.files: list[File] = []

    def persistent_id(self, value: Any) -> None:
        """Note a file; it is pickled as always."""
        if isinstance(value, File):
            self.files.append(File(value.name))


class Canonical(pickle.Pickler):
    """A pickler that makes the same bytes of the same value: sets in order, files by content."""

    def persistent_id(self, value: Any) -> Any:
        """Return what stands for a file or a set; None for everything else."""
        if isinstance(value, File):
            return "file", digest(value)
        if type(value) in (set, frozenset):
            return type(value).__name__, sorted(canonical(one) for one in value)
        return None


def canonical(value: Any) -> bytes:
    """Return the same bytes for the same value, whichever of its parts are one object."""
    try:
        return _canonical(value, fast=True)
    except (ValueError, RecursionError):  # it contains itself
        return _canonical(value, fast=False)


def _canonical(value: Any, *, fast: bool) -> bytes:
    stream = io.BytesIO()
    pickler = Canonical(stream, 5)
    pickler.fast = fast  # refers to no object twice
    pickler.dump(value)
    return stream.getvalue()


def digest(file: File) -> str:
    """Return what stands for the content of a file, or of all files in a folder."""
    path = file.path
    if path.is_dir():
        inside = sorted(one for one in path.rglob("*") if one.is_file())
        parts = [(str(one.relative_to(path)), digest(File(one))) for one in inside]
        return hashlib.sha256(repr(parts).encode()).hexdigest()
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def source(function: Callable[..., Any]) -> str:
    """Return a function's source code without decorators, comments and layout.

    If there is none, its compiled code does.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # typed in, or a lambda in the middle of a line
        return compiled(function.__code__)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    return ast.unparse(tree)


def compiled(code: CodeType) -> str:
    """Return what a function's compiled code does, wherever it stands."""
    inner = [compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()} {inner} {code.co_names}"
