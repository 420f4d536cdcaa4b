"""Parameters and the space that they span."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.parameter import Bool, Choice, Constant, Float, Int, Ordered
from supervisor.core.space import Space

unit = st.floats(0, 1)


def where(*path):
    return "workflow.yaml:7 " + ".".join(map(str, path))


def parse(space, forbid=()):
    return Space.parse(space, where, forbid)


DIGITS = {
    "hidden": {"int": [16, 256], "log": True},
    "learning_rate": {"float": [1.0e-4, 1.0e-1], "log": True},
    "activation": {"choice": ["relu", "tanh", "logistic"]},
    "batch_size": {"ordered": [16, 32, 64, 128]},
    "nesterov": {"bool": [True, False], "when": "activation == 'relu'"},
    "epochs": 20,
}


# --- parameters ----------------------------------------------------------------------------


@st.composite
def floats(draw):
    log = draw(st.booleans())
    smallest = 1e-12 if log else -1e12
    lower, upper = sorted(draw(st.tuples(*[st.floats(smallest, 1e12)] * 2)))
    return Float(lower, upper, log=log)


@st.composite
def ints(draw):
    log = draw(st.booleans())
    lower = draw(st.integers(1 if log else -(2**62), 2**39))
    return Int(lower, lower + draw(st.integers(0, 2**38)), log=log)


scalars = st.integers(-9, 9) | st.text(max_size=3) | st.floats(allow_nan=True) | st.none()
plain = st.lists(scalars | st.lists(scalars, max_size=2), min_size=1, max_size=6, unique_by=repr)


@st.composite
def discretes(draw):
    values = []
    for value in draw(plain):
        if value not in values:
            values.append(value)
    return draw(st.sampled_from([Choice, Ordered]))(tuple(values))


@given(floats(), unit)
def test_a_float_comes_back_from_the_unit_interval(parameter, u):
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    again = parameter.from_unit(parameter.to_unit(value))
    tolerance = abs(value) if parameter.log else parameter.upper - parameter.lower
    assert again == pytest.approx(value, rel=0, abs=1e-9 * tolerance)


@given(floats())
def test_the_bounds_of_a_float_are_reached(parameter):
    assert parameter.from_unit(0) == pytest.approx(parameter.lower)
    assert parameter.from_unit(1) == parameter.upper


def test_the_widest_floats_do_not_overflow():
    parameter = Float(-1.7e308, 1.7e308)
    assert [parameter.from_unit(u) for u in (0, 0.5, 1)] == [-1.7e308, 0, 1.7e308]
    assert [parameter.to_unit(value) for value in (-1.7e308, 0, 1.7e308)] == [0, 0.5, 1]


@given(ints(), unit)
def test_an_int_comes_back_from_the_unit_interval(parameter, u):
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    for legal in (value, parameter.lower, parameter.upper):
        assert parameter.from_unit(parameter.to_unit(legal)) == legal


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("lower", "upper"), [(1, 1), (1, 2), (3, 300)])
def test_every_integer_is_reached(log, lower, upper):
    parameter = Int(lower, upper, log=log)
    reached = {parameter.from_unit(index / 50_000) for index in range(50_001)}
    assert reached == set(range(lower, upper + 1))


@given(discretes(), unit)
def test_a_choice_comes_back_from_the_unit_interval(parameter, u):
    for value in [*parameter.values, parameter.from_unit(u)]:
        assert parameter.contains(value)
        assert repr(parameter.from_unit(parameter.to_unit(value))) == repr(value)


@given(floats() | ints(), unit, unit)
def test_numbers_are_monotone(parameter, u, v):
    low, high = sorted([u, v])
    assert parameter.from_unit(low) <= parameter.from_unit(high)


@given(unit, unit)
def test_ordered_values_are_monotone(u, v):
    values = (64, 16, "many")
    parameter = Ordered(values)
    low, high = sorted([u, v])
    assert values.index(parameter.from_unit(low)) <= values.index(parameter.from_unit(high))


def test_the_shares_of_discrete_values_are_equal():
    for parameter in (Int(1, 4), Ordered((1, 2, 3, 4)), Choice((1, 2, 3, 4))):
        drawn = [parameter.from_unit(index / 400) for index in range(400)]
        assert [drawn.count(value) for value in (1, 2, 3, 4)] == [100] * 4


def test_coordinates_outside_of_the_interval_are_clamped_and_nan_is_refused():
    assert Float(0, 1).from_unit(1.5) == 1
    assert Int(0, 9).from_unit(-3) == 0
    with pytest.raises(ValueError, match="not a number"):
        Float(0, 1).from_unit(float("nan"))


def test_types_count():
    assert not Int(0, 9).contains(True)
    assert not Int(0, 9).contains(3.0)
    assert not Float(0, 9).contains("3")
    assert Float(0, 9).contains(3)
    assert not Bool((True, False)).contains(1)
    assert Choice((0, False, "0")).to_unit(False) == 0.5
    assert Constant([1]).contains([1])


def test_a_value_that_is_not_a_choice_has_no_coordinate():
    with pytest.raises(ValueError, match="'elu' is not one of"):
        Choice(("relu",)).to_unit("elu")


def test_a_list_that_was_handed_out_can_be_changed():
    parameter = Choice(([1000, 500],))
    parameter.from_unit(0.5).append(1)
    assert parameter.from_unit(0.5) == [1000, 500]


@pytest.mark.parametrize(
    ("parameter", "steps", "expected"),
    [
        (Float(0, 1), 11, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (Float(1e-4, 1e-1, log=True), 4, [1e-4, 1e-3, 1e-2, 1e-1]),
        (Float(0, 1, steps=2), 5, [0, 1]),
        (Float(0, 1), 1, [0.5]),
        (Float(2, 2), 3, [2]),
        (Int(1, 4), None, [1, 2, 3, 4]),
        (Int(1, 4), 9, [1, 2, 3, 4]),
        (Int(0, 100), 3, [0, 50, 100]),
        (Int(1, 1000, log=True), 4, [1, 10, 100, 1000]),
        (Int(1, 4, log=True, steps=3), None, [1, 2, 4]),
        (Ordered((4, 1)), 1, [4, 1]),
        (Choice(("a", [1])), None, ["a", [1]]),
        (Bool((True, False)), None, [True, False]),
        (Constant(3), 7, [3]),
    ],
)
def test_a_grid_has_the_values_that_one_expects(parameter, steps, expected):
    assert list(parameter.grid(steps)) == expected


def test_a_float_without_steps_has_no_grid():
    with pytest.raises(ValueError, match="needs steps"):
        Float(0, 1).grid()


# --- reading -------------------------------------------------------------------------------


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


# --- points --------------------------------------------------------------------------------


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
