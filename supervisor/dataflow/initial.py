"""What a search begins with: points of a table, or results of an earlier experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from supervisor.core.errors import InputError
from supervisor.core.space import Space
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import read_journal
from supervisor.experiment.state import PointState, replay
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.tabular import Table, read_points


def read_initial(
    path: Path, where: str, space: Space, objectives: Sequence[tuple[str, bool]]
) -> Table:
    """Return the points and results that a search begins with.

    Args:
        path: A CSV file, or the folder of an experiment.
        where: Of the setting.
        space: What each point has to lie in; points of an experiment that do not are left out.
        objectives: The metrics that are optimised, and whether more of them is better.

    Raises:
        InputError: If there is nothing to begin with, or a line of the file is wrong.
    """
    if path.is_dir():
        return Table([], _results(path, where, space, objectives))
    if not path.is_file():
        raise InputError(where, f"there is no file and no experiment {path}")
    return read_points(path, space, objectives)


def _results(
    path: Path, where: str, space: Space, objectives: Sequence[tuple[str, bool]]
) -> list[Told]:
    experiment = Experiment.at(path)
    if not experiment.journal.is_file():
        raise InputError(where, f"{path} is no experiment: it has no {experiment.journal.name}")
    state = replay(read_journal(experiment.journal), keep_values=True)
    told = [_told(id, point, space, objectives) for id, point in state.points.items()]
    known = [one for one in told if one is not None]
    if not known:
        names = " and ".join(name for name, _ in objectives)
        problem = f"{path} has no point of this space with a result ({names})"
        raise InputError(where, problem)
    return known


def _told(
    id: int, point: PointState, space: Space, objectives: Sequence[tuple[str, bool]]
) -> Told | None:
    """Return the result of a point as an optimizer is told it; None if there is none."""
    values = space.complete(
        {name: value for name, value in (point.values or {}).items() if name in space.parameters}
    )
    measured = all(isinstance(point.metrics.get(name), float | int) for name, _ in objectives)
    if point.status != "finished" or not measured or space.problem(values):
        return None
    losses = tuple(
        -float(point.metrics[name]) if more else float(point.metrics[name])
        for name, more in objectives
    )
    return Told(id, values, losses[0], point.metrics, None, losses if len(losses) > 1 else ())
