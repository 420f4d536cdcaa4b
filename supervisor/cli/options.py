"""Options that several commands have."""

from __future__ import annotations

import click

from supervisor.balancer.layout import KIND_NAMES, is_kind
from supervisor.core.duration import seconds_of
from supervisor.core.errors import InputError


def workers_of(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, int]:
    """Return the numbers of workers by kind; of a kind that is given twice, the last."""
    workers: dict[str, int] = {}
    for text in texts:
        kind, sign, number = text.partition("=")
        if not sign or not number.isdecimal():
            raise InputError(f"--workers {text}", "is not of the form KIND=N, e.g. gpu=2")
        if not is_kind(kind):
            raise InputError(f"--workers {text}", f"{kind!r} cannot name a kind; {KIND_NAMES}")
        if int(number) < 1:
            raise InputError(f"--workers {text}", "give 1 or more workers")
        workers[kind] = int(number)
    return workers


def walltime_of(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> float | None:
    """Return the seconds of ``hh:mm:ss``, ``mm:ss`` or ``ss``."""
    return None if text is None else seconds_of(text, "--walltime")


servers = click.option("--servers", type=click.IntRange(min=1), help="Number of server ranks.")

workers = click.option(
    "--workers",
    multiple=True,
    callback=workers_of,
    metavar="KIND=N",
    help="Let N workers take only tasks of this kind.",
)

overrides = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one value."
)
