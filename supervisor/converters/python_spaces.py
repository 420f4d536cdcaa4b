"""Spaces in Python source: those of asynchronous search, scikit-optimize, hyperopt, optuna."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supervisor.converters.conversion import Conversion
from supervisor.converters.python_calls import Additions, adder
from supervisor.converters.python_values import Arguments, called, parse, value_of
from supervisor.core.errors import InputError


def read(path: Path, text: str) -> Conversion:
    """Return the space that a Python file spells out, and a Bayesian search; nothing is run.

    Read are, wherever they stand in the file:

    - ``space["x"] = V``, ``space = {"x": V}`` and ``OrderedDict([("x", V)])``, where ``V`` is a
      tuple of bounds (``"log-uniform"`` may follow), a list of values, or a constant;
    - ``Real``, ``Integer`` and ``Categorical`` with ``name``, of scikit-optimize;
    - ``add_hyperparameter(V, "x")`` and ``add_dim("x", V)``, of DeepHyper;
    - ``hp.uniform("x", ...)`` and the like, of hyperopt;
    - ``trial.suggest_float("x", ...)`` and the like, of optuna.

    Raises:
        InputError: At the line of a value that only running the file could tell, or if there is
            nothing of all this.

    Source:
        CANDLE Supervisor, workflows/async-search; the manuals of the libraries.
    """
    conversion = Conversion(path, "Python source")
    reader = _Reader(conversion)
    try:
        for node in _in_order(parse(path, text)):
            reader.visit(node)
    except RecursionError as error:
        raise InputError(str(path), "is nested too deeply") from error
    conversion.optimizer = {"kind": "bayes", "evaluations": 20, "seed": 1}
    return conversion


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes in the order of the text."""
    for child in ast.iter_child_nodes(tree):
        yield child
        yield from _in_order(child)


class _Reader:
    """Adds what single nodes of a syntax tree say to a conversion."""

    def __init__(self, conversion: Conversion) -> None:
        self._conversion = conversion
        self._path = conversion.path
        self._additions = Additions(conversion)

    def visit(self, node: ast.AST) -> None:
        """Add the parameters that a node declares, if it does."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, node.value)
        elif isinstance(node, ast.Call) and (add := adder(node)):
            add(self._additions, Arguments(self._path, node))

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target:
            case ast.Subscript(value=base, slice=ast.Constant(value=str() as name)):
                if _is_space(base):
                    self._add_unless_call(name, value)
                return
        if called(target) == "starting_point":
            text = "the starting point is left out; give it in a file, as 'initial' points"
            self._conversion.warn(target.lineno, text)
        if not _is_space(target):
            return
        for name_node, inner in _items(value):
            self._add_unless_call(value_of(self._path, name_node), inner)

    def _add_unless_call(self, name: Any, value: ast.expr) -> None:
        """Add a plain value; a call inside it, e.g. ``hp.uniform``, is met by itself."""
        if adder(value) is None:
            self._additions.add(name, value_of(self._path, value), value.lineno)


def _is_space(node: ast.expr) -> bool:
    """Tell whether a variable is called ``space``, or ends so."""
    return called(node).lower().endswith("space")


def _items(value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield names and values of a dict, or of the pairs in a call such as OrderedDict([...])."""
    match value:
        case ast.Dict(keys=keys, values=values):
            for key, inner in zip(keys, values, strict=True):
                if key is not None:
                    yield key, inner
        case ast.Call(args=[ast.List(elts=pairs)]) | ast.Call(args=[ast.Tuple(elts=pairs)]):
            for pair in pairs:
                if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                    yield pair.elts[0], pair.elts[1]
        case ast.Call(args=[ast.Dict() as inner]):
            yield from _items(inner)
        case ast.Call(func=ast.Name(id="dict" | "OrderedDict"), keywords=keywords):
            for keyword in keywords:
                yield ast.copy_location(ast.Constant(keyword.arg), keyword), keyword.value
