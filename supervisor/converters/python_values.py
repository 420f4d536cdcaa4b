"""Values in Python source, which is never run: literals, and arithmetic on them."""

from __future__ import annotations

import ast
import math
import operator
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor.core.errors import InputError

_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {"log": math.log, "log10": math.log10, "exp": math.exp}

_WIDEST = sys.float_info.max

_HELP = "is not a value that can be read without running the file; write a literal"


def parse(path: Path, text: str) -> ast.Module:
    """Return the syntax tree of a file.

    Raises:
        InputError: At the line that is not Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in texts, for instance
            return ast.parse(text)
    except SyntaxError as error:
        problem = f"not Python: {error.msg}"
        raise InputError(f"{path}:{error.lineno or 1}", problem) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(str(path), f"not Python: {error}") from error


def value_of(path: Path, node: ast.expr) -> Any:
    """Return the value of an expression; tuples stay tuples.

    Raises:
        InputError: At its line, if only running the file could tell.
    """
    try:
        return _value(node)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        shown = ast.unparse(node)
        raise InputError(f"{path}:{node.lineno}", f"{shown[:60]!r} {_HELP}") from error


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left), _value(right))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.Call(func=function, args=arguments, keywords=[]):
            name = called(function)
            if name not in _FUNCTIONS:
                raise ValueError(name)
            return _FUNCTIONS[name](*(_value(one) for one in arguments))
    return ast.literal_eval(node)


def called(function: ast.expr) -> str:
    """Return the last part of a dotted name, e.g. ``log`` of ``np.log``; empty for others."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


class Arguments:
    """The arguments of a call, by position or by name.

    Attributes:
        name: Of what is called.
        line: Where it is called.
        place: The same, for messages.
    """

    def __init__(self, path: Path, node: ast.Call) -> None:
        self.name = called(node.func)
        self.line = node.lineno
        self.place = f"{path}:{node.lineno}"
        self._path = path
        self._positional = node.args
        self._keywords = {one.arg: one.value for one in node.keywords}

    def get(self, position: int | None, name: str, default: Any = None) -> Any:
        """Return an argument's value; ``default`` if it is not given."""
        if name in self._keywords:
            return value_of(self._path, self._keywords[name])
        if position is not None and position < len(self._positional):
            return value_of(self._path, self._positional[position])
        return default

    def need(self, position: int | None, name: str) -> Any:
        """Return an argument's value.

        Raises:
            InputError: If it is not given.
        """
        missing = object()
        found = self.get(position, name, missing)
        if found is missing:
            raise InputError(self.place, f"{self.name} lacks its argument {name!r}")
        return found

    def bounds(self, position: int, *names: str) -> list[Any]:
        """Return numbers that stand side by side.

        Raises:
            InputError: If one is not given, or no finite number.
        """
        found = [self.need(position + index, name) for index, name in enumerate(names)]
        for bound in found:
            if not is_number(bound) or not -_WIDEST <= bound <= _WIDEST:
                raise InputError(self.place, f"the bound {bound!r} is not a finite number")
        return found

    def values(self, position: int, name: str) -> list[Any]:
        """Return the values of a list.

        Raises:
            InputError: If it is not given, or no list.
        """
        found = self.need(position, name)
        if not isinstance(found, list | tuple):
            raise InputError(self.place, f"{found!r} is not a list of values")
        return [*found]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
