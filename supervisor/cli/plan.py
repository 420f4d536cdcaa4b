"""``supervisor plan``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from supervisor.balancer.layout import describe
from supervisor.cli import options
from supervisor.core.errors import InputError
from supervisor.dataflow.load import load
from supervisor.dataflow.workflow import Workflow
from supervisor.monitor.text import pairs
from supervisor.optimizers.protocol import Continuation

BYTES_PER_POINT = 700  # of the journal and the table, for a dozen parameters and metrics
FIRST = 3
RANKS = 4


@click.command()
@click.argument("workflow", type=click.Path(path_type=Path))
@click.option(
    "-n",
    "ranks",
    type=click.IntRange(min=1),
    help=f"Number of ranks.  [default: {RANKS}, or as many as the widest task needs]",
)
@options.servers
@options.workers
@options.overrides
@click.option("--dot", "as_dot", is_flag=True, help="Print the graph of steps for Graphviz.")
def plan(
    workflow: Path,
    ranks: int | None,
    servers: int | None,
    workers: dict[str, int],
    overrides: tuple[str, ...],
    as_dot: bool,
) -> None:
    """Check WORKFLOW and print what a run would do; run nothing."""
    checked = load(workflow, overrides)
    layout = checked.layout(ranks or max(RANKS, checked.widest + 2), servers, workers)
    if not isinstance(checked, Workflow):
        from supervisor.dataflow import drawing

        if as_dot:
            click.echo("\n".join(drawing.dot(checked)))
            return
        click.echo(f"{checked.name}: {checked.summary}")
        click.echo(describe(layout))
        click.echo("\n".join(drawing.lines(checked)))
        return
    if as_dot:
        raise InputError("--dot", f"draws steps, and {workflow.name} has none; leave it out")
    click.echo(f"{checked.name}: {checked.summary}")
    click.echo(describe(layout))
    _echo_points(checked)


def _echo_points(checked: Workflow) -> None:
    expected = checked.expected
    if expected is None:
        click.echo("points: as many as the optimizer asks for")
    else:
        size_kb = expected * BYTES_PER_POINT / 1000
        click.echo(f"points: {expected}; journal and table take about {size_kb:.0f} kB")
    for point in islice(checked.optimizer().ask(FIRST), FIRST):
        values = point.values if isinstance(point, Continuation) else point
        click.echo(f"  {pairs(values)}")
