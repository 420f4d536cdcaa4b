"""Executors: what a worker hands its tasks to.

``inline`` evaluates in the worker's own process, ``process`` in an isolated child that
outlives its tasks, ``shell`` runs a command inside such a child.
"""

from __future__ import annotations

from supervisor.core.executor import Executor
from supervisor.core.objective import Objective


def build(objective: Objective, rank: int, neighbours: int = 1) -> Executor:
    """Return the executor that ``objective.run`` names.

    Args:
        objective: What is evaluated.
        rank: World rank of the worker.
        neighbours: Number of workers on its host, itself included; they share the cores.
    """
    # Imported late: a worker loads only what it runs.
    if objective.run == "inline":
        from supervisor.executors.inline import InlineExecutor

        return InlineExecutor(objective, rank)
    from supervisor.executors.environment import fair_share
    from supervisor.executors.process import ProcessExecutor

    return ProcessExecutor(objective, rank, fair_share(neighbours))
