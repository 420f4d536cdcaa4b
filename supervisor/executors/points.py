"""What the child of an objective does: it evaluates points."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from supervisor.core.objective import Evaluation, Objective
from supervisor.core.task import Result
from supervisor.executors.call import Evaluate, PythonObjective, attempt
from supervisor.executors.channel import Done, Run
from supervisor.executors.context import Context


class Points:
    """Evaluates points of one objective.

    Args:
        objective: What is evaluated.
        rank: World rank of the worker.
    """

    def __init__(self, objective: Objective, rank: int) -> None:
        self._objective = objective
        self._rank = rank
        self._evaluate = evaluate_of(objective)

    def __call__(self, run: Run, tell: Callable[[int, bytes], bool]) -> Done:
        """Evaluate one point."""
        evaluation = msgspec.msgpack.decode(run.task.payload, type=Evaluation)
        objective, gang = self._objective, run.task.gang
        place = gang.place(self._rank) if gang else 0
        if place:  # the first member's result is that of all
            objective = msgspec.structs.replace(objective, metric=None, further=())
        context = Context(evaluation, objective, end_s=run.end_s, tell=tell, gang=gang, rank=place)
        value, failure, note = attempt(self._evaluate, evaluation, context, objective)
        return Done(Result(run.task.id, value, failure, note=note), run.made)


def evaluate_of(objective: Objective) -> Evaluate:
    """Return what evaluates points of this objective."""
    if objective.shell is None:
        return PythonObjective(objective)
    from supervisor.executors.shell import ShellObjective

    if objective.run == "launch":
        from supervisor.executors.launch import MpiLauncher

        return ShellObjective(objective.shell, objective, MpiLauncher())
    return ShellObjective(objective.shell, objective)
