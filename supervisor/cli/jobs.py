"""``supervisor cancel`` and ``sites``."""

from __future__ import annotations

from pathlib import Path

import click

from supervisor.cli.inspect import experiment_argument, out_option
from supervisor.experiment.folder import Experiment
from supervisor.runtime.submission import cancel as cancel_jobs
from supervisor.sites.site import known_sites, load_site


@click.command()
@experiment_argument
@out_option
def cancel(experiment: str | None, out: Path) -> None:
    """End all jobs of an experiment, the newest unless EXP is given; it can be resumed."""
    found = Experiment.find(experiment, out)
    ids = cancel_jobs(found)
    text = f"cancelled {' '.join(ids)}" if ids else "no job was left"
    click.echo(f"{found.path}: {text}")


@click.command()
def sites() -> None:
    """List the machines for which 'supervisor submit' writes jobs."""
    for name, path in sorted(known_sites().items()):
        site = load_site(path)
        click.echo(f"{name:<15} {site.scheduler:<7} {site['description']}")
