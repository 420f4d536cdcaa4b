"""Shell scripts with references in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from supervisor.dataflow.references import Names, Raw, Reference, Words, closing, parse
from supervisor.executors.template import advance, quoted, text_of


def command(template: str, fill: Callable[[Reference, str], str]) -> str:
    """Return a shell script with its references filled in; those in comments stay.

    Args:
        template: The script.
        fill: Returns the text in place of a reference, given the quotation that it stands in.
    """
    written: list[str] = []
    stack = [""]
    position = 0
    while position < len(template):
        if template.startswith("$${", position):
            written.append("${")
            position += 3
        elif template.startswith("${", position):
            end = closing(template, position + 2)
            written.append(fill(parse(template[position + 2 : end]), stack[-1]))
            position = end + 1
        else:
            end = advance(template, position, stack)
            written.append(template[position:end])
            position = end
    return "".join(written)


def script(template: str, names: Names) -> str:
    """Return the shell script of one instance of a step.

    Each text and number is one word for the shell; a list, or what ``join`` makes of it, is a
    word for each item.
    """
    return command(template, lambda reference, quoting: _as_words(reference.value(names), quoting))


def _as_words(value: Any, quoting: str) -> str:
    if isinstance(value, Raw):
        return str(value)
    items: Iterable[Any] = [value]
    separator = " "
    if isinstance(value, Words):
        items, separator = value.items, value.separator
    elif isinstance(value, list | tuple):
        items = value
    return separator.join(quoted(text_of(item), quoting) for item in items)
