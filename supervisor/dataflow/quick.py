"""Long YAML files, read by the C parser: many times faster, and only if they are simple.

Anything that is not plain mappings, lists, texts and numbers, or that is wrong, is left to the
parser that is written in Python, which knows all of YAML 1.2 and explains errors.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.parser import Parser

Keys = tuple[Any, ...]

_WHOLE = re.compile(r"[-+]?[0-9]+").fullmatch
_REAL = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)").fullmatch
_NUMBERLIKE = re.compile(r"[-+]?\.?(?:[0-9][-+0-9a-fA-F_.:xotTzZ \t]*|inf|nan)", re.I).fullmatch
_WORDS = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}


class _NotSimple(Exception):
    """Something in the file asks for the other parser."""


def read_quickly(text: str) -> tuple[dict[str, Any], dict[Keys, int]] | None:
    """Return the data of a YAML file and the line of each key; None if it is not simple."""
    parser = YAML(typ="safe").Parser  # the C parser if it is installed
    if parser is Parser or text.startswith("%") or "\n---" in text:
        return None
    lines: dict[Keys, int] = {}
    try:
        events = parser(text)
        events.get_event()  # the stream begins
        events.get_event()  # and the document
        first = events.get_event()
        if not isinstance(first, MappingStartEvent):
            return None
        return _value(events, first, (), lines), lines
    except (YAMLError, _NotSimple):
        return None


def _value(events: Any, event: Any, keys: Keys, lines: dict[Keys, int]) -> Any:
    """Return the value that begins with an event."""
    if isinstance(event, ScalarEvent):
        return _scalar(event)
    if event.anchor is not None or getattr(event, "tag", None) is not None:
        raise _NotSimple
    if isinstance(event, MappingStartEvent):
        return _mapping(events, keys, lines)
    if isinstance(event, SequenceStartEvent):
        return _sequence(events, keys, lines)
    raise _NotSimple  # an alias


def _mapping(events: Any, keys: Keys, lines: dict[Keys, int]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    while not isinstance(name := events.get_event(), MappingEndEvent):
        if not isinstance(name, ScalarEvent):
            raise _NotSimple
        key = _scalar(name)
        if not isinstance(key, str) or key in found or key == "<<":
            raise _NotSimple
        lines[(*keys, key)] = name.start_mark.line + 1
        found[key] = _value(events, events.get_event(), (*keys, key), lines)
    return found


def _sequence(events: Any, keys: Keys, lines: dict[Keys, int]) -> list[Any]:
    found: list[Any] = []
    while not isinstance(item := events.get_event(), SequenceEndEvent):
        index = (*keys, len(found))
        lines[index] = item.start_mark.line + 1
        found.append(_value(events, item, index, lines))
    return found


def _scalar(event: Any) -> Any:
    if event.anchor is not None or event.tag is not None:
        raise _NotSimple
    text: str = event.value
    if not event.implicit[0]:
        return text  # in quotes
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789<=":
        return text
    if _WHOLE(text):
        return int(text)
    if _REAL(text):
        return float(text)
    if _NUMBERLIKE(text) or text in ("<<", "="):
        raise _NotSimple
    return text
