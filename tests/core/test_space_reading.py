"""Reading a space: what is accepted, and what is refused with which words."""

import pytest

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.parameter import Constant, Int
from tests.core.spaces import DIGITS, parse


def test_the_space_of_the_manual_is_read():
    space = parse(DIGITS, ["hidden > 128 and batch_size < 32"])
    assert space.names == list(DIGITS)
    assert space.dims == list(DIGITS)[:-1]
    assert space.parameters["hidden"] == Int(16, 256, log=True)
    assert space.parameters["epochs"] == Constant(20)
    assert space.parameters["nesterov"].when.names == {"activation"}


@pytest.mark.parametrize("value", [20, 0.5, "adam", True, None, [1000, 500], {"constant": 3}])
def test_anything_without_a_type_is_a_constant(value):
    space = parse({"x": value})
    assert space.dims == []
    assert space.decode([]) == {"x": 3 if isinstance(value, dict) else value}


def test_names_may_be_keywords_and_bounds_may_be_equal():
    space = parse({"lambda": {"float": [0.5, 0.5]}, "n": {"int": [3, 3.0]}}, ["lambda > 1"])
    assert space.dims == []
    assert space.decode([]) == {"lambda": 0.5, "n": 3}


@pytest.mark.parametrize(
    ("definition", "key", "message"),
    [
        ({"flaot": [0, 1]}, "x.flaot", "unknown parameter type 'flaot'. Did you mean 'float'?"),
        ({"flaot": [0, 1], "log": True}, "x.flaot", "Did you mean 'float'?"),
        ({"float": [0, 1], "int": [0, 1]}, "x.int", "two types at once: float and int"),
        ({"float": [0, 1], "lag": True}, "x.lag", "unknown key 'lag'. Did you mean 'log'?"),
        ({"choice": [0, 1], "log": True}, "x.log", "unknown key 'log'"),
        ({}, "x:", "no type"),
        ({"log": True}, "x:", "no type"),
        ({"float": ["0", 1]}, "x.float", "'0' is text"),
        ({"float": ["1e-4", 1]}, "x.float", "1.0e-4"),
        ({"float": ["low", 1]}, "x.float", "'low' is text"),
        ({"float": [False, 1]}, "x.float", "False is not a number"),
        ({"float": [None, 1]}, "x.float", "None is not a number"),
        ({"float": 3}, "x.float", "not a pair"),
        ({"float": {"a": 1}}, "x.float", "not a pair"),
        ({"float": [1]}, "x.float", "1 bounds"),
        ({"float": [1, 2, 3]}, "x.float", "3 bounds"),
        ({"float": [2, 1]}, "x.float", "lower bound 2.0 is above"),
        ({"int": [2, 1]}, "x.int", "lower bound 2 is above"),
        ({"float": [0, float("inf")]}, "x.float", "finite"),
        ({"float": [float("nan"), 1]}, "x.float", "finite"),
        ({"int": [0, float("inf")]}, "x.int", "whole"),
        ({"float": [0, 10**400]}, "x.float", "too large"),
        ({"float": [0, 1], "log": True}, "x.float", "above 0"),
        ({"int": [0, 8], "log": True}, "x.int", "above 0"),
        ({"float": [1, 2], "log": "yes"}, "x.log", "neither true nor false"),
        ({"int": [0.5, 8]}, "x.int", "0.5 is not a whole number"),
        ({"int": [0, 2**62]}, "x.int", "integers"),
        ({"int": [2**70, 2**70]}, "x.int", "64 bits"),
        ({"int": [0, 8], "steps": 0}, "x.steps", "above 0"),
        ({"int": [0, 8], "steps": True}, "x.steps", "above 0"),
        ({"int": [0, 8], "steps": 1.5}, "x.steps", "above 0"),
        ({"choice": []}, "x.choice", "no value"),
        ({"choice": "relu"}, "x.choice", "not a list"),
        ({"choice": ["a", "b", "a"]}, "x.choice", "'a' is there twice"),
        ({"choice": [[1], [1]]}, "x.choice", "[1] is there twice"),
        ({"ordered": [1, 1.0]}, "x.ordered", "1.0 is there twice"),
        ({"bool": [1, 0]}, "x.bool", "1 is neither"),
        ({"bool": True}, "x.bool", "not a list"),
        ({"choice": [object]}, "x.choice", "is a type"),
        ({"constant": {1: 2}}, "x.constant", "the key 1 is not text"),
        (2**70, "x:", "64 bits"),
        ({"int": [0, 1], "when": "y >"}, "x.when", "invalid syntax"),
        ({"int": [0, 1], "when": True}, "x.when", "not text"),
        ({"int": [0, 1], "when": "other == 1"}, "x.when", "Did you mean 'others'?"),
        ({"int": [0, 1], "when": "x == 1"}, "x.when", "x -> x"),
        ({"int": [0, 1], "when": "others > 'a'"}, "x.when", "not supported"),
    ],
)
def test_a_wrong_definition_is_located_and_explained(definition, key, message):
    with pytest.raises(InputError) as caught:
        parse({"others": 1, "x": definition})
    assert str(caught.value).startswith(f"workflow.yaml:7 space.{key}")
    assert message in str(caught.value)


def test_unknown_names_are_unknown_names():
    with pytest.raises(UnknownName):
        parse({"x": {"flaot": [0, 1]}})
    with pytest.raises(UnknownName):
        parse({"hidden": 1}, ["hiden > 1"])


def test_a_cycle_of_conditions_is_named():
    space = {
        "a": {"int": [0, 1], "when": "c > 0"},
        "b": {"int": [0, 1], "when": "a > 0"},
        "c": {"int": [0, 1], "when": "b > 0"},
    }
    with pytest.raises(InputError, match=r"(a -> b -> c|b -> c -> a|c -> a -> b)"):
        parse(space)


@pytest.mark.parametrize(
    ("forbid", "message"),
    [
        (["x >"], "forbid.0: 'x >': invalid syntax"),
        (["x > 1", "activation > 3"], "forbid.1: cannot evaluate 'activation > 3' with"),
        (["1 / x > 2"], "division by zero"),
        ([3], "forbid.0: 3 is not text"),
        ("x > 1", "forbid: 'x > 1' is not a list"),
    ],
)
def test_a_wrong_clause_is_located_and_explained(forbid, message):
    with pytest.raises(InputError) as caught:
        parse({"x": {"int": [0, 3]}, "activation": {"choice": ["relu"]}}, forbid)
    assert message in str(caught.value)


def test_a_clause_is_not_tried_where_it_does_not_apply():
    space = {
        "kind": {"choice": ["fixed", "scaled"]},
        "scale": {"choice": ["none", 1, 2]},
        "ratio": {"int": [1, 2], "when": "kind == 'scaled' and scale != 'none'"},
    }
    parse(space, ["ratio == 1 and scale / ratio > 3"])
    parse({"x": {"int": [0, 3]}}, ["x != 0 and 1 / x > 2"])


@pytest.mark.parametrize("space", [None, [1], "x"])
def test_a_space_is_a_mapping(space):
    with pytest.raises(InputError, match="not a mapping"):
        parse(space)


@pytest.mark.parametrize("name", [1, True, None, ""])
def test_a_name_is_text(name):
    with pytest.raises(InputError, match="not text"):
        parse({name: 3})
