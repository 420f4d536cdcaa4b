"""Expressions of R as trees; nothing is evaluated.

Operators are calls, as in R: ``2^x`` is a call of ``^`` with two arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supervisor.converters.r_tokens import Token
from supervisor.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text or a truth value; None is ``NULL``."""

    value: float | int | str | bool | None
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator with its arguments.

    Attributes:
        function: Its name, without the package before ``::``.
        arguments: Names, or None for positional ones, and values.
        line: Where it begins.
    """

    function: str
    arguments: tuple[tuple[str | None, Node], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function without a name."""

    parameters: tuple[str, ...]
    body: Node
    line: int


_EXACT_DIGITS = 15  # of a whole number that a double holds, as R does

Node = Literal | Name | Call | Function

_LITERALS: dict[str, bool | float | None] = {
    "TRUE": True,
    "T": True,
    "FALSE": False,
    "F": False,
    "NULL": None,
    "Inf": float("inf"),
}

_LEVELS = (
    ("|", "||"),
    ("&", "&&"),
    ("!",),
    ("==", "!=", "<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/"),
    ("%",),
    (":",),
    ("unary",),
    ("^",),
)
_STRENGTH = {sign: level for level, signs in enumerate(_LEVELS, 1) for sign in signs}
"""How strongly operators bind, as R's manual page ``Syntax`` has it."""


class Parser:
    """Reads one expression from a list of tokens.

    Args:
        path: The file, for messages.
        tokens: All of them, the end included.
        at: Index of the first token of the expression.
    """

    def __init__(self, path: Path, tokens: Sequence[Token], at: int = 0) -> None:
        self._path = path
        self._tokens = tokens
        self._at = at

    def expression(self, strength: int = 0) -> Node:
        """Return the expression that begins here.

        Args:
            strength: Operators that bind less strongly end it.

        Raises:
            InputError: At the first token that cannot go on.
        """
        left = self._operand()
        while True:
            token = self._tokens[self._at]
            bond = _STRENGTH.get("%" if token.text.startswith("%") else token.text, 0)
            if token.kind != "sign" or bond <= strength or token.text == "!":
                return left
            self._at += 1
            # ^ is the only one here that groups to the right
            right = self.expression(bond - 1 if token.text == "^" else bond)
            left = Call(token.text, ((None, left), (None, right)), token.line)

    def _operand(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Literal(number(token.text), token.line)
        if token.kind == "text":
            return Literal(token.text, token.line)
        if token.kind == "sign" and token.text in ("-", "+", "!"):
            bond = _STRENGTH["!" if token.text == "!" else "unary"]
            return Call(token.text, ((None, self.expression(bond - 1)),), token.line)
        if token.text == "(" and token.kind == "sign":
            inner = self.expression()
            self._expect(")")
            return inner
        if token.text == "{" and token.kind == "sign":
            inner = self.expression()
            self._expect("}")
            return inner
        if token.text == "\\" or (token.kind == "name" and token.text == "function"):
            return self._function(token)
        if token.kind == "name":
            return self._named(token)
        raise self._unexpected(token)

    def _named(self, token: Token) -> Node:
        if self._sees("::") or self._sees(":::"):
            self._at += 1
            token = self._take()
            if token.kind != "name":
                raise self._unexpected(token)
        if self._sees("("):
            self._at += 1
            return Call(token.text, self._arguments(), token.line)
        if token.text in _LITERALS:
            return Literal(_LITERALS[token.text], token.line)
        return Name(token.text, token.line)

    def _arguments(self) -> tuple[tuple[str | None, Node], ...]:
        """Return what stands in parentheses, the closing one included."""
        arguments: list[tuple[str | None, Node]] = []
        if self._sees(")"):
            self._at += 1
            return ()
        while True:
            name, following = self._tokens[self._at], self._tokens[self._at + 1]
            keyword = None
            if following.kind == "sign" and following.text == "=" and name.kind != "sign":
                keyword = name.text
                self._at += 2
            if self._sees(",") or self._sees(")"):
                problem = f"an argument is missing before {self._tokens[self._at]}"
                raise InputError(self._place(self._tokens[self._at]), problem)
            arguments.append((keyword, self.expression()))
            if self._sees(")"):
                self._at += 1
                return tuple(arguments)
            self._expect(",")

    def _function(self, token: Token) -> Function:
        self._expect("(")
        parameters = []
        while not self._sees(")"):
            name = self._take()
            if name.kind != "name":
                raise self._unexpected(name)
            parameters.append(name.text)
            if not self._sees(")"):
                self._expect(",")
        self._expect(")")
        return Function(tuple(parameters), self.expression(), token.line)

    def _sees(self, sign: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == "sign" and token.text == sign

    def _expect(self, sign: str) -> None:
        if not self._sees(sign):
            wanted = "',' or ')'" if sign == "," else repr(sign)
            raise self._unexpected(self._tokens[self._at], f"; {wanted} is missing before it")
        self._at += 1

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind == "end":
            raise self._unexpected(token)
        self._at += 1
        return token

    def _unexpected(self, token: Token, hint: str = "") -> InputError:
        return InputError(self._place(token), f"not R that can be read: unexpected {token}{hint}")

    def _place(self, token: Token) -> str:
        return f"{self._path}:{token.line}"


def number(text: str) -> float | int:
    """Return the value of a number of R, e.g. ``1e-3``, ``2L`` or ``0x10``."""
    digits = text.removesuffix("L")
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    return int(digits) if digits.isdigit() and len(digits) <= _EXACT_DIGITS else float(digits)
