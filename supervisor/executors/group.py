"""Evaluation of a point by several workers together, each in its own process."""

from __future__ import annotations

from supervisor.core.executor import Form, Seat
from supervisor.core.objective import Evaluation, Objective
from supervisor.core.task import Failure, Task
from supervisor.executors.call import Outcome, attempt
from supervisor.executors.context import Context
from supervisor.executors.failures import from_exception
from supervisor.executors.gang import join, take_part
from supervisor.executors.inline import InlineExecutor


class GroupExecutor(InlineExecutor):
    """Calls the objective on every worker of a gang, with their communicator ``task.comm``.

    The member of rank 0 returns the value and writes the run directory's files; what others
    return is not looked at. All members may report, but only rank 0's reports count. After a
    member failed, the others get ``MemberFailed`` from what they call on the communicator. The
    time limit ends Python code, also while it waits for other members.

    Args:
        objective: What is evaluated.
        seat: The worker's.
        form: Gives the communicators; None without MPI.
    """

    def __init__(self, objective: Objective, seat: Seat, form: Form | None) -> None:
        super().__init__(objective, seat.rank)
        self._form = form

    def _outcome(self, task: Task, end_s: float) -> Outcome:
        """Evaluate the task together with the other members."""
        comm = join(self._form, task, self._rank)
        evaluation = self._decoder.decode(task.payload)
        gang = task.gang
        place = gang.place(self._rank) if gang else 0
        tell = None if place else self._teller(task)
        context = Context(
            evaluation, self._objective, end_s=end_s, tell=tell, comm=comm, gang=gang, rank=place
        )
        outcome = Outcome(b"")

        def call() -> Failure | None:
            nonlocal outcome
            outcome = (self._assist if place else self._lead)(evaluation, context)
            return outcome.failure

        failure = take_part(task, self._rank, comm, call, self._objective.deadline_s)
        return outcome if failure is None else Outcome(b"", failure)

    def _lead(self, evaluation: Evaluation, context: Context) -> Outcome:
        return attempt(self._together, evaluation, context, self._objective)

    def _assist(self, evaluation: Evaluation, context: Context) -> Outcome:
        try:
            self._together(evaluation, context)
        except (Exception, SystemExit) as error:
            return Outcome(b"", from_exception(error))
        return Outcome(b"")

    def _together(self, evaluation: Evaluation, context: Context) -> object:
        if evaluation.parent and context.comm is not None:
            if context.rank == 0:
                _ = context.checkpoint_dir  # its copy is complete before another member looks
            context.comm.Barrier()
        return self._in_source_dir(evaluation, context)
