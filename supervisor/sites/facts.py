"""The facts that a site's file declares: bash reads the file, as it does in jobs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.core.errors import InputError, UnknownName

NAMES = (
    "description",
    "documentation",
    "scheduler",
    "cores_per_node",
    "gpus_per_node",
    "gpu_variable",
    "queues",
    "queue",
    "queue_option",
    "project",
    "directives",
    "select_suffix",
    "launch",
    "each_node",
    "task_launch",
    "host_file",
    "node_local",
    "scratch",
)
"""The variables of a site's file, in their usual order."""

FUNCTION = "environment"
"""What the file defines besides: the preparation of a job's shell."""

# Prints the variables that the file has set, each name and value ended by a zero byte.
_READER = r"""
before=$(compgen -v)
source "$1" || exit
for name in $(compgen -v); do
    case $'\n'$before$'\nbefore\nname\nBASH_LINENO\nPIPESTATUS\n_\nOLDPWD\n' in
        *$'\n'"$name"$'\n'*) ;;
        *) printf '%s\0%s\0' "$name" "${!name}" ;;
    esac
done
declare -F environment >/dev/null || printf '%s\0\0' 'environment()'
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one file declares.

    Attributes:
        path: The file.
        values: By variable.
        text: The file's own.
    """

    path: Path
    values: Mapping[str, str]
    text: str

    def where(self, name: str) -> str:
        """Return the place of a variable, or of what is wrong in its value."""
        lines = self.text.splitlines()
        numbers = [n for n, line in enumerate(lines, 1) if line.startswith(f"{name}=")]
        return f"{self.path}:{numbers[-1]} {name}" if numbers else f"{self.path} {name}"

    @property
    def environment(self) -> str:
        """The function that prepares a job's shell; empty if it does nothing."""
        found = re.search(rf"^{FUNCTION}\(\) \{{\n(.*?)^\}}$", self.text, re.MULTILINE | re.DOTALL)
        if found is None:
            raise InputError(
                str(self.path), f"write the function as '{FUNCTION}() {{', its lines, and '}}'"
            )
        lines = [line.strip() for line in found[1].splitlines()]
        return "" if all(re.fullmatch(r"(:)?\s*(#.*)?", line) for line in lines) else found[0]


def read_facts(path: Path) -> Facts:
    """Return what a site's file declares.

    Raises:
        InputError: If bash cannot read it, or a variable is missing or unknown.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read: {error}") from error
    command = ["bash", "--noprofile", "--norc", "-c", _READER, "bash", str(path.resolve())]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(str(path), f"bash does not read it: {error}") from error
    if answer.returncode != 0 or answer.stderr:
        raise InputError(*_complaint(path, answer.stderr))
    words = answer.stdout.split("\0")
    facts = Facts(path, dict(zip(words[::2], words[1::2], strict=False)), text)
    _check_names(facts)
    return facts


def _complaint(path: Path, text: str) -> tuple[str, str]:
    """Return the place and the words of bash's first complaint."""
    found = re.search(r": line (\d+): (.*)", text)
    return (f"{path}:{found[1]}", found[2]) if found else (str(path), text.strip() or "bash fails")


def _check_names(facts: Facts) -> None:
    if "environment()" in facts.values:
        raise InputError(
            str(facts.path), f"defines no function {FUNCTION}; ':' does nothing in it"
        )
    for name in facts.values:
        if name not in NAMES:
            raise UnknownName(facts.where(name), name, NAMES, what="variable")
    missing = [name for name in NAMES if name not in facts.values]
    if missing:
        problem = f"says nothing of {', '.join(missing)}; leave a value empty that is not known"
        raise InputError(str(facts.path), problem)


def fields_of(template: str) -> set[str]:
    """Return the names in braces in a template."""
    return set(re.findall(r"(?<!\$)\{(\w*)\}", template))


def check_fields(facts: Facts, name: str, known: Iterable[str]) -> None:
    """Check the names in braces of a fact.

    Raises:
        UnknownName: For one that nothing is put in for.
    """
    known = list(known)
    for field in sorted(fields_of(facts.values[name])):
        if field not in known:
            raise UnknownName(facts.where(name), field, known, what="field")
