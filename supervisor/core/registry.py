"""Short names of parts to the code behind them, which is imported late."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from supervisor.core.blame import blame
from supervisor.core.errors import InputError, UnknownName


class Registry:
    """The parts of one sort, by name.

    Args:
        what: What they are, for messages, e.g. ``optimizer``.
        entries: Names to ``module:attribute``.
    """

    def __init__(self, what: str, entries: Mapping[str, str]) -> None:
        self.what = what
        self.entries = dict(entries)

    def load(self, name: str, where: str) -> Any:
        """Return what ``name`` stands for; ``module:attribute`` is code of the user's own.

        The folder of the user's modules has to be on ``sys.path``.

        Raises:
            UnknownName: If it is not in the registry.
            InputError: If the user's module or attribute is missing, or a module fails to import.
        """
        if ":" in name:
            return load(name, where)
        if name not in self.entries:
            raise UnknownName(where, name, self.entries, self.what)
        target, _, attribute = self.entries[name].partition(":")
        try:
            return getattr(importlib.import_module(target), attribute)
        except ModuleNotFoundError as error:
            problem = f"{self.what} {name!r} needs {error.name}, which is not installed"
            raise InputError(where, problem) from error


def load(path: str, where: str) -> Any:
    """Import ``module:attribute``; the attribute may have dots.

    Raises:
        InputError: Says which part is missing, or carries what the module raised.
    """
    module_name, _, attributes = path.partition(":")
    parts = attributes.split(".")
    if not all(part.isidentifier() for part in [*module_name.split("."), *parts]):
        raise InputError(where, f"{path!r} is not of the form module:name")
    found: Any = _module(module_name, where)
    for part in parts:
        if not hasattr(found, part):
            raise InputError(where, _missing(module_name, part, found))
        found = getattr(found, part)
    return found


def _module(name: str, where: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            problem = (
                f"there is no module {error.name!r}, neither beside the workflow nor installed"
            )
            raise InputError(where, problem) from error
        raise InputError(where, f"module {name!r} cannot be imported: {blame(error)}") from error
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        raise InputError(where, f"module {name!r} cannot be imported: {blame(error)}") from error


def _missing(module_name: str, part: str, owner: object) -> str:
    near = difflib.get_close_matches(part, dir(owner), n=1)
    hint = f". Did you mean {near[0]!r}?" if near else ""
    return f"module {module_name!r} has no {part!r}{hint}"
