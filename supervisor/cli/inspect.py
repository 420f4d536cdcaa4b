"""``supervisor table`` and ``why``: what an experiment's journal says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from supervisor.cli.run import EXPERIMENTS
from supervisor.cli.steps import why_lines
from supervisor.core.errors import InputError, UnknownName
from supervisor.experiment import table as tables
from supervisor.experiment.events import Event, Failed, Finished, Repeated, Reported, Reused
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import read_journal
from supervisor.experiment.state import State, replay, values_of
from supervisor.experiment.steps import is_pipeline, replay_steps
from supervisor.monitor.text import pairs

experiment_argument = click.argument("experiment", required=False, metavar="[EXP]")
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=EXPERIMENTS,
    show_default=True,
    help="Folder of all experiments.",
)


@click.command()
@experiment_argument
@out_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "parquet"]),
    default="csv",
    show_default=True,
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
def table(experiment: str | None, out: Path, form: str, output: Path | None) -> None:
    """Print the results of an experiment: a row for each point, or instance of a step."""
    journal = find_begun(experiment, out).journal
    if form == "parquet" and output is None:
        raise InputError("--format parquet", "is not for a screen; name a file with -o")
    if output is None:
        lines = tables.format_csv(journal) if form == "csv" else tables.format_json(journal)
        for text in lines:
            click.echo(text, nl=False)
        return
    writers: dict[str, Callable[[Path, Path], None]] = {
        "csv": tables.write_csv,
        "json": tables.write_json,
        "parquet": tables.write_parquet,
    }
    writers[form](journal, output)


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[EXP] POINT")
@out_option
def why(words: tuple[str, ...], out: Path) -> None:
    """Print all that is known of POINT: a number, or a name such as RUN000042 or train[3]."""
    if len(words) > 2:
        raise InputError("supervisor why", "takes an experiment, if not the newest, and a point")
    found = find_begun(words[0] if len(words) == 2 else None, out)
    if is_pipeline(found.journal):
        steps = replay_steps(read_journal(found.journal))
        click.echo("\n".join(why_lines(steps, words[-1], found)))
        return
    state = replay(read_journal(found.journal))
    point_id = _point(words[-1], state, found)
    point = state.points[point_id]
    click.echo(f"{found.label} {point.name} (point {point_id}): {point.status}")
    click.echo(f"  parameters: {pairs(point.values or values_of(found.journal, point_id))}")
    if point.parent >= 0:
        click.echo(f"  goes on from the checkpoint of {state.points[point.parent].name}")
    for event in read_journal(found.journal):
        if getattr(event, "point", None) == point_id:
            click.echo(_told(event, state))
    _echo_folder(found.run_dir(point.name))


def find_begun(experiment: str | None, out: Path) -> Experiment:
    found = Experiment.find(experiment, out)
    if not found.journal.is_file():
        raise InputError(str(found.path), "has no journal; it was never begun")
    return found


def _point(text: str, state: State, experiment: Experiment) -> int:
    if text.isdigit() and int(text) in state.points:
        return int(text)
    for point_id, point in state.points.items():
        if point.name == text:
            return point_id
    names = [point.name for point in state.points.values()]
    raise UnknownName(experiment.label, text, names[:20], what="point")


def _told(event: Event, state: State) -> str:
    match event:
        case Reused():
            return f"  not evaluated: equals {state.points[event.of].name}, {pairs(event.metrics)}"
        case Repeated():
            result = f"  repeat {event.repeat}, attempt {event.attempt}: {pairs(event.metrics)}"
            return f"{result}\n{_circumstances(event)}"
        case Reported():
            return f"  attempt {event.attempt}, step {event.step}: {pairs(event.metrics)}"
        case Finished():
            note = f" ({event.note})" if event.note else ""
            result = f"  attempt {event.attempt} finished{note}: {pairs(event.metrics)}"
            return f"{result}\n{_circumstances(event)}"
        case Failed():
            details = "".join(f"\n    | {line}" for line in event.details.splitlines())
            result = f"  attempt {event.attempt} failed ({event.kind}): {event.message}"
            return f"{result}\n{_circumstances(event)}{details}"
    return f"  {event}"


def _circumstances(event: Finished | Repeated | Failed) -> str:
    began = tables.timestamp(event.start_s)
    seconds = event.end_s - event.start_s
    return f"    on rank {event.rank} ({event.host}), began {began}, took {seconds:.3f} s"


def _echo_folder(folder: Path) -> None:
    if folder.is_dir():
        click.echo(f"  files: {folder}")
        for path in sorted(folder.iterdir()):
            click.echo(f"    {path.name}  {path.stat().st_size} bytes")
