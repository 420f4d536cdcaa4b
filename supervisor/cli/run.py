"""``supervisor run``."""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click

from supervisor.cli import options
from supervisor.core.errors import InputError, SupervisorError
from supervisor.dataflow.document import LONG
from supervisor.dataflow.load import load
from supervisor.dataflow.workflow import Workflow
from supervisor.experiment.folder import Experiment
from supervisor.experiment.steps import is_pipeline
from supervisor.monitor.display import Display
from supervisor.monitor.progress import Progress
from supervisor.monitor.steps import StepsProgress
from supervisor.runtime.launcher import (
    CONSOLE_WIDTH,
    end_with_parent,
    launch_environment,
    mpiexec_command,
)
from supervisor.runtime.options import Options
from supervisor.runtime.run import resume, start
from supervisor.runtime.script import run_script
from supervisor.runtime.submission import Checked, begun, submitted_workflow
from supervisor.runtime.world import World, alone

NEWEST = "newest"
EXPERIMENTS = Path("experiments")


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("workflow", required=False, type=click.Path(path_type=Path))
@click.option(
    "-n", "ranks", type=click.IntRange(min=1), help="Start mpiexec with this many ranks."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=EXPERIMENTS,
    show_default=True,
    help="Folder of all experiments.",
)
@click.option(
    "--resume",
    "resumed",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[EXP]",
    help="Continue an experiment: a path, name/EXP003, or nothing for the newest one.",
)
@options.servers
@options.workers
@options.overrides
@click.option(
    "--walltime",
    callback=options.walltime_of,
    metavar="HH:MM:SS",
    help="End resumably before this time is over.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but the end.")
@click.option(
    "--trace", is_flag=True, help="Print when steps, or the calls of a script, begin and end."
)
@click.pass_context
def run(
    context: click.Context,
    workflow: Path | None,
    ranks: int | None,
    out: Path,
    resumed: str | None,
    servers: int | None,
    workers: dict[str, int],
    overrides: tuple[str, ...],
    walltime: float | None,
    quiet: bool,
    trace: bool,
) -> int:
    """Run WORKFLOW.

    Under mpiexec, srun, jsrun or aprun it runs on those ranks; alone, in one process; with -n N
    it starts mpiexec itself. Of a Python script, main() is called; further options are its own.
    """
    world: World | None = context.obj
    script = workflow is not None and workflow.suffix == ".py"
    if context.args and not script:
        raise _unexpected(context)
    if resumed not in (None, NEWEST) and workflow is None and Path(resumed).is_file():
        workflow, resumed = Path(resumed), NEWEST  # "--resume workflow.yaml" is not an experiment
    if workflow is None and resumed is None:
        raise InputError("supervisor run", "name a workflow file, or --resume an experiment")
    chosen = Options(
        out=out,
        servers=servers,
        workers=workers,
        walltime_s=walltime,
        overrides=overrides,
        command=["supervisor", *sys.argv[1:]],
        trace=trace,
    )
    if ranks is not None and world is None and ranks > 1:
        if not script:
            _check_before_launch(workflow, resumed, chosen, ranks)
        return launch(ranks)
    if ranks is not None and world is not None and ranks != world.size:
        raise InputError(f"-n {ranks}", f"the launcher has started {world.size} ranks; drop -n")
    if script and workflow is not None:
        run_script(
            world or alone(),
            workflow,
            context.args,
            servers=servers,
            workers=workers,
            quiet=quiet,
            trace=trace,
            known=_known(context),
        )
        return 0
    display = Display(sys.stdout, width=_terminal_width(world), quiet=quiet)
    world = world or alone()
    if resumed is not None:
        _go_on(world, _experiment(workflow, resumed, out), chosen, display)
    else:
        assert workflow is not None
        _begin(world, load(workflow, overrides), chosen, display)
    return 0


