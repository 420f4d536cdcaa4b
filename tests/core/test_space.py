"""A space: points to the unit cube and back, conditions and forbidden points."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.spaces import DIGITS, parse, unit


@given(st.lists(unit, min_size=5, max_size=5))
def test_a_point_comes_back_from_the_unit_cube(coordinates):
    space = parse(DIGITS, ["hidden > 128 and batch_size < 32"])
    values = space.decode(coordinates)
    if values is None:
        return
    assert space.problem(values) == ""
    assert list(values) == [name for name in DIGITS if name in values]
    assert ("nesterov" in values) == (values["activation"] == "relu")
    again = space.decode(space.encode(values))
    assert again == {**values, "learning_rate": pytest.approx(values["learning_rate"])}


def test_forbidden_points_are_none():
    space = parse({"x": {"int": [0, 1]}, "y": {"int": [0, 1]}}, ["x == 1 and y == 1"])
    assert space.decode([0.9, 0.9]) is None
    assert space.decode([0.9, 0.1]) == {"x": 1, "y": 0}
    assert space.forbidden({"x": 1, "y": 1})


CHAIN = {
    "third": {"int": [0, 9], "when": "second > 0"},
    "second": {"int": [0, 9], "when": "first"},
    "first": {"bool": [True, False]},
}


def test_a_condition_on_an_inactive_parameter_does_not_hold():
    space = parse(CHAIN)
    assert space.active({"first": False, "second": 5, "third": 5}) == {"first": False}
    assert list(space.active({"first": True, "second": 5, "third": 5})) == list(CHAIN)
    negated = parse({**CHAIN, "third": {"int": [0, 9], "when": "not second > 0"}})
    assert negated.active({"first": False, "second": 5, "third": 5}) == {"first": False}


def test_a_clause_on_an_inactive_parameter_does_not_apply():
    space = parse(CHAIN, ["second > 0 or first == false"])
    assert not space.forbidden({"first": False})
    assert space.forbidden({"first": True, "second": 1})


def test_inactive_coordinates_are_in_the_middle():
    assert parse(CHAIN).encode({"first": False}) == [0.5, 0.5, 0.75]


def test_a_constant_may_have_a_condition():
    space = parse({"a": {"bool": [True, False]}, "b": {"constant": 3, "when": "a"}})
    assert space.decode([0.1]) == {"a": True, "b": 3}
    assert space.decode([0.9]) == {"a": False}


def test_a_point_is_completed_with_constants():
    space = parse(DIGITS)
    point = {"activation": "tanh", "nesterov": True, "hidden": 16, "typo": 1}
    expected = {"hidden": 16, "activation": "tanh", "epochs": 20, "typo": 1}
    assert space.complete(point) == expected
    assert list(space.complete(point)) == list(expected)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"hidden": 1000}, "hidden: 1000 is not in int lower 16, upper 256, log True"),
        ({"typo": 1}, "'typo' is not a parameter"),
        ({"activation": "tanh"}, "nesterov should have no value: inactive"),
        ({"batch_size": 16, "hidden": 200}, "the point is forbidden"),
    ],
)
def test_a_problem_of_a_point_is_told(change, problem):
    space = parse(DIGITS, ["hidden > 128 and batch_size < 32"])
    point = dict(zip(DIGITS, [16, 0.01, "relu", 64, True, 20], strict=True))
    assert space.problem(point | change) == problem


def test_a_missing_value_is_a_problem():
    assert parse({"x": {"int": [0, 1]}}).problem({}) == "x has no value"


def test_the_description_is_json_and_complete():
    described = json.loads(json.dumps(parse(DIGITS, ["hidden > 200"]).describe()))
    assert described["forbid"] == ["hidden > 200"]
    assert described["parameters"]["hidden"] == {
        "type": "int",
        "lower": 16,
        "upper": 256,
        "log": True,
    }
    assert described["parameters"]["nesterov"] == {
        "type": "bool",
        "values": [True, False],
        "when": "activation == 'relu'",
    }
    assert described["parameters"]["epochs"] == {"type": "constant", "value": 20}


def test_a_space_can_be_sent_to_another_process():
    space = pickle.loads(pickle.dumps(parse(DIGITS, ["hidden > 200"])))
    assert space.decode([0.0] * 5) == parse(DIGITS, ["hidden > 200"]).decode([0.0] * 5)
    assert space.place("hidden") == "workflow.yaml:7 space.hidden"
