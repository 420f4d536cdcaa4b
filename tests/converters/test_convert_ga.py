"""Parameter spaces of CANDLE's GA and PBT."""

import json

import pytest


def one(**keys):
    return json.dumps([{"name": "x", **keys}], indent=2)


@pytest.mark.parametrize(
    ("entry", "definition"),
    [
        ({"type": "constant", "value": 5}, 5),
        ({"type": "constant", "value": "0 0 0"}, "0 0 0"),
        ({"type": "constant", "value": [1, 2]}, [1, 2]),
        ({"type": "constant", "value": {"a": 1}}, {"constant": {"a": 1}}),
        ({"type": "int", "lower": 1, "upper": 8}, {"int": [1, 8]}),
        ({"type": "float", "lower": 0, "upper": 0.9}, {"float": [0, 0.9]}),
        ({"type": "float", "lower": "1e-4", "upper": "1"}, {"float": [1e-4, 1]}),
        (
            {"type": "float", "lower": 1e-4, "upper": 1, "use_log_scale": True},
            {"float": [1e-4, 1], "log": True},
        ),
        (
            {"type": "int", "lower": 1, "upper": 8, "use_log_scale": "false"},
            {"int": [1, 8]},
        ),
        ({"type": "logical"}, {"bool": [True, False]}),
        ({"type": "categorical", "values": ["a", "b"]}, {"choice": ["a", "b"]}),
        (
            {"type": "categorical", "values": ["1", 2.0], "element_type": "int"},
            {"choice": [1, 2]},
        ),
        (
            {"type": "categorical", "values": [1, 2], "element_type": "string"},
            {"choice": ["1", "2"]},
        ),
        (
            {"type": "categorical", "values": ["True", 0], "element_type": "logical"},
            {"choice": [True, False]},
        ),
        (
            {"type": "ordered", "values": [16, "32"], "element_type": "float"},
            {"ordered": [16.0, 32.0]},
        ),
        ({"type": "ordered", "values": [16]}, 16),
    ],
)
def test_each_type_has_its_definition(convert, entry, definition):
    conversion = convert(one(**entry))
    assert conversion.space == {"x": definition}
    assert repr(conversion.space["x"]) == repr(definition)  # 16.0 is not 16
    assert conversion.optimizer["kind"] == "genetic"
    assert conversion.warnings == []


def test_sigmas_are_settings_of_the_search(convert):
    conversion = convert(
        json.dumps(
            [
                {"name": "a", "type": "float", "lower": 0, "upper": 1, "sigma": "0.000495"},
                {"name": "b", "type": "ordered", "values": [1, 2], "sigma": 1},
                {"name": "c", "type": "int", "lower": 0, "upper": 9},
            ]
        )
    )
    assert conversion.optimizer["sigma"] == {"a": 0.000495, "b": 1}


def test_equal_bounds_are_a_constant_with_a_warning(convert):
    conversion = convert(one(type="int", lower=200, upper=200, sigma=1))
    assert conversion.space == {"x": 200}
    assert "sigma" not in conversion.optimizer
    (warning,) = conversion.warnings
    assert "input.txt:2: x: both bounds are 200; it is a constant now" in warning


def test_comments_are_kept_and_unknown_keys_are_told(convert):
    conversion = convert(one(type="logical", comment="by hand", def_values=[1]))
    assert conversion.notes["x"] == "by hand"
    (warning,) = conversion.warnings
    assert ":6: x: 'def_values' means nothing for type 'logical'" in warning


def test_a_misspelt_key_is_told_with_the_right_one(convert):
    (warning,) = convert(one(type="int", lower=1, upper=2, sgima=3)).warnings
    assert "Did you mean 'sigma'?" in warning


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "x"}', "input.txt:1: is not a list of parameters"),
        ("[\n 3]", "input.txt:2: 3 is not a parameter"),
        ("[\n{}]", "input.txt:2: the parameter has no 'name'; its keys are: none"),
        (one(lower=1), "input.txt:2: the parameter has no 'type'; its keys are: name, lower"),
        (one(type="flaot"), "input.txt:4 x.type: unknown type of parameter 'flaot'. Did you mean"),
        (one(type=["int"]), "input.txt:4 x.type: unknown type of parameter \"['int']\""),
        (one(type="int", lower=1), "input.txt:2: the parameter has no 'upper'"),
        (one(type="int", lower="a", upper=2), "input.txt:5 x.lower: 'a' is not a number"),
        (one(type="int", lower=True, upper=2), "input.txt:5 x.lower: True is not a number"),
        (one(type="int", lower=5, upper=2), "input.txt:2 x: the lower bound 5 is above"),
        (one(type="int", lower=0.5, upper=2), "input.txt:2 x: the bound 0.5 is not a whole"),
        (one(type="float", lower=0, upper=1, use_log_scale=True), "log needs a lower bound above"),
        (one(type="float", lower=0, upper=1, use_log_scale="so"), "'so' is neither true nor"),
        (one(type="float", lower=0, upper=1, sigma=0), "x.sigma: 0 is wrong here"),
        (one(type="ordered", values=[]), "x.values: [] is not a list of values"),
        (one(type="ordered", values=3), "x.values: 3 is not a list of values"),
        (one(type="categorical", values=["a", "a"]), "input.txt:2 x: 'a' is there twice"),
        (
            one(type="categorical", values=[1, "b"], element_type="int"),
            "input.txt:7: x: 'b' is not of the element type 'int'",
        ),
        (
            one(type="categorical", values=[1], element_type="text"),
            "x.element_type: unknown element type 'text'",
        ),
        (
            '[{"name": "x", "type": "logical"},\n{"name": "x", "type": "logical"}]',
            "input.txt:2: 'x' is declared twice, first in line 1",
        ),
        (one(name="", type="logical"), "the name '' is not text"),
        ('[{"name": "x",\n "name": "y"}]', "input.txt:2: not JSON: the key 'name' is there twice"),
        ("[]", "no parameter found in it"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(refused, text, message):
    assert message in refused(text, kind="ga")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1,}]', ":1: not JSON: a key in double quotes is missing, at column 10"),
        ('[{"a": 1}\n{"b": 2}]', ":2: not JSON: a ',' or a ']' is missing, at column 1"),
        ('[{"a" 1}]', ":1: not JSON: a ':' is missing, at column 7"),
        ('[{"a": 01}]', ":1: not JSON: a ',' or a '}' is missing, at column 9"),
        ('[{"a": x}]', ":1: not JSON: expecting value, at column 8"),
        ('[\n\n{"a": "x}]', ":3: not JSON: unterminated string starting at, at column 7"),
        ("[{", ":1: not JSON: a key in double quotes is missing, at column 3"),
        ("[{}] tail", ":1: not JSON: text after the end of the JSON value, at column 6"),
        ("[" * 100_000, "is nested too deeply"),
        ('[{"a": ' + "9" * 5000 + "}]", ":1: not JSON: "),
    ],
)
def test_text_that_is_not_json_is_told_with_line_and_column(refused, text, message):
    assert message in refused(text, kind="ga")