def _begin(
    world: World,
    workflow: Checked,
    chosen: Options,
    display: Display,
    submitted: Experiment | None = None,
) -> None:
    """Run a search or a pipeline as a new experiment."""
    if not isinstance(workflow, Workflow):
        from supervisor.runtime.pipeline import start_pipeline  # late: it needs jinja2

        steps = StepsProgress(display, trace=chosen.trace)
        start_pipeline(world, workflow, chosen, steps, submitted)
        return
    _check_trace(chosen, workflow.document.path)
    campaign = start(world, workflow, chosen, Progress(display), submitted)
    if campaign.ending is not None:
        raise campaign.ending


def _go_on(world: World, experiment: Experiment, chosen: Options, display: Display) -> None:
    """Continue a search or a pipeline, or begin it if it has only been submitted."""
    if not begun(experiment):
        if chosen.overrides:
            raise InputError("--set", "cannot change an experiment that was submitted")
        _begin(world, submitted_workflow(experiment), chosen, display, experiment)
        return
    if experiment.journal.is_file() and is_pipeline(experiment.journal):
        from supervisor.runtime.pipeline import resume_pipeline

        resume_pipeline(world, experiment, chosen, StepsProgress(display, trace=chosen.trace))
        return
    _check_trace(chosen, experiment.path)
    campaign = resume(world, experiment, chosen, Progress(display))
    if campaign.ending is not None:
        raise campaign.ending


def _check_trace(chosen: Options, path: Path) -> None:
    if chosen.trace:
        raise InputError(
            "--trace", f"is for workflows with steps or in Python; {path} is a search"
        )


def _unexpected(context: click.Context) -> click.UsageError:
    """Return what is wrong with arguments that are no options of ours."""
    word = context.args[0]
    if not word.startswith("-"):
        return click.UsageError(f"Got unexpected extra argument ({word})", context)
    near = difflib.get_close_matches(word.partition("=")[0], _known(context))
    return click.NoSuchOption(word, possibilities=near, ctx=context)


def _known(context: click.Context) -> list[str]:
    """Return the options that the command has."""
    options = [one for one in context.command.params if isinstance(one, click.Option)]
    return [name for option in options for name in option.opts]


def launch(ranks: int) -> int:
    """Run this same command line under mpiexec and return its exit code.

    Ctrl-C and SIGTERM are passed on as SIGUSR1, which every launcher forwards and none takes for
    an order to kill; mpiexec is in a session of its own, so that it does not see Ctrl-C itself.
    If this process is killed, mpiexec is told to end.
    """
    command = mpiexec_command(ranks, sys.argv[1:])
    environment = launch_environment(os.environ, _terminal_width(None))
    try:
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    except OSError as error:
        raise SupervisorError(f"{command[0]} cannot be started: {error}") from error

    def forward(number: int, frame: FrameType | None) -> None:
        child.send_signal(signal.SIGUSR1)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    code = child.wait()
    return code if code >= 0 else 1


def _check_before_launch(
    workflow: Path | None, resumed: str | None, chosen: Options, ranks: int
) -> None:
    """Find what is wrong before mpiexec starts; its own words would bury ours."""
    if resumed is not None:
        _experiment(workflow, resumed, chosen.out)
    elif workflow is not None and not (workflow.is_file() and _is_long(workflow)):
        checked = load(workflow, chosen.overrides)
        checked.layout(ranks, chosen.servers, chosen.workers)


def _is_long(workflow: Path) -> bool:
    """Return whether a file takes so long to check that it is better done once, by rank 0."""
    return workflow.stat().st_size > LONG


def _experiment(workflow: Path | None, resumed: str, out: Path) -> Experiment:
    if resumed != NEWEST:
        return Experiment.find(resumed, out)
    return Experiment.find(None if workflow is None else load(workflow).name, out)


def _terminal_width(world: World | None) -> int | None:
    """Return the columns of the terminal that shows our output, or None if there is none.

    Behind a launcher only our own parent knows: Open MPI gives every rank a terminal.
    """
    if world is not None:
        told = os.environ.get(CONSOLE_WIDTH)
        return int(told) if told else None
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
