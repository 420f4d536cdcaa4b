"""Executors: what a worker hands its tasks to.

``inline`` evaluates in the worker's own process, ``process`` in an isolated child that
outlives its tasks, ``shell`` runs a command inside such a child. The calls of apps choose
between the first two (``app``).
"""

from __future__ import annotations

import sys

from supervisor.core.executor import Executor, Seat
from supervisor.core.files import set_folder
from supervisor.core.ids import Ids
from supervisor.core.objective import Objective, Program


def build(objective: Objective | Program, seat: Seat) -> Executor:
    """Return the executor that ``objective.run`` names; for a program, that of apps.

    Args:
        objective: What is evaluated.
        seat: The worker's.
    """
    # Imported late: a worker loads only what it runs.
    if isinstance(objective, Program):
        from supervisor.executors.app import AppExecutor

        if sys.path[:1] != [objective.source_dir]:
            sys.path.insert(0, objective.source_dir)
        set_folder(objective.source_dir)
        return AppExecutor(objective, seat)
    if objective.run == "inline":
        from supervisor.executors.inline import InlineExecutor

        return InlineExecutor(objective, seat.rank)
    from supervisor.executors.environment import fair_share
    from supervisor.executors.process import ProcessExecutor

    ids = Ids(seat.rank, seat.ranks + 1, seat.servers)
    return ProcessExecutor(objective, seat, fair_share(seat.neighbours), ids)
