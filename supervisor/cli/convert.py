"""``supervisor convert``: files of other tools as workflows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from supervisor.converters import KINDS, read
from supervisor.converters.conversion import Conversion
from supervisor.converters.write import write
from supervisor.core.errors import InputError
from supervisor.optimizers import KINDS as OPTIMIZERS
from supervisor.optimizers.designs.upf import check_upf
from supervisor.optimizers.settings import check_settings

EVALUATIONS = 40
STEPS = 5


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "kind",
    type=click.Choice(sorted(KINDS.entries)),
    help="What FILE is, where its content does not tell.",
)
@click.option("--to", "optimizer", metavar="OPTIMIZER", help="Search with this kind of optimizer.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
def convert(file: Path, kind: str | None, optimizer: str | None, output: Path | None) -> None:
    """Print FILE of another tool as a workflow, in which only the objective is missing.

    \b
    FILE is a parameter space of CANDLE's GA or PBT (JSON) or of mlrMBO (R), settings of a
    sweep (JSON), an unrolled parameter file, default parameters of a model, definitions of
    the challenge problem (YAML), or Python source with a space; nothing of it is run.
    """
    conversion = read(file, kind)
    if conversion.points is not None:
        check_upf(file)
        conversion.points = os.path.relpath(file, output.parent if output else None)
    if optimizer is not None:
        _search_with(optimizer, conversion)
    for warning in conversion.warnings:
        click.echo(f"supervisor: warning: {warning}", err=True)
    text = write(conversion)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError as error:
        problem = "exists already, perhaps with an objective; choose another name"
        raise InputError(f"-o {output}", problem) from error
    except OSError as error:
        raise InputError(f"-o {output}", f"cannot be written: {error.strerror}") from error


def _search_with(kind: str, conversion: Conversion) -> None:
    """Replace the optimizer of a conversion."""
    where = f"--to {kind}"
    if conversion.points is not None:
        raise InputError(where, "has no use for given points; leave it out")
    factory = OPTIMIZERS.load(kind, where)
    before = conversion.optimizer
    if before["kind"] == kind:
        return
    settings: dict[str, Any] = {"evaluations": before.get("evaluations", EVALUATIONS), "seed": 1}
    if kind == "grid":
        floats = any(isinstance(one, dict) and "float" in one for one in conversion.space.values())
        settings = {"steps": STEPS} if floats else {}
    check_settings(factory, settings, kind, lambda *keys: where)
    if "sigma" in before:
        conversion.warnings.append(f"{where}: the sigmas of the mutations are left out")
    conversion.optimizer = {"kind": kind, **settings}
