"""A virtual environment as files that hold wherever they are put."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution
from pathlib import Path

from supervisor.core.errors import InputError
from supervisor.sites.relocating import moved_program, moved_script

INTERPRETER = "interpreter"
"""Folder in the archive of the Python that the environment was made from."""

PACKAGE = Path(__file__).resolve().parents[1]
"""Folder of this package."""

_SYSTEM = Path("/usr")  # part of every node's own system
_PYTHON = r"python3?(\.\d+)?"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that can be packed.

    Args:
        prefix: Its folder.

    Raises:
        InputError: If it cannot be packed.
    """

    prefix: Path

    def __post_init__(self) -> None:
        where = str(self.prefix)
        if (self.prefix / "conda-meta").is_dir():
            raise InputError(
                where,
                "is a conda environment, whose files name their place; pack it with conda-pack, "
                "or make a virtual environment with its Python: python -m venv FOLDER",
            )
        if not (self.prefix / "pyvenv.cfg").is_file():
            raise InputError(
                where,
                "is not a virtual environment; make one: python -m venv FOLDER, "
                "and install supervisor into it",
            )
        if not self._settings.get("home") or not self.site_packages.is_dir():
            raise InputError(where, "is damaged: pyvenv.cfg or site-packages is incomplete")
        if not self._installed("supervisor"):
            raise InputError(where, "has no supervisor in it; install it there")

    @cached_property
    def _settings(self) -> dict[str, str]:
        text = (self.prefix / "pyvenv.cfg").read_text(encoding="utf-8")
        pairs = (line.partition("=") for line in text.splitlines())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    @cached_property
    def site_packages(self) -> Path:
        """Where its packages are."""
        found = sorted(self.prefix.glob("lib/python3.*/site-packages"))
        return found[0] if len(found) == 1 else self.prefix / "lib" / "site-packages"

    @property
    def base(self) -> Path:
        """Where the Python is that it was made from."""
        return Path(self._settings["home"]).parent

    @property
    def own_interpreter(self) -> bool:
        """Whether nodes may lack that Python, so that it is packed too."""
        return self.base != _SYSTEM

    def _installed(self, name: str) -> list[Distribution]:
        return list(Distribution.discover(name=name, path=[str(self.site_packages)]))

    def outside(self) -> list[str]:
        """Return the folders of packages that stay where they are: those in editable mode."""
        found = set()
        for file in self.site_packages.glob("*.pth"):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            found |= {line for line in lines if Path(line).is_absolute()}
        for one in Distribution.discover(path=[str(self.site_packages)]):
            text = one.read_text("direct_url.json") or ""
            if '"editable": true' in text and one.name != "supervisor":
                found |= set(re.findall(r'"url": "file://([^"]*)"', text))
        return sorted(one for one in found if not Path(one).is_relative_to(self.prefix))

    def files(self) -> dict[str, Path]:
        """Return what the archive holds: names in it, and where each file is."""
        found = dict(_below(self.prefix, ""))
        for name in [name for name in found if re.fullmatch(r"bin/[Aa]ctivate.*", name)]:
            del found[name]  # they name the place; a job needs none of them
        packages = f"{self.site_packages.relative_to(self.prefix)}/"
        if f"{packages}supervisor/__init__.py" not in found:  # it is in editable mode
            for one in self._installed("supervisor")[0].files or []:
                if one.name.startswith("__editable__") or one.suffix == ".pth":
                    found.pop(packages + str(one), None)
            found |= _below(PACKAGE, f"{packages}supervisor/")
        if self.own_interpreter:
            found |= self._interpreter()
        return found

    def _interpreter(self) -> dict[str, Path]:
        version = self.site_packages.parent.name
        found = {f"{INTERPRETER}/bin/{version}": (self.base / "bin" / version).resolve()}
        for folder in ("lib", "lib64"):
            for one in (self.base / folder).glob("*.so*"):
                found[f"{INTERPRETER}/{folder}/{one.name}"] = one
            library = self.base / folder / version
            # The tests of Python are a third of it.
            leave = [library / "test"]
            if self._settings.get("include-system-site-packages") != "true":
                leave.append(library / "site-packages")
            found |= _below(library, f"{INTERPRETER}/{folder}/{version}/", leave)
        return found

    def moved_link(self, name: str, path: Path) -> str:
        """Return where a symbolic link points after the move."""
        target = Path(os.path.normpath(path.parent / path.readlink()))
        leaves = not target.is_relative_to(self.prefix)
        if self.own_interpreter and leaves and re.fullmatch(f"bin/{_PYTHON}", name):
            return f"../{INTERPRETER}/bin/{self.site_packages.parent.name}"
        for root in (self.prefix, self.base, PACKAGE):
            if path.is_relative_to(root) and target.is_relative_to(root):
                return os.path.relpath(target, path.parent)
        return str(target)

    def moved(self, name: str, path: Path) -> bytes | None:
        """Return the content of a file after the move; None if it is what it was."""
        if name == "pyvenv.cfg":
            gone = ("executable", "command") + (("home",) if self.own_interpreter else ())
            kept = {key: text for key, text in self._settings.items() if key and key not in gone}
            return "".join(f"{key} = {text}\n" for key, text in kept.items()).encode()
        folder, file = os.path.split(name)
        program = re.fullmatch(f"({INTERPRETER}/)?bin/{_PYTHON}", name)
        library = name.startswith(f"{INTERPRETER}/") and ".so" in file
        if self.own_interpreter and (program or library):
            beside = os.path.relpath(f"{INTERPRETER}/lib", folder)
            places = {str(one / "lib") for one in (self.base, self.base.resolve())}
            return moved_program(path.read_bytes(), places, beside)
        if folder == "bin":
            with path.open("rb") as opened:
                if opened.read(2) != b"#!":
                    return None
            return moved_script(path.read_bytes(), {str(self.prefix), str(self.prefix.resolve())})
        return None


def _below(folder: Path, name: str, leave: Collection[Path] = ()) -> Iterator[tuple[str, Path]]:
    """Yield the names in the archive and the places of all files below a folder."""
    for where, folders, files in os.walk(folder):
        here = Path(where)
        folders[:] = [one for one in folders if here / one not in leave]
        links = [one for one in folders if (here / one).is_symlink()]
        for one in (*files, *links):
            path = here / one
            if path.suffix != ".a":  # static libraries serve nobody who runs
                yield f"{name}{path.relative_to(folder)}", path
