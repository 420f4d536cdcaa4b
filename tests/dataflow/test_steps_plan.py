"""What the commands say of steps, and how files with steps are read."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from supervisor.cli import execute
from supervisor.dataflow.document import read_document
from supervisor.dataflow.quick import read_quickly
from supervisor.dataflow.references import BadReference, compiled, parse
from tests.dataflow.pipelines import run, write

STEPS = """\
steps:
  split: {python: "work:one"}
  train:
    foreach: {fold: "${split}"}
    python: work:one
  grid:
    foreach: {a: [1, 2], b: {to: 9}}
    python: work:one
  last: {shell: "echo ${train} ${grid}", after: [split]}
"""
MODULE = "def one(): return [1, 2]\n"


def test_a_plan_shows_levels_and_how_often_each_step_runs(tmp_path, capsys):
    path = write(tmp_path, STEPS, MODULE)
    assert execute(["plan", str(path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "flow: 4 steps in 3 levels"
    assert said[2:5] == [
        "level 1",
        "  split  python work:one",
        "  grid   python work:one; 20 times: a of [1, 2], b of 0 to 9",
    ]
    assert said[6] == (
        "  train  python work:one; times that the run will know: fold of ${split}; needs split"
    )
    assert said[8] == "  last   shell echo ${train} ${grid}; needs train, grid; after split"


def test_a_graph_for_graphviz_has_all_steps_and_edges(tmp_path, capsys):
    path = write(tmp_path, STEPS, MODULE)
    assert execute(["plan", str(path), "--dot"]) == 0
    said = capsys.readouterr().out
    assert said.startswith('digraph "flow" {') and said.endswith("}\n")
    assert re.findall(r'"(\w+)" -> "(\w+)"( \[style=dashed\])?;', said) == [
        ("split", "train", ""),
        ("train", "last", ""),
        ("grid", "last", ""),
        ("split", "last", " [style=dashed]"),
    ]


def test_status_table_and_why_tell_of_steps(tmp_path, capsys, monkeypatch):
    text = STEPS.replace("grid:\n", "grid:\n    task: {run: inline}\n")
    write(tmp_path, text.replace("work:one\n  last", "work:bad\n  last"), MODULE + BAD)
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, "--quiet") == 1
    capsys.readouterr()
    assert execute(["status"]) == 0
    said = capsys.readouterr().out
    assert "ended with failures: 2" in said
    assert re.search(r"grid +19 finished, 1 failed, of 20\n", said)
    assert execute(["table", "--format", "json"]) == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert names[:3] == ["split", "train[0]", "train[1]"]
    assert execute(["why", "train[1]"]) == 0
    said = capsys.readouterr().out
    assert "train[1]: finished\n  foreach: fold 2\n  value: [1, 2]" in said
    assert execute(["why", "last"]) == 0
    assert "needs grid, which failed" in capsys.readouterr().out
    assert execute(["why", "trian"]) == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err


BAD = """
done = []
def bad():
    done.append(1)
    if len(done) == 5:
        raise ValueError("the fifth")
"""

SCALARS = [
    "no",
    "yes",
    "null",
    "~",
    "true",
    "True",
    "FALSE",
    "fAlse",
    "1",
    "-1",
    "+1",
    "017",
    "0o17",
    "0x1f",
    "1_000",
    "1.5",
    "1.",
    ".5",
    "1e3",
    "1.e3",
    "-2.5E+3",
    "1e",
    "12e",
    ".inf",
    "-.inf",
    ".nan",
    "inf",
    "nan",
    "2020-01-01",
    "1:30",
    "5x",
    "-x",
    "=",
    "''",
    "'1'",
    '"a"',
    "${a}",
    "a:b",
    "#x",
    "!!str&x",
]


@given(
    st.recursive(
        st.sampled_from(SCALARS),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("k"), inner),
        max_leaves=8,
    )
)
def test_a_long_file_is_read_as_a_short_one(value):
    text = f"a: {flow(value)}\nb:\n  - x\n  -   y: 1\n"
    try:
        wanted = YAML(typ="safe", pure=True).load(text)
    except Exception:
        wanted = None
    found = read_quickly(text)
    assert found is None or repr(found[0]) == repr(wanted)
    if found is not None:
        assert found[1]["b", 1, "y"] == 4


def flow(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    return value


def test_the_places_of_a_long_file_are_those_of_a_short_one(tmp_path, monkeypatch):
    path = write(tmp_path, STEPS)
    short = read_document(path)
    monkeypatch.setattr("supervisor.dataflow.document.LONG", 0)
    long = read_document(path)
    assert long.data == short.data
    for keys in (("name",), ("steps", "grid", "foreach", "a", 1), ("steps", "last", "after")):
        assert long.where(*keys) == short.where(*keys)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${a}", ["a"]),
        ("${ a }", ["a"]),
        ("${a.b[c] | join(d)}", ["a", "c", "d"]),
        ("${'}' ~ a}${b}", ["a", "b"]),
        ("${ {'x': {'y': a}} }", ["a"]),
        ("$${a} $b", []),
        ("${params.x}", []),
        ("${range(3) | map('string') | list}", []),
    ],
)
def test_the_names_in_a_text_are_found(text, names):
    found = [
        name for piece in compiled(text) if not isinstance(piece, str) for name in piece.names
    ]
    assert found == names


@pytest.mark.parametrize("source", ["", "a b", "a |", "a | nosuch", "a is nosuch", "(a"])
def test_what_is_no_expression_is_refused(source):
    with pytest.raises(BadReference):
        parse(source)
