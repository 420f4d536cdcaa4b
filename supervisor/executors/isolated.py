"""What the child of a program does: it makes calls, as a worker does those that run inline."""

from __future__ import annotations

import sys
from collections.abc import Callable

from supervisor.core.executor import Seat
from supervisor.core.files import set_folder
from supervisor.core.objective import Program
from supervisor.executors.channel import Done, Run
from supervisor.executors.function import FunctionExecutor


class Calls:
    """Makes calls of a program's apps; calls that these make go along with their results.

    Args:
        program: Whose apps they are.
        seat: The worker's.
    """

    def __init__(self, program: Program, seat: Seat) -> None:
        if sys.path[:1] != [program.source_dir]:
            sys.path.insert(0, program.source_dir)
        set_folder(program.source_dir)
        self._executor = FunctionExecutor(seat)

    def __call__(self, run: Run, tell: Callable[[int, bytes], bool]) -> Done:
        """Make a task's call, or the calls of one part of a bulk."""
        nested = self._executor.nested
        nested.clear()  # what a call that ended the hard way had begun
        nested.ids.resume(run.made)
        self._executor.start(run.task)
        result = self._executor.poll()
        assert result is not None
        return Done(result, nested.ids.made)
