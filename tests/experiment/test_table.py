"""A table has one row a point, and loses no digit."""

import csv
import json
import math
import sys

import pytest

from supervisor.core.errors import SupervisorError
from supervisor.experiment import table
from supervisor.experiment.events import Asked, AskedPoint, Failed, Finished
from supervisor.experiment.journal import Journal
from supervisor.experiment.table import format_csv, format_json, write_csv, write_json

GOLDEN = """\
point,name,status,attempts,rank,host,start,end,seconds,loss,val_loss,accuracy,hidden,layers,act
0,RUN000000,finished,1,3,node01,2023-11-14T22:13:20.125Z,2023-11-14T22:13:21.375Z,1.25,\
0.30000000000000004,0.30000000000000004,,64,"[1, 2]",relu
1,RUN000001,finished,2,3,node01,2023-11-14T22:13:20.125Z,2023-11-14T22:13:21.375Z,1.25,\
nan,nan,inf,128,"[""nan""]",
2,RUN000002,failed,1,4,node02,2023-11-14T22:13:20.125Z,2023-11-14T22:13:22.125Z,2.0,\
,,,32,[],"a,""b""
c"
3,RUN000003,open,0,,,,,,,,,true,,
"""

START_S = 1700000000.125


def point(id, **values):
    return AskedPoint(id=id, name=f"RUN{id:06d}", values=values)


def asked(*points):
    return Asked(n=len(points), points=list(points), time_s=0.0)


def finished(point, result, /, attempt=1, **metrics):
    return Finished(
        point=point, attempt=attempt, loss=result, metrics=metrics, rank=3, host="node01",
        start_s=START_S, end_s=START_S + 1.25,
    )  # fmt: skip


def failed(point):
    return Failed(
        point=point, attempt=1, kind="raised", message="no", rank=4, host="node02",
        start_s=START_S, end_s=START_S + 2.0, final=True,
    )  # fmt: skip


EVENTS = [
    asked(point(0, hidden=64, layers=[1, 2], act="relu"), point(1, hidden=128, layers=[math.nan])),
    finished(0, 0.1 + 0.2, val_loss=0.1 + 0.2),
    finished(1, math.nan, attempt=2, val_loss=math.nan, accuracy=math.inf),
    asked(point(2, hidden=32, layers=[], act='a,"b"\nc'), point(3, hidden=True)),
    failed(2),
]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a journal and returns its path."""

    def write(events):
        path = tmp_path / "journal.jsonl"
        journal = Journal.create(path)
        for event in events:
            journal.append(event)
        journal.close()
        return path

    return write


def header(path):
    return next(iter(format_csv(path))).rstrip("\n").split(",")[len(table.FIXED) :]


def test_the_csv_file_is_the_golden_one(write, tmp_path):
    write_csv(write(EVENTS), tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text() == GOLDEN
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "results.csv"]


def test_the_json_file_holds_the_same_rows(write, tmp_path):
    write_json(write(EVENTS), tmp_path / "results.json")
    rows = json.loads((tmp_path / "results.json").read_text())
    assert list(rows[0]) == GOLDEN.partition("\n")[0].split(",")
    assert rows[0]["loss"] == 0.1 + 0.2
    assert (rows[1]["val_loss"], rows[1]["accuracy"], rows[1]["act"]) == ("nan", "inf", None)
    assert rows[1]["layers"] == ["nan"]
    assert (rows[3]["status"], rows[3]["rank"], rows[3]["hidden"]) == ("open", None, True)


def test_a_journal_without_points_gives_an_empty_table(write):
    path = write([])
    assert "".join(format_json(path)) == "[]\n"
    assert "".join(format_csv(path)) == ",".join(table.FIXED) + "\n"


def test_floats_come_back_with_all_their_digits(write):
    losses = [0.1, 1e-320, 1.7976931348623157e308, 1 / 3, -0.0, 1e22]
    events = [asked(*(point(i) for i in range(len(losses))))]
    events += [finished(i, loss) for i, loss in enumerate(losses)]
    rows = list(csv.DictReader(format_csv(write(events))))
    assert [repr(float(row["loss"])) for row in rows] == [repr(loss) for loss in losses]


def test_columns_that_collide_with_fixed_ones_are_prefixed(write):
    path = write([asked(point(0, rank=1, x=2)), finished(0, 0.5, loss=0.5, y=1)])
    assert header(path) == ["metric.loss", "y", "param.rank", "x"]


def test_a_metric_and_a_parameter_of_one_name_are_both_prefixed(write):
    path = write([asked(point(0, epochs=20)), finished(0, 0.5, epochs=3)])
    assert header(path) == ["metric.epochs", "param.epochs"]


def test_a_prefixed_column_never_takes_a_name_of_the_user(write):
    metrics = {"loss": 1, "metric.loss": 2}
    path = write([asked(point(0, **{"metric.metric.loss": 3})), finished(0, 0.5, **metrics)])
    columns = header(path)
    assert len(set(columns)) == 3
    row = next(csv.DictReader(format_csv(path)))
    assert [row[column] for column in columns] == ["1", "2", "3"]


def test_integers_of_any_size_are_written(write):
    path = write([asked(point(0, a=2**70, b=10**5000))])
    row = next(csv.DictReader(format_csv(path)))
    assert row["a"] == str(2**70)
    assert int(row["b"], 16) == 10**5000
    assert json.loads("".join(format_json(path)))[0]["a"] == 2**70


def test_times_that_are_no_dates_are_absent():
    assert table.timestamp(math.nan) is None
    assert table.timestamp(1e30) is None
    assert table.timestamp(0.0) == "1970-01-01T00:00:00.000Z"


def test_points_asked_between_the_passes_are_left_for_the_next_table(write):
    path = write([asked(point(0, x=1))])
    lines = format_csv(path)
    next(lines)
    journal = Journal.open(path)
    journal.append(asked(point(1, y=1)))
    journal.close()
    assert len(list(lines)) == 1


def test_a_table_that_fails_leaves_the_old_one(write, tmp_path):
    out = tmp_path / "results.csv"
    out.write_text("old")
    path = write([asked(point(0)), finished(5, 0.5)])
    with pytest.raises(SupervisorError, match="point 5"):
        write_csv(path, out)
    assert out.read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_a_table_in_a_folder_that_is_missing_is_an_error(write, tmp_path):
    with pytest.raises(SupervisorError, match="cannot write"):
        write_csv(write(EVENTS), tmp_path / "missing" / "results.csv")


def test_parquet_without_pyarrow_says_what_to_install(write, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SupervisorError, match=r"pip install pyarrow"):
        table.write_parquet(write(EVENTS), tmp_path / "results.parquet")


def test_parquet_holds_the_same_rows(write, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "results.parquet"
    table.write_parquet(write(EVENTS), out)
    columns = parquet.read_table(out).to_pydict()
    assert list(columns) == GOLDEN.partition("\n")[0].split(",")
    assert columns["point"] == [0, 1, 2, 3]
    assert columns["loss"][0] == 0.1 + 0.2
    assert math.isnan(columns["loss"][1])
    assert columns["hidden"] == ["64", "128", "32", "true"], "mixed types become texts"
