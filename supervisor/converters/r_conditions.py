"""Conditions of R, as in ``requires = quote(kernel == "rbf")``, in the words of a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from supervisor.converters.r_parser import Call, Function, Literal, Name, Node
from supervisor.core.errors import InputError

_SIGNS: Mapping[str, str] = {
    "==": "==",
    "!=": "!=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "&": "and",
    "&&": "and",
    "|": "or",
    "||": "or",
    "%in%": "in",
    "+": "+",
    "-": "-",
    "*": "*",
    "/": "/",
    "^": "**",
    "%%": "%",
    "%/%": "//",
}

_QUOTES = ("quote", "expression")


def condition(path: Path, node: Node) -> str:
    """Return the condition that ``quote(...)`` or ``expression(...)`` holds.

    Raises:
        InputError: At the line of what a condition of a workflow cannot say.
    """
    if not isinstance(node, Call) or node.function not in _QUOTES or len(node.arguments) != 1:
        raise InputError(f"{path}:{node.line}", "a condition has the form quote(...)")
    text = _spelt(path, node.arguments[0][1])
    return text[1:-1] if text.startswith("(") else text


def _spelt(path: Path, node: Node) -> str:
    """Return a part of a condition, in parentheses if it is an operation."""
    match node:
        case Literal(value=bool() as value):
            return str(value).lower()
        case Literal(value=None):
            return "null"
        case Literal(value=value):
            return repr(value)
        case Name(name=name):
            return name
        case Call(function="c"):
            return f"[{', '.join(_spelt(path, value) for _, value in node.arguments)}]"
        case Call(function=sign, arguments=((_, left), (_, right))) if sign in _SIGNS:
            return f"({_spelt(path, left)} {_SIGNS[sign]} {_spelt(path, right)})"
        case Call(function="!" | "-" as sign, arguments=((_, inner),)):
            return f"({'not ' if sign == '!' else '-'}{_spelt(path, inner)})"
        case Call() | Function():
            what = f"{node.function}()" if isinstance(node, Call) else "a function"
            raise InputError(f"{path}:{node.line}", f"{what} cannot stand in a condition")
    raise AssertionError(node)
