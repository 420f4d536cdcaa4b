"""A model's own Python files: read once, by the main rank; all other processes get them sent.

If thousands of ranks look the same files up on a shared file system, that decides how long their
start takes; and a file that is changed meanwhile would be another one for some of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Set
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from supervisor.core.objective import Objective

MOST_BYTES = 4_000_000
MOST_BYTES_TOGETHER = 2_000_000_000
"""For all ranks: the main one holds them until they have left."""

MOST_ENTRIES = 1_000
"""Modules and folders; a folder with more of them is more than a model."""

INIT = "__init__.py"


def with_modules(objective: Objective, ranks: int) -> Objective:
    """Return an objective that brings the Python files beside it along.

    These are the modules in its folder, and in the packages there. Nothing is added if the
    objective's own module is elsewhere, or if there is more than all ranks should be sent; then
    each process looks for itself.

    Args:
        objective: As the workflow says it.
        ranks: How many there are.
    """
    folder = Path(objective.source_dir)
    own = (objective.python or "").partition(":")[0].partition(".")[0]
    if not own or not any(Path(folder, one).is_file() for one in (f"{own}.py", f"{own}/{INIT}")):
        return objective
    left = min(MOST_BYTES, MOST_BYTES_TOGETHER // ranks)
    modules: dict[str, bytes] = {}
    for looks, path in enumerate(_entries(folder)):
        if looks == MOST_ENTRIES:
            return objective
        if not path.endswith(".py"):
            continue
        try:
            with Path(folder, path).open("rb") as file:
                modules[path] = file.read(left + 1)
        except OSError:
            continue  # whoever imports it will say what is wrong
        left -= len(modules[path])
        if left < 0:
            return objective
    return msgspec.structs.replace(objective, modules=modules)


def _entries(root: Path) -> Iterator[str]:
    """Yield the paths, below ``root``, of modules and of all folders in it and in its packages."""
    packages = [""]
    while packages:
        package = packages.pop()
        try:
            with os.scandir(root / package) as entries:
                kinds = {entry.name: (entry.is_dir(), entry.is_file()) for entry in entries}
        except OSError:
            continue
        for name, (is_folder, is_file) in kinds.items():
            if is_folder and name.isidentifier():
                yield f"{package}{name}"
                if Path(root, package, name, INIT).is_file():
                    packages.append(f"{package}{name}/")
            elif is_file and _is_module(name, kinds.keys()):
                yield f"{package}{name}"


def _is_module(name: str, beside: Set[str]) -> bool:
    """Tell whether a file is what an import finds by its name, and not something beside it."""
    stem = name.removesuffix(".py")
    rivals = (stem, *(f"{stem}{one}" for one in EXTENSION_SUFFIXES))
    return name != stem and stem.isidentifier() and beside.isdisjoint(rivals)


def install(source_dir: str, modules: Mapping[str, bytes]) -> None:
    """Let imports take modules as they were sent, wherever these folders are in a path.

    The places of modules, their ``__file__`` for instance, stay those of the files. All else in
    the folders, such as data and modules in C, is found there as ever.

    Args:
        source_dir: An absolute path.
        modules: The content of files by their paths, which begin there.
    """
    folder = Path(source_dir)
    sent = {str(folder / path): content for path, content in modules.items()}
    for one in {str((folder / path).parent) for path in modules}:
        sys.path_importer_cache[one] = SentFinder(one, sent)


class SentFinder(FileFinder):
    """Finds the modules of one folder: those that were sent, else those that are there.

    Args:
        folder: Whose modules it finds.
        sent: The content of files by their paths.
    """

    def __init__(self, folder: str, sent: Mapping[str, bytes]) -> None:
        super().__init__(
            folder,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (SourceFileLoader, SOURCE_SUFFIXES),
            (SourcelessFileLoader, BYTECODE_SUFFIXES),
        )
        self._sent = sent

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return what is known of a module, or None if there is none of this name."""
        place = Path(self.path, fullname.rpartition(".")[2])
        package, module = str(place / INIT), f"{place}.py"
        for path in (package, module):
            if path in self._sent:
                loader = SentLoader(fullname, path, self._sent[path])
                spec = ModuleSpec(fullname, loader, origin=path, is_package=path == package)
                spec.has_location = True
                if spec.submodule_search_locations is not None:
                    spec.submodule_search_locations.append(str(place))
                return spec
        return super().find_spec(fullname, target)


class SentLoader(SourceFileLoader):
    """Loads a module from the content of its file; bytecode is neither looked for nor written.

    Args:
        fullname: The module's name.
        path: Where the file is.
        content: What was in it.
    """

    def __init__(self, fullname: str, path: str, content: bytes) -> None:
        super().__init__(fullname, path)
        self._content = content

    def get_data(self, path: str) -> bytes:
        """Return the content of the module's file, or of another one."""
        return self._content if path == self.path else super().get_data(path)

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Give no times, by which bytecode would be known.

        Raises:
            OSError: Always, as loaders do that know none.
        """
        raise OSError(f"{path}: its time is not known")
