"""Executors: what a worker hands its tasks to.

``inline`` evaluates in the worker's own process, ``process`` in an isolated child that
outlives its tasks, ``shell`` runs a command inside such a child. The calls of apps choose
between the first two (``app``).
"""

from __future__ import annotations

import sys

from supervisor.core.executor import Executor, Form, Seat
from supervisor.core.files import set_folder
from supervisor.core.ids import Ids
from supervisor.core.objective import Objective, Program


def build(objective: Objective | Program, seat: Seat, form: Form | None = None) -> Executor:
    """Return the executor that ``objective.run`` names; for a program, that of apps.

    Args:
        objective: What is evaluated.
        seat: The worker's.
        form: Gives the communicators of gangs; None if there are none.
    """
    # Imported late: a worker loads only what it runs.
    if isinstance(objective, Program):
        from supervisor.executors.app import AppExecutor

        if sys.path[:1] != [objective.source_dir]:
            sys.path.insert(0, objective.source_dir)
        set_folder(objective.source_dir)
        return AppExecutor(objective, seat, form)
    if objective.run == "inline":
        from supervisor.executors.inline import InlineExecutor

        return InlineExecutor(objective, seat.rank)
    if objective.run == "group":
        from supervisor.executors.group import GroupExecutor

        return GroupExecutor(objective, seat, form)
    from supervisor.executors.environment import fair_share
    from supervisor.executors.process import ProcessExecutor

    ids = Ids(seat.rank, seat.ranks + 1, seat.servers)
    cores = fair_share(seat.neighbours)
    if objective.run == "shell" and form is not None:
        from supervisor.executors.meeting import MeetingExecutor

        return MeetingExecutor(objective, seat, cores, ids, form)
    return ProcessExecutor(objective, seat, cores, ids)
