"""Finding an objective's function without importing it.

The main rank checks that the function exists, but only workers import it: it may need a GPU, or
minutes.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from supervisor.core.errors import InputError, UnknownName
from supervisor.dataflow.parameters import Parameters, parameters


def check_function(reference: str, folder: Path, where: str) -> Parameters | None:
    """Check that ``module:function`` exists, beside the workflow or importable.

    Args:
        reference: What the workflow says.
        folder: The workflow's folder, where modules are looked for first.
        where: Location of the reference, for errors.

    Returns:
        What it can be called with; None if only running the module could tell.

    Raises:
        InputError: If the form is wrong, or there is no such module or function.
    """
    module, colon, function = reference.partition(":")
    if not colon or not module or not function.isidentifier():
        raise InputError(where, f"{reference!r} is not of the form module:function")
    source = _find_source(module, folder, where)
    if source is None or source.suffix != ".py":
        return None  # a compiled module: its names are known only to those who import it
    tree = _parsed(source, where)
    names = Counter(_bound_names(tree.body))
    if names["*"] or (names["__getattr__"] and not names[function]):
        return None
    if not names[function]:
        raise UnknownName(where, function, names, f"function in {source.name}")
    return parameters(tree, function, source.name) if names[function] == 1 else None


def _find_source(module: str, folder: Path, where: str) -> Path | None:
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    except (ImportError, ValueError, SyntaxError) as error:
        raise InputError(where, f"module {module!r} cannot be found: {error}") from error
    finally:
        sys.path.remove(str(folder))
    if spec is None:
        raise InputError(
            where,
            f"there is no module {module!r}; put {module.replace('.', '/')}.py into {folder}, "
            "or install it",
        )
    return Path(spec.origin) if spec.origin and Path(spec.origin).exists() else None


def _parsed(source: Path, where: str) -> ast.Module:
    try:
        return ast.parse(source.read_bytes(), filename=str(source))
    except SyntaxError as error:
        problem = f"{source.name}:{error.lineno} is not Python: {error.msg}"
        raise InputError(where, problem) from error


def _bound_names(body: list[ast.stmt]) -> Iterator[str]:
    """Yield what statements bind at the top level of a module, branches included."""
    for statement in body:
        match statement:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                yield name
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                for alias in aliases:
                    yield (alias.asname or alias.name).split(".")[0]
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                for field in ("body", "orelse", "handlers", "finalbody"):
                    yield from _bound_names(getattr(statement, field, []))
                for node in (*getattr(statement, "items", ()), getattr(statement, "target", None)):
                    yield from _stored_names(node)
            case ast.ExceptHandler(body=handler):
                yield from _bound_names(handler)
            case _:
                yield from _stored_names(statement)


def _stored_names(tree: ast.AST | None) -> Iterator[str]:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
