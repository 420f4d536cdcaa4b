"""Executors: what a worker hands its tasks to.

``inline`` evaluates in the worker's own process, ``process`` in an isolated child that
outlives its tasks, ``shell`` runs a command inside such a child.
"""

from __future__ import annotations

from supervisor.core.executor import Executor
from supervisor.core.objective import Objective


def build(objective: Objective, rank: int) -> Executor:
    """Return the executor that ``objective.run`` names, for the worker of this world rank."""
    # Imported late: a worker loads only what it runs.
    if objective.run == "inline":
        from supervisor.executors.inline import InlineExecutor

        return InlineExecutor(objective, rank)
    from supervisor.executors.process import ProcessExecutor

    return ProcessExecutor(objective, rank)
