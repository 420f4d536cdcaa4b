"""References: ``${...}`` in the texts of a pipeline, each a jinja2 expression.

A text that is exactly one reference is its value, whatever type that has; elsewhere values are
written into the text. ``$${`` is ``${`` itself. Texts are parsed when a workflow is checked;
expressions are compiled when they are needed for the first time, which takes longer.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined
from jinja2 import nodes as syntax
from jinja2.parser import Parser

from supervisor.core.errors import SupervisorError, nearest
from supervisor.executors.template import text_of

PARAMS = "params"
_NAME = re.compile(r"[A-Za-z_]\w*").fullmatch
_PARAMETER = re.compile(r"params\.([A-Za-z_]\w*)").fullmatch
_CLOSING = {"}": "{", ")": "(", "]": "["}


class BadReference(SupervisorError):
    """A reference that cannot be read, or has no value; the text does not say where it stands."""


class Names(Protocol):
    """What the names in references stand for."""

    def value(self, name: str) -> Any:
        """Return the value of a name."""

    def whole(self, name: str) -> Any:
        """Return the value of a name that nobody looks into; it may be pending."""


class Words(str):
    """What ``join`` makes: in a command, each of its items is quoted on its own."""

    __slots__ = ("items", "separator")

    items: list[Any]
    separator: str

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


class Raw(str):
    """A text that is written into a command as it is: ``${flags | raw}``."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


class Reference(NamedTuple):
    """One ``${...}``.

    Attributes:
        source: What stands between the braces.
        names: The names in it, ``params`` excepted.
        params: Names of constants of the file that are in it.
        simple: Whether it is a name and nothing else.
    """

    source: str
    names: tuple[str, ...]
    params: tuple[str, ...]
    simple: bool

    def value(self, names: Names) -> Any:
        """Return its value.

        Raises:
            BadReference: If it has none.
        """
        if self.simple:
            return names.value(self.source)
        known = {name: names.value(name) for name in self.names}
        if self.params:
            known[PARAMS] = names.value(PARAMS)
        try:
            found = _compiled(self.source)(**known)
            if isinstance(found, Iterator):
                found = list(found)
            if isinstance(found, Undefined):
                str(found)  # raises, and says what there is not
        except Exception as error:
            raise BadReference(f"${{{self.source}}}: {_plainly(error)}") from error
        return found


Piece = str | Reference


def compiled(text: str) -> tuple[Piece, ...]:
    """Return the pieces of a text.

    Raises:
        BadReference: If one of its references cannot be read.
    """
    return _pieces(text) if "${" in text else (text,)


@functools.cache
def _pieces(text: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    position = 0
    while (begin := text.find("${", position)) >= 0:
        if text[begin - 1 : begin] == "$":
            pieces.append(text[position : begin - 1] + "${")
            position = begin + 2
            continue
        pieces.append(text[position:begin])
        end = closing(text, begin + 2)
        pieces.append(parse(text[begin + 2 : end]))
        position = end + 1
    pieces.append(text[position:])
    return tuple(piece for piece in pieces if piece != "")


def references(text: str) -> list[Reference]:
    """Return the references in a text."""
    return [piece for piece in compiled(text) if isinstance(piece, Reference)]


def closing(text: str, begin: int) -> int:
    """Return where the brace is that closes a reference.

    Raises:
        BadReference: If there is none.
    """
    stack: list[str] = []
    position = begin
    while position < len(text):
        char = text[position]
        if char in "'\"":
            position = _behind_quotes(text, position)
            continue
        if char in "({[":
            stack.append(char)
        elif char == "}" and not stack:
            return position
        elif char in _CLOSING and stack and stack[-1] == _CLOSING[char]:
            stack.pop()
        position += 1
    raise BadReference(f"'${{{text[begin:][:40]}' has no closing brace")


def _behind_quotes(text: str, position: int) -> int:
    quote, position = text[position], position + 1
    while position < len(text) and text[position] != quote:
        position += 2 if text[position] == "\\" else 1
    return position + 1


@functools.cache
def parse(source: str) -> Reference:
    """Return the reference that a source is.

    Raises:
        BadReference: If it is no expression of jinja2, or uses a filter that does not exist.
    """
    stripped = source.strip()
    if _NAME(stripped) and stripped != PARAMS:
        return Reference(stripped, (stripped,), (), simple=True)
    if found := _PARAMETER(stripped):
        return Reference(stripped, (), (found[1],), simple=False)
    tree = _tree(source)
    _check_filters(source, tree)
    names = {node.name for node in tree.find_all(syntax.Name)} - {*_environment().globals, PARAMS}
    params = {
        node.attr
        for node in tree.find_all(syntax.Getattr)
        if isinstance(node.node, syntax.Name) and node.node.name == PARAMS
    }
    if any(node.name == PARAMS for node in tree.find_all(syntax.Name)):
        params.add("")  # as a whole, or by an index
    return Reference(stripped, tuple(sorted(names)), tuple(sorted(params)), simple=False)


def _tree(source: str) -> syntax.Node:
    try:
        parser = Parser(_environment(), source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            extra = parser.stream.current
            raise BadReference(f"${{{source}}}: {extra.value!r} is not expected there")
    except TemplateSyntaxError as error:
        raise BadReference(f"${{{source}}}: {_plainly(error)}") from error
    return syntax.Output([tree])  # a node in which all others are found


def _check_filters(source: str, tree: syntax.Node) -> None:
    environment = _environment()
    for kind, known in ((syntax.Filter, environment.filters), (syntax.Test, environment.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                what = "filter" if kind is syntax.Filter else "test"
                hint = nearest(node.name, known).partition(" Known:")[0]
                raise BadReference(f"${{{source}}}: there is no {what} {node.name!r}.{hint}")


def resolve(value: Any, names: Names) -> Any:
    """Return a value of the file with the references in its texts, at any depth, resolved.

    Raises:
        BadReference: If one has no value.
    """
    if isinstance(value, str):
        return _resolve_text(value, names)
    if isinstance(value, Mapping):
        return {resolve(key, names): resolve(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, names) for item in value]
    return value


def _resolve_text(text: str, names: Names) -> Any:
    pieces = compiled(text)
    if len(pieces) == 1 and isinstance(piece := pieces[0], Reference):
        return names.whole(piece.source) if piece.simple else _plain(piece.value(names))
    return "".join(
        piece if isinstance(piece, str) else text_of(piece.value(names)) for piece in pieces
    )


def texts(value: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the texts in a value of the file, at any depth, with the keys that lead there."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and "${" in key:
                yield (*path, key), key
            yield from texts(item, *path, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, *path, index)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Words | Raw) else value


def _join(items: Iterable[Any], separator: str = "", attribute: str | None = None) -> Words:
    """Join items; the filter of jinja2, which also remembers what it joined."""
    found = list(items)
    if attribute is not None:
        found = [_environment().getattr(item, attribute) for item in found]
    words = Words(separator.join(text_of(item) for item in found))
    words.items, words.separator = found, separator
    return words


@functools.cache
def _environment() -> Environment:
    environment = Environment(undefined=StrictUndefined)
    environment.globals = {"range": range}
    environment.filters["join"] = _join
    environment.filters["raw"] = lambda value: Raw(text_of(value))
    return environment


@functools.cache
def _compiled(source: str) -> Callable[..., Any]:
    return _environment().compile_expression(source, undefined_to_none=False)


def _plainly(error: Exception) -> str:
    if isinstance(error, TemplateError):
        return str(error.message)
    return f"{type(error).__name__}: {error}"
