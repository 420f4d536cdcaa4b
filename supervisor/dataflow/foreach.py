"""What a step is repeated for: lists, ranges, globs and outputs of steps, and their product."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from supervisor.core.errors import SupervisorError
from supervisor.dataflow.references import Names, compiled, resolve, texts

_GLOB = re.compile(r"[*?\[]").search
_BOUNDS = ("from", "to", "step")
FORMS = 'a list, a range {from: 0, to: 9}, a glob such as "data/*.csv", or ${STEP}'

Each = dict[str, Any]
"""The values of the variables of one instance."""


class BadForeach(SupervisorError):
    """What a step is to be repeated for is nothing of that kind; the text does not say where."""


def is_glob(source: Any) -> bool:
    """Return whether a source in the file is a pattern for names of files."""
    if not isinstance(source, str):
        return False
    return any(isinstance(piece, str) and _GLOB(piece) for piece in compiled(source))


def is_known(source: Any) -> bool:
    """Return whether the items of a source stand in the file itself."""
    return not isinstance(source, str) and not any("${" in text for _, text in texts(source))


def check(source: Any) -> None:
    """Check the form of a source.

    Raises:
        BadForeach: If it cannot give items.
    """
    if isinstance(source, str):
        pieces = compiled(source)
        if not is_glob(source) and (len(pieces) != 1 or isinstance(pieces[0], str)):
            raise BadForeach(f"{source!r} is wrong here: give {FORMS}")
    elif isinstance(source, Mapping):
        if not {"to"} <= set(source) <= set(_BOUNDS):
            raise BadForeach("a range has the keys 'from', 'to' and perhaps 'step'")
        if is_known(source):
            _range(source)
    elif not isinstance(source, list):
        raise BadForeach(f"{source!r} is wrong here: give {FORMS}")


def items(source: Any, names: Names, folder: Path) -> list[Any]:
    """Return the items of a source.

    Args:
        source: As it stands in the file.
        names: What the names in its references stand for.
        folder: Where globs begin.

    Raises:
        BadForeach: If it gives no items.
    """
    if isinstance(source, str):
        found = resolve(source, names)
        return matches(found, folder) if is_glob(source) else _listed(found, source)
    if isinstance(source, Mapping):
        return list(_range(resolve(source, names)))
    return list(resolve(source, names))


def matches(pattern: str, folder: Path) -> list[str]:
    """Return the files that match a glob, sorted, as it names them.

    Raises:
        BadForeach: If there are none.
    """
    beginning, anchored = (
        (Path("/"), pattern[1:]) if pattern.startswith("/") else (folder, pattern)
    )
    found = sorted(str(path) for path in beginning.glob(anchored) if path.is_file())
    if not found:
        raise BadForeach(f"the glob {pattern!r} matches no file in {folder}")
    if beginning is folder:
        found = [str(Path(path).relative_to(folder)) for path in found]
    return found


def _listed(found: Any, source: str) -> list[Any]:
    if isinstance(found, list | tuple | range | set):
        return list(found)
    if hasattr(found, "tolist") and getattr(found, "ndim", 0) > 0:  # an array
        return list(found)
    raise BadForeach(f"{source} gives {_short(found)}, which is no list")


def _range(bounds: Mapping[str, Any]) -> range:
    numbers = {"from": 0, "step": 1, **bounds}
    for name in _BOUNDS:
        if not isinstance(numbers[name], int) or isinstance(numbers[name], bool):
            raise BadForeach(f"{name!r} of a range is {numbers[name]!r}: give a whole number")
    if numbers["step"] == 0:
        raise BadForeach("'step' of a range is 0")
    behind = numbers["to"] + (1 if numbers["step"] > 0 else -1)
    return range(numbers["from"], behind, numbers["step"])


def count(foreach: Mapping[str, Any], folder: Path) -> int | None:
    """Return the number of instances, or None if only the run knows it."""
    number = 1
    for source in foreach.values():
        if isinstance(source, Mapping) and is_known(source):
            number *= len(_range(source))
        elif isinstance(source, list):
            number *= len(source)
        elif is_glob(source) and "${" not in source:
            try:
                number *= len(matches(source, folder))
            except BadForeach:
                return None
        else:
            return None
    return number


def product(lists: Mapping[str, Sequence[Any]]) -> Iterator[Each]:
    """Yield all combinations, in the order of the file, the last name fastest."""
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def told(each: Mapping[str, Any]) -> str:
    """Return the values of an instance for people: ``fold=3, rate=0.1``."""
    return ", ".join(f"{name}={_short(value)}" for name, value in each.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
