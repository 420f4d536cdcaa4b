"""The ``supervisor`` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from supervisor import __version__
from supervisor.cli.convert import convert
from supervisor.cli.doctor import doctor
from supervisor.cli.inspect import table, why
from supervisor.cli.jobs import cancel, sites
from supervisor.cli.plan import plan
from supervisor.cli.run import run
from supervisor.cli.status import status
from supervisor.cli.submit import submit
from supervisor.core.errors import Interrupted, SupervisorError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99})
@click.version_option(__version__, prog_name="supervisor")
def supervisor() -> None:
    """Run hyperparameter searches and ensembles on MPI ranks.

    \b
    supervisor run -n 4 workflow.yaml           on this machine
    mpiexec -n 64 supervisor run workflow.yaml  inside a job
    supervisor submit --site NAME workflow.yaml as a job of a cluster
    supervisor run --resume                     go on where the last run ended

    Exit codes: 0 done; 1 failed or stopped; 2 bad input; 3 interrupted but resumable.
    """


for command in (run, submit, status, cancel, plan, table, why, convert, sites, doctor):
    supervisor.add_command(command)


def execute(arguments: Sequence[str], world: object = None) -> int:
    """Run a command line and return its exit code; user errors are one line, no traceback.

    Args:
        arguments: Without the program's name.
        world: The ranks, if an MPI launcher started this process.
    """
    try:
        code = supervisor.main(
            args=list(arguments), prog_name="supervisor", standalone_mode=False, obj=world
        )
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        sys.stderr.write("supervisor: interrupted\n")
        return 3
    except Interrupted as error:
        return error.exit_code  # the run's last lines have said why, and how to go on
    except SupervisorError as error:
        sys.stderr.write(f"supervisor: {error}\n")
        return error.exit_code
    return code if isinstance(code, int) else 0
