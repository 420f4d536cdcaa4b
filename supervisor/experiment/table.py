"""The results of an experiment as a table: CSV, JSON, Parquet.

One row a point, in the order in which points were asked. Two passes over the journal: the first
finds the columns and what became of each point, the second meets the parameters again, so they
are never all in memory.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from supervisor.core.errors import SupervisorError
from supervisor.experiment.events import Asked, AskedPoint, Event, Finished
from supervisor.experiment.folder import replacing
from supervisor.experiment.journal import read_journal
from supervisor.experiment.state import PointState, State
from supervisor.experiment.step_table import StepTable, read_step_table
from supervisor.experiment.steps import is_pipeline
from supervisor.experiment.times import timestamp as timestamp

FIXED = ("point", "name", "status", "attempts", "rank", "host", "start", "end", "seconds", "loss")
"""The columns that every table begins with."""

LONG_BITS = 14_000
"""Python refuses to write longer integers as decimals; they are hexadecimal in tables."""


class Table(msgspec.Struct, frozen=True):
    """The rows of a journal, and the names of their columns.

    Attributes:
        journal: The file.
        state: What became of each point.
        metrics: Names of metrics to columns, in the order of their first appearance.
        parameters: Likewise of parameters.
    """

    journal: Path
    state: State
    metrics: dict[str, str]
    parameters: dict[str, str]

    @property
    def columns(self) -> list[str]:
        """Return the names of all columns, in order."""
        return [*FIXED, *self.metrics.values(), *self.parameters.values()]

    def rows(self) -> Iterator[list[Any]]:
        """Yield a row for each point: its values in the order of ``columns``, None if absent."""
        for event in read_journal(self.journal):
            if isinstance(event, Asked):
                for asked in event.points:
                    point = self.state.points.get(asked.id)
                    # A campaign that is running may have asked more since the first pass.
                    if point is None:
                        return
                    yield self._row(asked, point)

    def _row(self, asked: AskedPoint, point: PointState) -> list[Any]:
        """Return the row of one point."""
        seconds = None
        if point.start_s is not None and point.end_s is not None:
            seconds = round(point.end_s - point.start_s, 6)
        ran = point.attempts > 0
        row = [asked.id, asked.name, point.status, point.attempts]
        row += [point.rank if ran else None, point.host if ran else None]
        row += [timestamp(point.start_s), timestamp(point.end_s), seconds, point.loss]
        row += [point.metrics.get(name) for name in self.metrics]
        row += [asked.values.get(name) for name in self.parameters]
        return row


def read_table(journal: Path) -> Table | StepTable:
    """Return the table of a journal, which another process may be writing."""
    if is_pipeline(journal):
        return read_step_table(journal)
    state = State()
    metrics: dict[str, None] = {}
    parameters: dict[str, None] = {}
    for event in read_journal(journal):
        state.apply(event)
        _collect(event, metrics, parameters)
    return Table(
        journal,
        state,
        _columns("metric.", metrics, parameters),
        _columns("param.", parameters, metrics),
    )


def format_csv(journal: Path) -> Iterator[str]:
    """Yield the table as CSV, a line at a time.

    An absent value is empty, NaN is ``nan``, lists are JSON, floats have all their digits.
    """
    table = read_table(journal)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    yield buffer.getvalue()
    for row in table.rows():
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([_text(value) for value in row])
        yield buffer.getvalue()


def format_json(journal: Path) -> Iterator[str]:
    """Yield the table as a JSON array of objects, a line at a time.

    An absent value is null; NaN and infinities, which JSON has not, are the texts ``nan``,
    ``inf`` and ``-inf``.
    """
    table = read_table(journal)
    columns = table.columns
    start = "[\n"
    for row in table.rows():
        record = dict(zip(columns, map(_storable, row), strict=True))
        yield f"{start}{json.dumps(record, ensure_ascii=False, allow_nan=False)}"
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"


def write_csv(journal: Path, path: Path) -> None:
    """Write the table to a file, which is replaced at once."""
    with replacing(path) as file:
        file.writelines(format_csv(journal))


def write_json(journal: Path, path: Path) -> None:
    """Write the table to a file, which is replaced at once."""
    with replacing(path) as file:
        file.writelines(format_json(journal))


def write_parquet(journal: Path, path: Path) -> None:
    """Write the table to a file; a column of several types becomes one of texts.

    Raises:
        SupervisorError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SupervisorError(
            "Parquet needs pyarrow, which is not installed: pip install pyarrow"
        ) from error
    table = read_table(journal)
    names, rows = table.columns, list(table.rows())
    arrays = []
    for index in range(len(names)):
        column = [row[index] for row in rows]
        try:
            arrays.append(pyarrow.array(column))
        except (pyarrow.ArrowException, OverflowError):
            arrays.append(pyarrow.array([v if v is None else _text(v) for v in column]))
    with replacing(path) as file:
        pyarrow.parquet.write_table(pyarrow.table(arrays, names=names), file.buffer)


def _collect(event: Event, metrics: dict[str, None], parameters: dict[str, None]) -> None:
    """Note the names of metrics and parameters, in the order of their first appearance."""
    match event:
        case Asked(points=points):
            for point in points:
                parameters.update(dict.fromkeys(point.values))
        case Finished(metrics=values):
            metrics.update(dict.fromkeys(values))


def _columns(prefix: str, names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Return a column for each name; one that is taken gets the prefix, as often as need be."""
    names, taken = list(names), {*FIXED, *others}
    columns = {}
    for name in names:
        column = name
        while column in taken or (column != name and column in names):
            column = prefix + column
        columns[name] = column
    return columns


def _text(value: Any) -> str:
    """Return a value as one cell of a CSV file."""
    if value is None:
        return ""
    value = _storable(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _storable(value: Any) -> Any:
    """Return a value in which texts stand for the numbers that strict JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, int) and value.bit_length() > LONG_BITS:
        return hex(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return value
