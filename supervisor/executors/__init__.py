"""Executors: what a worker hands its tasks to.

``inline`` evaluates in the worker's own process, ``process`` in an isolated child that
outlives its tasks, ``shell`` runs a command inside such a child.
"""

from __future__ import annotations

import sys

from supervisor.core.executor import Executor, Seat
from supervisor.core.objective import Objective, Program


def build(objective: Objective | Program, seat: Seat) -> Executor:
    """Return the executor that ``objective.run`` names; for a program, that of apps.

    Args:
        objective: What is evaluated.
        seat: The worker's.
    """
    # Imported late: a worker loads only what it runs.
    if isinstance(objective, Program):
        from supervisor.executors.function import FunctionExecutor

        if sys.path[:1] != [objective.source_dir]:
            sys.path.insert(0, objective.source_dir)
        return FunctionExecutor(seat)
    if objective.run == "inline":
        from supervisor.executors.inline import InlineExecutor

        return InlineExecutor(objective, seat.rank)
    from supervisor.executors.environment import fair_share
    from supervisor.executors.process import ProcessExecutor

    return ProcessExecutor(objective, seat.rank, fair_share(seat.neighbours))
