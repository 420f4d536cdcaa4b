"""The words of R: tokens with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from supervisor.core.errors import InputError

Kind = Literal["number", "text", "name", "sign", "end"]

_TOKEN = re.compile(
    r"""
    (?P<space> [ \t\r\f\u00a0]+ | \#[^\n]* )
  | (?P<newline> \n )
  | (?P<raw> [rR](?P<mark>["'])(?P<dashes>-*)\((?P<body>.*?)\)(?P=dashes)(?P=mark) )
  | (?P<number> 0[xX][0-9a-fA-F]+L? | (?: [0-9]+\.?[0-9]* | \.[0-9]+ )(?: [eE][+-]?[0-9]+ )?L? )
  | (?P<name> (?: [^\W\d_] | \.(?![0-9]) )[\w.]* | `[^`\n]+` )
  | (?P<sign> <<- | ->> | \|> | ::: | <- | -> | <= | >= | == | != | && | \|\| | :: | %[^%\n]*%
      | \[\[ | [-+*/^:<>=!&|~?$@,;(){}\[\]\\] )
    """,
    re.VERBOSE | re.DOTALL,
)

_TEXT = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)

_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u\{?([0-9a-fA-F]{1,4})\}?|U\{?([0-9a-fA-F]{1,8})\}?"
    r"|([0-7]{1,3})|(.))",
    re.DOTALL,
)

_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of R.

    Attributes:
        kind: What it is; ``end`` comes after the last word.
        text: The word; of a text, what it says.
        line: Where it begins.
        first: Whether it is the first word of its line.
    """

    kind: Kind
    text: str
    line: int
    first: bool = False

    def __str__(self) -> str:
        if self.kind == "text":
            return f"the text {self.text!r}"
        return "the end of the file" if self.kind == "end" else repr(self.text)


def tokenize(path: Path, text: str) -> list[Token]:
    """Return the words of an R file, without comments.

    Raises:
        InputError: At a quote that is never closed, or a letter that R does not have.
    """
    return list(_tokens(path, text))


def _tokens(path: Path, text: str) -> Iterator[Token]:
    at, line, first = 0, 1, True
    while at < len(text):
        if text[at] in "\"'":
            match = _TEXT.match(text, at)
            if match is None:
                raise InputError(f"{path}:{line}", f"the quote {text[at]} is never closed")
            yield Token("text", _unescape(match[2], f"{path}:{line}"), line, first)
        else:
            match = _TOKEN.match(text, at)
            if match is None:
                raise InputError(f"{path}:{line}", f"not R: unexpected {text[at]!r}")
            if (kind := match.lastgroup) == "raw" or match["raw"]:
                yield Token("text", match["body"], line, first)
            elif kind in ("number", "name", "sign"):
                word = match[0].strip("`") if kind == "name" else match[0]
                yield Token(kind, word, line, first)  # type: ignore[arg-type]  # checked above
        blank = match.lastgroup in ("space", "newline")
        first = match[0] == "\n" or (first and blank)
        line += match[0].count("\n")
        at = match.end()
    yield Token("end", "", line)


def _unescape(body: str, place: str) -> str:
    def meant(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits or match[4]:
            code = int(digits, 16) if digits else int(match[4], 8)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise InputError(place, f"the text has {match[0]}, which is no letter")
            return chr(code)
        return _LETTERS.get(match[5], match[5])

    return _ESCAPE.sub(meant, body)
