"""``supervisor`` and ``python -m supervisor``.

Ranks other than 0 never import the command line's libraries: with thousands of ranks on a shared
file system, imports decide how long a start takes.
"""

from __future__ import annotations

import os
import sys

from supervisor.runtime.launcher import launched


def main() -> int:
    """Run the command line, or serve as a rank of a run that an MPI launcher started."""
    if sys.argv[1:2] == ["run"] and launched(os.environ):
        from supervisor.runtime.entry import run_as_rank

        return run_as_rank(_command_line)
    return _command_line(None)


def _command_line(world: object) -> int:
    from supervisor.cli import execute

    return execute(sys.argv[1:], world)


if __name__ == "__main__":
    sys.exit(main())
