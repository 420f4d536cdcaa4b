"""Tables of points as CSV, with or without results."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.objective import Values
from supervisor.core.parameter import Constant, Discrete, Float, Int, Parameter
from supervisor.core.space import Space
from supervisor.optimizers.protocol import Told

RESULTS = ("y", "loss")
"""Columns of what is minimised, besides the metrics themselves."""

_OURS = ("point", "name", "status")
"""The first columns of an experiment's results.csv."""

_ABSENT = ("", "NA")
_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_CLOSE = 1e-12  # R writes 15 digits


class Table(NamedTuple):
    """The rows of a table.

    Attributes:
        points: Those without a result, in the order of the file.
        known: Those with one; the ids are their lines.
    """

    points: list[Values]
    known: list[Told]


def read_points(path: Path, space: Space, objectives: Sequence[tuple[str, bool]] = ()) -> Table:
    """Return the points of a CSV file, whose first line names the columns.

    A column is a parameter, a metric, or, of what is minimised, ``y`` or ``loss``. Constants need
    no column, nor do parameters that are never active in these points. A row without a result
    is one to evaluate. The results.csv of an experiment may be given too; of it, only points that
    finished or failed are known.

    Args:
        path: The file.
        space: What each point has to lie in.
        objectives: The metrics that are optimised, and whether more of them is better.

    Raises:
        InputError: With the line and the column of the first thing that is wrong.

    Source:
        The restart files of CANDLE Supervisor's mlrMBO workflow, and the initial populations of
        its GA.
    """
    rows = _rows(path)
    line, names = next(rows, (1, []))
    header = _Header(path, line, names, space, objectives)
    table = Table([], [])
    for line, cells in rows:
        if len(cells) != len(names):
            problem = f"{len(cells)} values for {len(names)} columns"
            raise InputError(f"{path}:{line}", problem)
        header.add(table, line, cells)
    if not table.points and not table.known:
        raise InputError(str(path), "there is no point in it; write one a line, below the names")
    return table


class _Header:
    """What the columns of a table are."""

    def __init__(
        self,
        path: Path,
        line: int,
        names: list[str],
        space: Space,
        objectives: Sequence[tuple[str, bool]],
    ) -> None:
        self._path = path
        self._space = space
        self._signs = {name: -1.0 if more else 1.0 for name, more in objectives}
        self._ours = tuple(names[: len(_OURS)]) == _OURS
        self._parameters: dict[int, str] = {}
        self._results: dict[str, int] = {}  # of objectives, or of one of RESULTS
        for index, name in enumerate(names):
            self._place(index, name, line)
        self._check(line)

    def _place(self, index: int, name: str, line: int) -> None:
        parameter, metric = name, name
        if self._ours:
            parameter, metric = name.removeprefix("param."), name.removeprefix("metric.")
        taken = (*self._parameters.values(), *self._results)
        if parameter in self._space.parameters and not (self._ours and metric != name):
            found, self._parameters[index] = parameter, parameter
        elif metric in self._signs or (name in RESULTS and not self._ours):
            found, self._results[metric] = metric, index
        elif not name or self._ours:  # R writes the names of rows under an empty name
            return
        else:
            known = [*self._space.parameters, *self._signs, *RESULTS]
            place = f"{self._path}:{line} column {index + 1}"
            raise UnknownName(place, name, known, "parameter or metric")
        if found in taken:
            raise InputError(f"{self._path}:{line}", f"the column {found!r} is there twice")

    def _check(self, line: int) -> None:
        """Refuse a table in which no row could be a point, or results are only half there."""
        for name, parameter in self._space.parameters.items():
            if parameter.varies and not parameter.when and name not in self._parameters.values():
                problem = f"there is no column for the parameter {name!r}"
                raise InputError(f"{self._path}:{line}", problem)
        if self._results.keys() & self._signs.keys():
            for name in self._signs.keys() - self._results.keys():
                problem = f"there is no column for the metric {name!r}, but for others"
                raise InputError(f"{self._path}:{line}", problem)
        elif self._results and len(self._signs) > 1:
            problem = f"one result for {len(self._signs)} metrics; name the columns as the metrics"
            raise InputError(f"{self._path}:{line}", problem)

    def add(self, table: Table, line: int, cells: list[str]) -> None:
        """Add a row to the points, or to the results."""
        values = self._values(line, cells)
        losses = self._losses(line, cells)
        status = cells[_OURS.index("status")] if self._ours else ""
        if status == "failed":
            table.known.append(Told(line, values, None, error="failed in an earlier experiment"))
        elif losses and status in ("", "finished"):
            several = losses if len(losses) > 1 else ()
            table.known.append(Told(line, values, losses[0], losses=several))
        else:
            table.points.append(values)

    def _values(self, line: int, cells: list[str]) -> Values:
        values = {}
        for index, name in self._parameters.items():
            try:
                found = _value(self._space.parameters[name], cells[index].strip())
            except (ValueError, OverflowError) as error:
                place = f"{self._path}:{line} {name}"
                raise InputError(place, str(error)) from error
            if found is not _NOTHING:
                values[name] = found
        complete = self._space.complete(values)
        if problem := self._space.problem(complete):
            raise InputError(f"{self._path}:{line}", problem)
        return complete

    def _losses(self, line: int, cells: list[str]) -> tuple[float, ...]:
        """Return what is minimised; nothing if a part of it is missing."""
        names = [name for name in self._signs if name in self._results] or [*self._results]
        texts = {name: cells[self._results[name]].strip() for name in names}
        if any(text in _ABSENT for text in texts.values()):
            return ()
        try:
            return tuple(self._signs.get(name, 1.0) * float(texts[name]) for name in names)
        except ValueError as error:
            place = f"{self._path}:{line}"
            problem = f"{', '.join(texts.values())!r} is no result; give a number, or nothing"
            raise InputError(place, problem) from error


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, with their lines."""
    try:
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode()
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"is not UTF-8 text: {error}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}", f"not CSV: {error}") from error


# --- values --------------------------------------------------------------------------------

_NOTHING = object()


def _value(parameter: Parameter, text: str) -> Any:
    """Return what a cell says, as the parameter has it; ``_NOTHING`` if it says nothing."""
    match parameter:
        case Discrete(values=values):
            return _chosen(values, text)
        case Constant(value=value):
            return _chosen((value,), text)
    if text in _ABSENT:
        return _NOTHING
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a number") from error
    if isinstance(parameter, Float):
        return number
    assert isinstance(parameter, Int)
    if not number.is_integer():
        raise ValueError(f"{text} is not a whole number")
    return int(text) if text.lstrip("-").isdigit() else int(number)


def _chosen(values: Sequence[Any], text: str) -> Any:
    """Return the one of ``values`` that a cell means."""
    for value in values:
        if value == text:
            return value
    if text in _ABSENT:
        return None if None in values else _NOTHING
    for value in values:
        if _means(text, value):
            return value
    raise ValueError(f"{text!r} is not one of {list(values)}")


def _means(text: str, value: Any) -> bool:
    """Tell whether a text is how some program writes a value that is no text."""
    if isinstance(value, bool):
        return _TRUTH.get(text.lower()) is value
    if isinstance(value, int | float):
        try:
            return math.isclose(float(text), value, rel_tol=_CLOSE)
        except ValueError:
            return False
    if isinstance(value, list | Mapping):
        try:
            return bool(json.loads(text) == value)
        except ValueError:
            return False
    return value is None and text in ("null", "None")
