"""Conditions over parameters, as users write them in ``when`` and ``forbid``; never ``eval``."""

from __future__ import annotations

import ast
import keyword
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_LITERALS = {"true": True, "false": False, "null": None}  # as YAML spells them

_DEEPEST = 100  # levels of nesting; the evaluation is recursive

_LONGEST_POWER = 10_000  # bits


class ExpressionError(ValueError):
    """An expression that cannot be parsed, or not be evaluated with the values at hand."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression over named values.

    Attributes:
        text: As the user wrote it, on one line.
        names: What has to have a value before it can be evaluated.
        tree: The parsed form; holds nothing but nodes that ``evaluate`` knows.
    """

    text: str
    names: frozenset[str]
    tree: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Return the expression that ``text`` holds.

        The words of Python that have no meaning here, ``lambda`` for instance, are names.

        Raises:
            ExpressionError: Says what is not allowed, and in which column.
        """
        line = text.replace("\n", " ").strip()
        if not line:
            raise ExpressionError("the expression is empty")
        tree = _parse(line)
        nodes = list(_nodes(tree, line))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        return cls(line, frozenset(names - _LITERALS.keys()), tree)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Return what the expression gives for ``values``.

        Raises:
            ExpressionError: If a name has no value, or an operation is not possible.
        """
        missing = sorted(self.names - values.keys())
        if missing:
            raise ExpressionError(f"{self.text!r} needs a value of {', '.join(missing)}")
        try:
            return _value(self.tree, values)
        except (TypeError, ValueError, ArithmeticError) as error:
            used = ", ".join(f"{name}={values[name]!r}" for name in sorted(self.names))
            given = f" with {used}" if used else ""
            raise ExpressionError(f"cannot evaluate {self.text!r}{given}: {error}") from error


# --- parsing -------------------------------------------------------------------------------

_MEANINGFUL = {"and", "or", "not", "in", "is", "if", "else", "True", "False", "None"}
_NAMES = frozenset(keyword.kwlist) - _MEANINGFUL

_BOLD_A = 0x1D41A  # MATHEMATICAL BOLD SMALL A; the others follow

_STRING_OR_WORD = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\w+""")

_REFUSED: dict[type[ast.AST], str] = {
    ast.Call: "a function call",
    ast.Attribute: "an attribute",
    ast.Subscript: "an index",
    ast.NamedExpr: "an assignment",
    ast.JoinedStr: "an f-string",
    ast.Dict: "a dictionary",
    ast.Set: "a set (write a list)",
    ast.Starred: "a star",
    ast.Invert: "the operator ~",
    ast.UAdd: "a unary plus",
    ast.Is: "'is' (write ==)",
    ast.IsNot: "'is not' (write !=)",
    ast.BitAnd: "the operator & (write and)",
    ast.BitOr: "the operator | (write or)",
    ast.BitXor: "the operator ^ (a power is **)",
    ast.LShift: "the operator <<",
    ast.RShift: "the operator >>",
    ast.MatMult: "the operator @",
}


def _parse(line: str) -> ast.expr:
    """Return the syntax tree, not yet checked."""
    try:
        return ast.parse(_STRING_OR_WORD.sub(_disguise, line), mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"{line!r}: {error.msg} at column {error.offset or 1}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"the expression cannot be parsed: {error}") from error


def _disguise(match: re.Match[str]) -> str:
    """Respell a keyword that is a name here.

    The first letter becomes its mathematical bold form: not the keyword any more, but the parser
    normalises names (PEP 3131), so the tree holds the plain one.
    """
    word = match.group()
    if word not in _NAMES:
        return word
    return chr(_BOLD_A + ord(word[0]) - ord("a")) + word[1:]


def _nodes(tree: ast.expr, line: str) -> Iterator[ast.AST]:
    """Yield all nodes; an iteration, so that no depth of nesting is too much for it."""
    stack: list[tuple[ast.AST, int, int]] = [(tree, 1, 0)]
    while stack:
        node, depth, offset = stack.pop()
        offset = getattr(node, "col_offset", offset)
        if depth > _DEEPEST:
            raise ExpressionError(f"more than {_DEEPEST} levels of nesting in {line[:60]!r}...")
        if not _allowed(node):
            what = _REFUSED.get(type(node)) or f"{ast.unparse(node)!r}"
            column = _column(line, offset)
            raise ExpressionError(f"{line!r}: {what} is not allowed, at column {column}")
        yield node
        stack.extend((child, depth + 1, offset) for child in ast.iter_child_nodes(node))


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, bool | int | float | str)
    return type(node) in _GRAMMAR


def _column(line: str, offset: int) -> int:
    """Turn the parser's offset in bytes into a column, from 1."""
    disguised = _STRING_OR_WORD.sub(_disguise, line)
    return len(disguised.encode()[:offset].decode()) + 1


# --- evaluation ----------------------------------------------------------------------------


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _LITERALS[name] if name in _LITERALS else values[name]
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return [_value(item, values) for item in items]
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_value(operand, values))
        case ast.BinOp(op=op, left=left, right=right):
            return _arithmetic(type(op), _value(left, values), _value(right, values))
        case ast.BoolOp():
            return _junction(node, values)
        case ast.Compare():
            return _compare(node, values)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, values) else orelse, values)
    raise TypeError(f"{type(node).__name__} is not in the grammar")


def _junction(node: ast.BoolOp, values: Mapping[str, Any]) -> Any:
    """Return the operand that decides an ``and`` or ``or``; later ones are not evaluated."""
    decides = isinstance(node.op, ast.Or)
    value: Any = None
    for operand in node.values:
        value = _value(operand, values)
        if bool(value) is decides:
            break
    return value


def _compare(node: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(node.left, values)
    for op, operand in zip(node.ops, node.comparators, strict=True):
        right = _value(operand, values)
        if not _COMPARISONS[type(op)](left, right):
            return False
        left = right
    return True


def _arithmetic(op: type[ast.operator], left: Any, right: Any) -> Any:
    """Apply an operator to numbers only: ``'a' * 10**9`` would fill the memory."""
    for operand in (left, right):
        if not isinstance(operand, int | float):
            raise TypeError(f"{operand!r} is not a number")
    return _ARITHMETIC[op](left, right)


def _power(base: float, exponent: float) -> float:
    whole = isinstance(base, int) and isinstance(exponent, int)  # floats overflow by themselves
    if whole and int(base).bit_length() * abs(exponent) > _LONGEST_POWER:
        raise OverflowError(f"{base} ** {exponent} is too large")
    result: Any = base**exponent
    if isinstance(result, complex):
        raise ValueError(f"{base} ** {exponent} is not a real number")
    return float(result) if isinstance(result, float) else int(result)


_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}

_GRAMMAR: frozenset[type[ast.AST]] = frozenset(
    {ast.Name, ast.Load, ast.Tuple, ast.List, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare}
    | {ast.IfExp, ast.And, ast.Or, *_UNARY, *_ARITHMETIC, *_COMPARISONS}
)
