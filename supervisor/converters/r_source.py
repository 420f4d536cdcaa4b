"""Where in an R file its parameter set stands, and what its variables mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from supervisor.converters.r_parser import Call, Node, Parser
from supervisor.converters.r_tokens import Token, tokenize
from supervisor.core.errors import InputError

SET = "makeParamSet"

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_ASSIGN = ("<-", "=", "<<-")
_USUAL = ("param.set", "par.set")
"""Names that mlrMBO's programs give to the set that they search."""


class Source:
    """An R file, of which only the call of ``makeParamSet`` and variables in it are read.

    Args:
        path: The file.
        text: What is in it.
        makers: Functions that make a parameter; one never stands inside another.

    Raises:
        InputError: If no one set can be found, or a parenthesis in it is not closed.
    """

    def __init__(self, path: Path, text: str, makers: Sequence[str]) -> None:
        self.path = path
        self._tokens = tokenize(path, text)
        self._start = self._find()
        self._check_parentheses(makers)
        self._looked_up: dict[str, Node | None] = {}

    def parameter_set(self) -> Call:
        """Return the call of ``makeParamSet``."""
        try:
            found = Parser(self.path, self._tokens, self._start).expression()
        except RecursionError as error:
            place = f"{self.path}:{self._tokens[self._start].line}"
            raise InputError(place, "is nested too deeply") from error
        assert isinstance(found, Call)
        return found

    def lookup(self, name: str) -> Node | None:
        """Return what was assigned to a variable last before the set, or None."""
        if name not in self._looked_up:
            words = self._assigned(name)
            self._looked_up[name] = Parser(self.path, words).expression() if words else None
        return self._looked_up[name]

    def _find(self) -> int:
        """Return the index of the ``makeParamSet`` that counts."""
        starts = [
            index
            for index, token in enumerate(self._tokens)
            if token.kind == "name" and token.text == SET and self._tokens[index + 1].text == "("
        ]
        names = {start: self._target(start) for start in starts}
        for usual in _USUAL:
            if chosen := [start for start in starts if names[start] == usual]:
                return chosen[-1]
        if not starts:
            raise InputError(str(self.path), f"there is no {SET}(...) in it")
        if len(starts) > 1:
            lines = ", ".join(str(self._tokens[start].line) for start in starts)
            problem = f"{len(starts)} parameter sets, in lines {lines}; name one {_USUAL[0]}"
            raise InputError(f"{self.path}:{self._tokens[starts[1]].line}", problem)
        return starts[0]

    def _target(self, start: int) -> str:
        """Return what the value at ``start`` is assigned to."""
        if start >= 2 and self._tokens[start - 1].text in ("::", ":::"):
            start -= 2
        sign = self._tokens[start - 1].text if start >= 2 else ""
        return self._tokens[start - 2].text if sign in _ASSIGN else ""

    def _check_parentheses(self, makers: Sequence[str]) -> None:
        """Name the call whose parenthesis is missing, not the place where that is noticed."""
        still_open: list[tuple[Token, Token]] = []  # each with the word before it
        for before, token in zip(
            self._tokens[self._start :], self._tokens[self._start + 1 :], strict=False
        ):
            if token.kind != "sign":
                continue
            if token.text in _CLOSING:
                self._check_makers(still_open, before, makers)
                still_open.append((before, token))
            elif token.text in _CLOSING.values():
                opener = still_open.pop()
                if _CLOSING[opener[1].text] != token.text:
                    problem = f"{token} where {_CLOSING[opener[1].text]!r} is missing"
                    raise InputError(f"{self.path}:{token.line}", problem)
                if not still_open:
                    return
        raise self._unclosed(still_open[-1], "")

    def _check_makers(
        self, still_open: list[tuple[Token, Token]], word: Token, makers: Sequence[str]
    ) -> None:
        if word.kind == "name" and word.text in makers:
            for opener in still_open:
                if opener[0].text in makers:
                    raise self._unclosed(opener, f" before {word} of line {word.line}")

    def _unclosed(self, opener: tuple[Token, Token], where: str) -> InputError:
        word, sign = opener
        named = f" of {word.text}" if word.kind == "name" else ""
        problem = f"the parenthesis {sign}{named} is never closed{where}; "
        return InputError(
            f"{self.path}:{sign.line}", f"{problem}a {_CLOSING[sign.text]!r} is missing"
        )

    def _assigned(self, name: str) -> list[Token]:
        """Return the words of the last value of a variable, an end included."""
        depth, found = 0, -1
        for index in range(self._start - 1):
            token, sign = self._tokens[index : index + 2]
            depth += _change(token)
            assigns = sign.kind == "sign" and sign.text in _ASSIGN
            if depth == 0 and token.kind == "name" and token.text == name and assigns:
                found = index + 2
        return self._statement(found) if found >= 0 else []

    def _statement(self, start: int) -> list[Token]:
        """Return words to the end of the line on which no parenthesis is open."""
        words: list[Token] = []
        depth = 0
        for token in self._tokens[start:]:
            goes_on = not words or (words[-1].kind == "sign" and words[-1].text not in ")]}")
            if token.kind == "end" or (token.first and depth == 0 and not goes_on):
                return [*words, Token("end", "", token.line)]
            depth += _change(token)
            words.append(token)
        raise AssertionError("the end is the last word")


def _change(token: Token) -> int:
    """Return by how much a word changes the number of open parentheses."""
    if token.kind != "sign":
        return 0
    return (token.text in _CLOSING) - (token.text in _CLOSING.values())
