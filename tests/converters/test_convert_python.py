"""Spaces in Python source, which is never run."""

import pytest

PROBLEM = """
import os
from collections import OrderedDict

os._exit(1)                       # would end a process that runs this

class Problem:
    def __init__(self):
        space = OrderedDict()
        space["drop"] = (0, 0.9)
        # space['p3'] = [2, 4]
        space["batch_size"] = [16, 32, 64, 128]  # , 256, 512]
        space['units'] = (2 ** 3, 1000)
        space["rate"] = (1e-4, 10 ** -1, "log-uniform")
        space["model"] = "ae"
        self.space = space
        self.params = self.space.keys()
        self.starting_point = [0.1, 16]
"""


def test_a_problem_of_asynchronous_search_is_read(convert):
    conversion = convert(PROBLEM, "problem.py")
    assert conversion.space == {
        "drop": {"float": [0, 0.9]},
        "batch_size": {"ordered": [16, 32, 64, 128]},
        "units": {"float": [8.0, 1000]},
        "rate": {"float": [1e-4, 0.1], "log": True},
        "model": "ae",
    }
    assert "problem.py:18: the starting point is left out" in conversion.warnings[0]
    assert conversion.optimizer["kind"] == "bayes"


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ('space = {"x": (1, 10)}', {"int": [1, 10]}),
        ("space = dict(x=(1, 10))", {"int": [1, 10]}),
        ('my_space: dict = {"x": (-1, 1.0)}', {"float": [-1, 1.0]}),
        ('self.space = dict({"x": [1, 2]})', {"ordered": [1, 2]}),
        ('space = OrderedDict([("x", ["a", "b"])])', {"choice": ["a", "b"]}),
        ('space = {"x": ("a", "b", "c")}', {"choice": ["a", "b", "c"]}),
        ('space = {"x": [(1, 2), (3,)]}', {"choice": [[1, 2], [3]]}),
        ('space = {"x": [True, False]}', {"bool": [True, False]}),
        ('space = {"x": None, "y": 1}', None),
        ('y = "\\d"; space = {"x": 3}', 3),
        ('space = [Integer(1, 10, name="x")]', {"int": [1, 10]}),
        ('d = [space.Real(1e-4, 1, "log-uniform", name="x")]', {"float": [1e-4, 1], "log": True}),
        ('s = [skopt.space.Real(low=0, high=1, name="x")]', {"float": [0, 1]}),
        ('s = [Categorical(["a", "b"], name="x")]', {"choice": ["a", "b"]}),
        ('p.add_hyperparameter((1, 10), "x")', {"int": [1, 10]}),
        ('p.add_hyperparameter(value=["a", "b"], name="x")', {"choice": ["a", "b"]}),
        ('p.add_dim("x", (0.0, 1))', {"float": [0.0, 1]}),
        ('s = {"x": hp.uniform("x", 0, 1)}', {"float": [0, 1]}),
        (
            'space = {"x": hp.loguniform("x", np.log(1e-4), math.log(1))}',
            {"float": [1e-4, 1], "log": True},
        ),
        ('hp.quniform("x", 0, 1, 0.25)', {"ordered": [0, 0.25, 0.5, 0.75, 1]}),
        ('hp.uniformint("x", 1, 9)', {"int": [1, 9]}),
        ('hp.randint("x", 5)', {"int": [0, 4]}),
        ('hp.randint("x", 2, 5)', {"int": [2, 4]}),
        ('hp.choice("x", ["a", "b"])', {"choice": ["a", "b"]}),
        ('trial.suggest_float("x", 1e-4, 1, log=True)', {"float": [1e-4, 1], "log": True}),
        ('trial.suggest_float("x", 0, 0.3, step=0.1)', {"ordered": [0, 0.1, 0.2, 0.3]}),
        ('trial.suggest_int("x", low=1, high=9)', {"int": [1, 9]}),
        ('trial.suggest_int("x", 1, 9, step=4)', {"ordered": [1, 5, 9]}),
        ('trial.suggest_categorical("x", ["a", "b"])', {"choice": ["a", "b"]}),
    ],
)
def test_each_way_to_declare_is_read(convert, text, definition):
    assert convert(f"def run(trial):\n    {text}\n", "a.py").space["x"] == definition


def test_parameters_come_in_the_order_of_the_text(convert):
    text = 'def f(t):\n  a = t.suggest_int("b", 1, 2)\n  if a:\n    t.suggest_int("a", 1, 2)\n'
    assert list(convert(text, "a.py").space) == ["b", "a"]


def test_other_calls_of_the_same_names_mean_nothing(convert):
    text = 'random.uniform(0, 1)\nnp.random.choice([1])\nspace = {"x": (1, 2)}'
    assert list(convert(text, "a.py").space) == ["x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "space = {'x': (1, n)}",
            "a.py:1: '(1, n)' is not a value that can be read without running",
        ),
        ("space = {\n'x': f()}", "a.py:2: 'f()' is not a value"),
        ("space = {'x': 1 / 0}", "a.py:1: '1 / 0' is not a value"),
        ("space = {3: (1, 2)}", "a.py:1: the name 3 is not text"),
        ("space = {'x': (2, 1)}", "a.py:1 x: the lower bound 2 is above"),
        ("space = {'x': ()}", "a.py:1 x: there is no value to choose from"),
        (
            "space = {'x': (1, 2)}\nspace['x'] = 3",
            "a.py:2: 'x' is declared twice, first in line 1",
        ),
        ("Integer(1, 10)", "a.py:1: Integer lacks its argument 'name'"),
        ("Integer(1, 'b', name='x')", "a.py:1: the bound 'b' is not a finite number"),
        ("hp.quniform('x', 0, 1, 0)", "a.py:1: x: from 0 to 1 by 0 is no list of values"),
        ("space = [(1, 2), (3, 4)]", "no parameter found in it, read as Python source"),
        ("hp.quniform('x', 0, 1, 'b')", "a.py:1: the bound 'b' is not a finite number"),
        ("hp.randint('x', 'b')", "a.py:1: the bound 'b' is not a finite number"),
        ("hp.normal('x', 0, 1)", "a.py:1: normal is not read here; write this parameter by hand"),
        ("trial.suggest_uniform('x', 0, 1)", "a.py:1: suggest_uniform is not read here"),
        ("trial.suggest_int('x', 0, 9, step='b')", "a.py:1: x: from 0 to 9 by b is no list"),
        ("Categorical(3, name='x')", "a.py:1: 3 is not a list of values"),
        ("Integer(1, 10 ** 400, name='x')", "a.py:1: '10 ** 400' is not a value"),
        ("Integer(1, " + "9" * 400 + ", name='x')", "is not a finite number"),
        ("space = " + "+".join(["1"] * 3000), "a.py"),
        ("def f(:", "a.py:1: not Python: "),
        ("(" * 5000, "a.py:1: not Python: "),
        ("x = 1\n\0", "not Python: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(refused, text, message):
    assert message in refused(text, "a.py")
