"""What a function can be called with by name, as its source says; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from supervisor.core.errors import InputError, UnknownName

WRAPPERS = ("app", "shell")
"""Decorators of ours, which keep the parameters of what they decorate."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a function.

    Attributes:
        function: What errors call it.
        unnamed: Those that are required and cannot be given by name.
        named: Those that can.
        required: Those of them without a default.
        others: Whether it takes further names.
    """

    function: str
    unnamed: tuple[str, ...]
    named: tuple[str, ...]
    required: tuple[str, ...]
    others: bool

    def check(self, given: Collection[str], where: Callable[..., str]) -> None:
        """Check the names of arguments.

        Args:
            given: The names.
            where: Returns where an argument stands, or all of them without a name.

        Raises:
            InputError: If one is not known, or one is missing.
        """
        for name in given:
            if name not in self.named and not self.others:
                what = f"parameter of {self.function}"
                raise UnknownName(where(name), name, self.named, what=what)
        for name in self.required:
            if name not in given:
                raise InputError(where(), f"the argument {name!r} of {self.function} is missing")
        if self.unnamed:
            problem = (
                f"{self.function} takes {self.unnamed[0]!r} by position only, and not by name"
            )
            raise InputError(where(), problem)


def parameters(tree: ast.Module, function: str, file: str) -> Parameters | None:
    """Return the parameters of a function of a module, where nothing else has its name.

    Args:
        tree: The module.
        function: Its name.
        file: The name of the module's file, for errors.

    Returns:
        None if only running the module could tell: it is no plain function, or it is decorated.
    """
    found = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == function]
    if not found or _is_replaced(tree, function):
        return None
    wrappers = set(_wrappers(tree))
    if any(_name_of(one) not in wrappers for one in found[0].decorator_list):
        return None
    arguments = found[0].args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    required = positional[: len(positional) - len(arguments.defaults)]
    only_named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required += [one.arg for one, default in only_named if default is None]
    unnamed = {one.arg for one in arguments.posonlyargs}
    return Parameters(
        f"{function} in {file}",
        tuple(one for one in required if one in unnamed),
        tuple(one.arg for one in (*arguments.args, *arguments.kwonlyargs)),
        tuple(one for one in required if one not in unnamed),
        arguments.kwarg is not None,
    )


def _is_replaced(tree: ast.Module, name: str) -> bool:
    """Return whether a function of the module binds a global name."""
    return any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(tree))


def _wrappers(tree: ast.Module) -> Iterator[str]:
    """Yield what a module calls our decorators."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "supervisor" and not node.level:
            yield from (one.asname or one.name for one in node.names if one.name in WRAPPERS)
        elif isinstance(node, ast.Import):
            for one in node.names:
                if one.name == "supervisor":
                    yield from (f"{one.asname or one.name}.{wrapper}" for wrapper in WRAPPERS)


def _name_of(decorator: ast.expr) -> str:
    """Return the name of a decorator, with or without arguments."""
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
