"""``supervisor plan``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from supervisor.balancer.layout import describe
from supervisor.cli import options
from supervisor.dataflow.workflow import load_workflow
from supervisor.monitor.text import pairs

BYTES_PER_POINT = 700  # of the journal and the table, for a dozen parameters and metrics
FIRST = 3


@click.command()
@click.argument("workflow", type=click.Path(path_type=Path))
@click.option("-n", "ranks", type=click.IntRange(min=1), default=4, show_default=True)
@options.servers
@options.workers
@options.overrides
def plan(
    workflow: Path,
    ranks: int,
    servers: int | None,
    workers: dict[str, int],
    overrides: tuple[str, ...],
) -> None:
    """Check WORKFLOW and print what a run would do; run nothing."""
    checked = load_workflow(workflow, overrides)
    layout = checked.layout(ranks, servers, workers)
    click.echo(f"{checked.name}: {checked.summary}")
    click.echo(describe(layout))
    expected = checked.expected
    if expected is None:
        click.echo("points: as many as the optimizer asks for")
    else:
        size_kb = expected * BYTES_PER_POINT / 1000
        click.echo(f"points: {expected}; journal and table take about {size_kb:.0f} kB")
    for values in islice(checked.optimizer().ask(FIRST), FIRST):
        click.echo(f"  {pairs(values)}")
