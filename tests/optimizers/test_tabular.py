"""Tables of points as CSV."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.core.errors import InputError
from supervisor.core.space import Space
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.tabular import read_points
from tests.contracts.optimizer import SPACE as CONTRACT

FIELD = Path(__file__).parents[3] / "shared" / "data" / "candle" / "mlrmbo"


def space(definitions, forbid=()):
    return Space.parse(definitions, lambda *path: ".".join(map(str, path)), list(forbid))


SPACE = space(
    {
        "rate": {"float": [0, 1]},
        "size": {"int": [1, 10**6]},
        "kind": {"choice": ["a b", 2, 0.1, None, True, [1, 2], "NA"]},
        "deep": {"bool": [True, False], "when": "size > 5"},
        "fixed": 7,
    }
)

VALLEY = space({"x": {"float": [-1, 1]}, "n": {"int": [1, 9]}})


@pytest.fixture
def table(tmp_path):
    """Return a function that writes a table and reads it."""

    def read(text, over=VALLEY, objectives=(("y2", False),)):
        path = tmp_path / "points.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_points(path, over, objectives)

    return read


@pytest.fixture
def refused(table):
    """Return a function that reads a table and returns the error, without its folder."""

    def read(*arguments):
        with pytest.raises(InputError) as error:
            table(*arguments)
        return str(error.value).partition("points.csv")[2]

    return read


@pytest.mark.skipif(not FIELD.is_dir(), reason="the files of the field are not at hand")
def test_a_restart_file_of_the_field_is_known():
    over = space(
        {"batch_size": {"ordered": [16, 32, 64, 128, 256, 512]}, "epochs": {"int": [5, 50]}}
    )
    points, known = read_points(FIELD / "restart-combo.csv", over, [("val_loss", False)])
    assert points == []
    assert len(known) == 9
    assert known[0] == Told(2, {"batch_size": 128, "epochs": 16}, 33.0220463355)
    assert known[-1].values == {"batch_size": 64, "epochs": 23}


def test_rows_without_a_result_are_to_be_evaluated(table):
    points, known = table("y,x,n\n,0.5,1\n0.25,1,2\nNA,-1,3\nnan,0,4\n")
    assert points == [{"x": 0.5, "n": 1}, {"x": -1.0, "n": 3}]
    assert known[0] == Told(3, {"x": 1.0, "n": 2}, 0.25)
    assert math.isnan(known[1].loss)


def test_a_table_may_have_no_results_at_all(table):
    assert table("n,x\n1,0.5\n").points == [{"x": 0.5, "n": 1}]


@pytest.mark.parametrize(("more", "loss"), [(False, 3.0), (True, -3.0)])
def test_a_metric_has_its_own_direction(table, more, loss):
    assert table("x,n,acc\n1,2,3\n", VALLEY, [("acc", more)]).known[0].loss == loss
    assert table("x,n,loss\n1,2,3\n", VALLEY, [("acc", more)]).known[0].loss == 3.0


def test_of_several_metrics_all_count(table):
    objectives = [("a", False), ("b", True)]
    points, known = table("b,x,a,n\n1,0,2,3\n,0,2,4\n", VALLEY, objectives)
    assert known == [Told(2, {"x": 0.0, "n": 3}, 2.0, losses=(2.0, -1.0))]
    assert points == [{"x": 0.0, "n": 4}]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("a b", "a b"),
        ("2", 2),
        ("2.0", 2),
        ("0.1000000000000000055", 0.1),
        ("", None),
        ("null", None),
        ("TRUE", True),
        ("true", True),
        ('"[1, 2]"', [1, 2]),
        ("NA", "NA"),
    ],
)
def test_a_cell_is_one_of_the_values(table, cell, value):
    (point,) = table(f"rate,size,kind\n1,2,{cell}\n", SPACE).points
    assert point == {"rate": 1.0, "size": 2, "kind": value, "fixed": 7}
    assert type(point["kind"]) is type(value)


def test_numbers_are_written_as_r_does(table):
    (point,) = table("rate,size,kind,deep\n1e-04,1e+05,2,T\n", SPACE).points
    assert point == {"rate": 1e-4, "size": 100_000, "kind": 2, "deep": True, "fixed": 7}
    assert type(point["size"]) is int


def test_inactive_parameters_are_left_out(table):
    (point, other) = table("rate,size,kind,deep\n1,2,2,T\n1,3,2,\n", SPACE).points
    assert "deep" not in point
    assert "deep" not in other


def test_the_names_of_rows_that_r_writes_are_left_out(table):
    points, known = table('"","y","x","n"\n"1",0.5,1,2\n"2",NA,0,3\n')
    assert [one.values for one in known] == [{"x": 1.0, "n": 2}]
    assert points == [{"x": 0.0, "n": 3}]


def test_quotes_blank_lines_and_marks_of_other_systems(table):
    points, _ = table(b'\xef\xbb\xbfx , "n"\r\n\r\n 1 , 2 \r\n,\r\n')
    assert points == [{"x": 1.0, "n": 2}]


def test_a_parameter_may_be_called_y(table):
    (point,) = table("y\n3\n", space({"y": {"int": [1, 5]}})).points
    assert point == {"y": 3}


RESULTS = """\
point,name,status,attempts,rank,host,start,end,seconds,loss,acc,metric.n,x,param.n
0,RUN0,finished,1,1,h,,,,-0.5,0.5,7,1,2
1,RUN1,failed,2,1,h,,,,,,,0,3
2,RUN2,open,0,,,,,,,,,0,4
"""


def test_the_results_of_an_experiment_are_known(table):
    points, known = table(RESULTS, VALLEY, [("acc", True)])
    assert known[0] == Told(2, {"x": 1.0, "n": 2}, -0.5)
    assert known[1].loss is None
    assert known[1].values == {"x": 0.0, "n": 3}
    assert points == [{"x": 0.0, "n": 4}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: there is no column for the parameter 'x'"),
        ("x,n\n", ": there is no point in it; write one a line"),
        ("x,m,n\n", ":1 column 2: unknown parameter or metric 'm'"),
        ("x,nn\n", "Did you mean 'n'?"),
        ("x\n1\n", ":1: there is no column for the parameter 'n'"),
        ("x,n,x\n", ":1: the column 'x' is there twice"),
        ("x,n,y,loss,y\n", ":1: the column 'y' is there twice"),
        ("x,n\n1,2,3\n", ":2: 3 values for 2 columns"),
        ("x,n\n1,2\n\n1,two\n", ":4 n: 'two' is not a number"),
        ("x,n\n1,2.5\n", ":2 n: 2.5 is not a whole number"),
        ("x,n\n1,1e999\n", ":2 n: 1e999 is not a whole number"),
        ("x,n\n1,12\n", ":2: n: 12 is not in int lower 1, upper 9"),
        ("x,n\nnan,1\n", ":2: x: nan is not in float"),
        ("x,n\n1,\n", ":2: n has no value"),
        ("x,n,y\n1,2,low\n", ":2: 'low' is no result; give a number, or nothing"),
        ('x,n\n1,"2\n', ":2: not CSV: "),
        (b"x,n\n\xff,1\n", ": is not UTF-8 text: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(refused, text, message):
    assert message in refused(text)


def test_values_that_are_no_choice_are_told(refused):
    assert ":2 kind: 'b' is not one of ['a b', 2," in refused("rate,size,kind\n1,2,b\n", SPACE)
    assert ":2 fixed: '8' is not one of [7]" in refused("rate,size,kind,fixed\n1,2,2,8\n", SPACE)


def test_points_that_are_forbidden_are_told(refused):
    over = space({"x": {"int": [1, 9]}}, ["x > 5"])
    assert ":3: the point is forbidden" in refused("x\n1\n7\n", over)


def test_half_of_the_metrics_is_an_error(refused):
    objectives = [("a", False), ("b", True)]
    text = "there is no column for the metric 'b', but for others"
    assert text in refused("x,n,a\n1,2,3\n", VALLEY, objectives)
    assert "one result for 2 metrics" in refused("x,n,y\n1,2,3\n", VALLEY, objectives)


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_points(Path("no such.csv"), VALLEY)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("points") / "points.csv"


@settings(max_examples=30, deadline=None)  # the disk may be slow
@given(points=st.lists(st.tuples(*[st.floats(0, 1)] * 4).map(CONTRACT.decode), max_size=4))
def test_points_that_were_written_are_read_back(path, points):
    points = [point for point in points if point is not None]
    names = [name for name in CONTRACT.names if name != "epochs"]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        rows.writerows([point.get(name, "") for name in names] for point in points)
    assert not points or read_points(path, CONTRACT).points == points
