"""JSON that remembers the line of each value."""

from __future__ import annotations

import bisect
import json
import re
from pathlib import Path
from typing import Any

from supervisor.core.errors import InputError

Key = str | int

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class JsonText:
    """A JSON text, and where its values stand.

    Attributes:
        path: The file.
        data: Plain dicts, lists and scalars.

    Raises:
        InputError: With the line and column of what is not JSON, or of a key that is there twice.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._text = text
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[tuple[Key, ...], int] = {}
        try:
            self.data, end = self._value(self._skip(0), ())
        except RecursionError as error:
            raise InputError(str(path), "is nested too deeply") from error
        end = self._skip(end)
        if end < len(text):
            raise self._error(end, "text after the end of the JSON value")

    def line(self, *keys: Key) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while keys not in self._lines:
            keys = keys[:-1]
        return self._lines[keys]

    def _value(self, at: int, keys: tuple[Key, ...]) -> tuple[Any, int]:
        """Return the value that begins at ``at``, and where it ends."""
        self._lines[keys] = self._line(at)
        opening = self._text[at : at + 1]
        if opening == "{":
            return self._object(at, keys)
        if opening == "[":
            return self._array(at, keys)
        return self._scalar(at)

    def _object(self, at: int, keys: tuple[Key, ...]) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        end = self._skip(at + 1)
        if self._text[end : end + 1] == "}":
            return made, end + 1
        while True:
            start = end
            if self._text[start : start + 1] != '"':
                raise self._error(start, "a key in double quotes is missing")
            key, end = self._scalar(start)
            if key in made:
                raise self._error(start, f"the key {key!r} is there twice")
            end = self._skip(end)
            if self._text[end : end + 1] != ":":
                raise self._error(end, "a ':' is missing")
            made[key], end = self._value(self._skip(end + 1), (*keys, key))
            end, more = self._next(end, "}")
            if not more:
                return made, end

    def _array(self, at: int, keys: tuple[Key, ...]) -> tuple[list[Any], int]:
        made: list[Any] = []
        end = self._skip(at + 1)
        if self._text[end : end + 1] == "]":
            return made, end + 1
        while True:
            value, end = self._value(end, (*keys, len(made)))
            made.append(value)
            end, more = self._next(end, "]")
            if not more:
                return made, end

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        """Return where the next item begins, or where ``closing`` ends, and which of the two."""
        at = self._skip(at)
        found = self._text[at : at + 1]
        if found == closing:
            return at + 1, False
        if found != ",":
            raise self._error(at, f"a ',' or a {closing!r} is missing")
        return self._skip(at + 1), True

    def _scalar(self, at: int) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            raise self._error(error.pos, error.msg[:1].lower() + error.msg[1:]) from error
        except ValueError as error:  # thousands of digits
            raise self._error(at, str(error)) from error

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _line(self, at: int) -> int:
        return bisect.bisect_left(self._ends, at) + 1

    def _error(self, at: int, problem: str) -> InputError:
        line = self._line(at)
        column = at - (self._ends[line - 2] if line > 1 else -1)
        return InputError(f"{self.path}:{line}", f"not JSON: {problem}, at column {column}")
