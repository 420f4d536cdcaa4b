"""Names of arguments in workflow files, compared with the functions that they are for."""

import ast

import pytest

from supervisor.cli import execute
from supervisor.dataflow.parameters import parameters
from tests.dataflow.pipelines import run, values, write

MODULE = """
raise SystemExit("nobody may import this to check it")

def train(fold, rate, *, depth=3):
    return fold
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "with: {fodl: 1, rate: 2}",
            "workflow.yaml:6 steps.a.with.fodl: unknown parameter of train in work.py 'fodl'. "
            "Did you mean 'fold'? Known: depth, fold, rate",
        ),
        (
            "with: {fold: '${params.x}'}",
            "workflow.yaml:6 steps.a.with: the argument 'rate' of train in work.py is missing",
        ),
        ("after: []", "workflow.yaml:4 steps.a.with: the argument 'fold' of train in work.py"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_wrong_name_is_found_before_anything_starts(command, given, told, tmp_path, capsys):
    steps = f"params: {{x: 1}}\nsteps:\n  a:\n    python: work:train\n    {given}\n"
    path = write(tmp_path, steps, MODULE)
    assert execute([command, str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"supervisor: {told}")
    assert not (tmp_path / "experiments").exists()


def test_each_step_of_a_function_is_checked(tmp_path, capsys):
    steps = "  a: {python: 'work:train', with: {fold: 1, rate: 2, depth: 3}}\n"
    steps += "  b: {python: 'work:train', with: {fold: 1, rate: 2, width: 3}}\n"
    path = write(tmp_path, f"steps:\n{steps}", MODULE)
    assert execute(["plan", str(path)]) == 2
    assert "workflow.yaml:4 steps.b.with.width: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "required", "named"),
    [
        ("def f(a, b=1, *c, d, e=2): pass", "ad", "abde"),
        ("def f(): pass", "", ""),
        ("from supervisor import app\n@app\ndef f(a): pass", "a", "a"),
        ("from supervisor import app as x\n@x(run='process')\ndef f(a): pass", "a", "a"),
        ("import supervisor\n@supervisor.shell(attempts=2)\ndef f(a): pass", "a", "a"),
    ],
)
def test_parameters_are_read_from_the_source(source, required, named):
    found = parameters(ast.parse(source), "f", "x.py")
    assert found is not None
    assert ("".join(found.required), "".join(found.named)) == (required, named)
    assert not found.others


@pytest.mark.parametrize(
    "source",
    [
        "def g(a): pass",
        "f = print",
        "class f: pass",
        "from functools import cache\n@cache\ndef f(a): pass",
        "def app(x): return x\n@app\ndef f(a): pass",
        "if True:\n    def f(a): pass",
        "def f(a): pass\ndef g():\n    global f\n    f = print",
    ],
)
def test_what_only_running_the_module_could_tell_is_left_to_the_run(source):
    assert parameters(ast.parse(source), "f", "x.py") is None


@pytest.mark.parametrize(
    "change",
    ["train = print", "def train(**others): return others['b']", "from json import *"],
)
def test_a_function_that_is_defined_twice_is_not_judged_by_its_source(change, tmp_path):
    path = write(
        tmp_path,
        "steps:\n  a: {python: 'work:train', with: {b: 1}}\n",
        f"def train(a): pass\n{change}\n",
    )
    assert execute(["plan", str(path)]) == 0


def test_other_names_are_taken_by_a_function_that_takes_any(tmp_path):
    write(
        tmp_path,
        "steps:\n  a: {python: 'taker:take', with: {b: 1, 'c${1 + 1}': 2}}\n"
        "  d: {python: 'taker:take', with: {b: 3}}\n",
        "def take(b, **others): return [b, others]\n",
        name="taker",
    )
    assert run(tmp_path) == 0
    assert values(tmp_path) == {"a": [1, {"c2": 2}], "d": [3, {}]}


def test_a_parameter_by_position_cannot_be_given(tmp_path, capsys):
    path = write(tmp_path, "steps:\n  a: {python: 'work:f'}\n", "def f(a, /, b=1): pass\n")
    assert execute(["plan", str(path)]) == 2
    assert "f in work.py takes 'a' by position only, and not by name" in capsys.readouterr().err
