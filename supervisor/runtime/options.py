"""How to run a workflow, whatever is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a workflow.

    Attributes:
        out: Folder of all experiments.
        servers: Number of servers, or None for what the number of ranks calls for.
        workers: Numbers of workers by kind, which win over the workflow's.
        walltime_s: When to end resumably, in seconds from now; None for no limit.
        overrides: ``key=value`` changes of the workflow.
        command: The command line, for the record.
        trace: Whether to print when steps, or the calls of a script, begin and end.
    """

    out: Path
    servers: int | None = None
    workers: Mapping[str, int] = field(default_factory=dict)
    walltime_s: float | None = None
    overrides: Sequence[str] = ()
    command: Sequence[str] = ()
    trace: bool = False
