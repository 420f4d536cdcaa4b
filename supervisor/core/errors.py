"""The errors of Supervisor, one tree.

SupervisorError                 root; the command line prints its text on one line
├── InputError                  the user's input is wrong; exit code 2
│   └── UnknownName             a name that is not in a registry, a key that is not in a schema
├── CampaignFailed              the campaign cannot go on; exit code 1
│   └── OptimizerError          the optimizer broke its protocol or raised
├── MemberFailed, OutOfStep     a task of several workers cannot go on (``core.gang``)
├── Stuck                       such a task cannot begin or end; the run ends, resumable
├── Interrupted                 a signal or the walltime ended the run; exit code 3, resumable
└── ProtocolError               a message that its receiver did not expect: a defect of ours
"""

from __future__ import annotations

from collections.abc import Iterable


class SupervisorError(Exception):
    """Base class of everything that Supervisor raises on purpose."""

    exit_code = 1


class InputError(SupervisorError):
    """Something the user wrote is wrong.

    Args:
        where: File and line, option or key, e.g. ``workflow.yaml:12 task.timeout_s``.
        problem: What is wrong, and what to do about it.
    """

    exit_code = 2

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class UnknownName(InputError, LookupError):
    """A name that is not in a registry, or a key that is not in a schema."""

    def __init__(self, where: str, name: str, known: Iterable[str], what: str = "name") -> None:
        super().__init__(where, f"unknown {what} {name!r}.{nearest(name, known)}")


class CampaignFailed(SupervisorError):
    """The campaign cannot go on; its journal is intact."""


class OptimizerError(CampaignFailed):
    """An optimizer raised, or broke the ask and tell protocol."""


class Interrupted(SupervisorError):
    """A signal or the walltime ended the run; ``--resume`` continues it."""

    exit_code = 3


class ProtocolError(SupervisorError):
    """A message that its receiver did not expect; always a defect of Supervisor itself."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt ``name``: the nearest known one, and all of them."""
    import difflib  # late: who makes no mistake needs none

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Known: {', '.join(names)}"
