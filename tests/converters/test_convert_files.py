"""Sweeps, model files, definitions, and how the kind of a file is told."""

import json

import pytest

# --- sweeps --------------------------------------------------------------------------------


def test_a_grid_has_the_lists_as_values(convert):
    settings = {
        "a": [4, 6, 8],
        "b": [0.1],
        "c": ["relu", "tanh"],
        "d": [True, False],
        "e": [2, 1, 3],
    }
    conversion = convert(json.dumps({"parameters": settings}))
    assert conversion.space == {
        "a": {"ordered": [4, 6, 8]},
        "b": 0.1,
        "c": {"choice": ["relu", "tanh"]},
        "d": {"bool": [True, False]},
        "e": {"choice": [2, 1, 3]},
    }
    assert conversion.optimizer == {"kind": "grid"}


@pytest.mark.parametrize("number", [[120], 120])
def test_a_random_sweep_has_the_lists_as_bounds(convert, number):
    settings = {"a": [4, 8], "b": [600, 600], "c": [1, 2.5]}
    conversion = convert(json.dumps({"parameters": settings, "samples": {"num": number}}))
    assert conversion.space == {"a": {"int": [4, 8]}, "b": 600, "c": {"float": [1, 2.5]}}
    assert conversion.optimizer == {"kind": "random", "evaluations": 120, "seed": 1}
    assert conversion.warnings == []


def test_other_settings_of_a_sweep_are_told(convert):
    conversion = convert('{"parameters": {"a": [1, 2]},\n "note": 3}')
    assert ":2: 'note' is left out" in conversion.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"parameters": [1]}', ":1: there is no 'parameters': {NAME: [VALUES]} in it"),
        ("[1]", ":1: there is no 'parameters'"),
        ('{"parameters": {\n"a": 3}}', ":2: a: 3 is not a list of values"),
        ('{"parameters": {\n"a": []}}', ":2: a: [] is not a list of values"),
        ('{"parameters": {"a": [1, 1]}}', ":1 a: 1 is there twice"),
        (
            '{"parameters": {\n"a": [1, 2, 3]}, "samples": {"num": [2]}}',
            ":2: a: 3 values; a random",
        ),
        (
            '{"parameters": {"a": ["b", "c"]}, "samples": {"num": [2]}}',
            ":1 a: the bound 'b' is text",
        ),
        (
            '{"parameters": {"a": [2, 1]}, "samples": {"num": [2]}}',
            ":1 a: the lower bound 2 is above",
        ),
        (
            '{"parameters": {"a": [1, 2]},\n"samples": {"num": [0]}}',
            ":2 samples.num: 0 is wrong here",
        ),
        ('{"parameters": {"a": [1, 2]},\n"samples": 3}', ":2 samples.num: None is wrong here"),
    ],
)
def test_what_is_wrong_in_a_sweep_is_told_with_its_line(refused, text, message):
    assert message in refused(text, kind="sweep")


# --- model files ---------------------------------------------------------------------------

MODEL = """\
# defaults
[Global_Params]
data_url = 'http://a.b/c'   # a comment after the value
Dense=[200,
    20]
rate: None
; another comment
drop=0.1
shape = (1, (2, 3))
layers='1200, 1200:1200, 1200'
flags = {'a': True}

[Monitor Params]
timeout=3600
drop = 5
"""


def test_values_of_a_model_file_are_constants(convert):
    conversion = convert(MODEL)
    assert conversion.space == {
        "data_url": "http://a.b/c",
        "dense": [200, 20],
        "rate": None,
        "drop": 0.1,
        "shape": [1, [2, 3]],
        "layers": "1200, 1200:1200, 1200",
        "flags": {"constant": {"a": True}},
        "timeout": 3600,
    }
    (warning,) = conversion.warnings
    assert ":15: 'drop' is in section [Global_Params] too, which counts" in warning


def test_options_may_be_indented_alike(convert):
    assert convert("[a]\n  x = 1\n  y = 2\n").space == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n[a]\n", ":1: text before the first section"),
        ("[a]\nx\n", ":2: 'x' is not of the form name = value"),
        ("[a]\n= 3\n", ":2: '= 3' is not of the form name = value"),
        ("[a]\nx = relu\n", ":2 x: 'relu' is not a value; write a number, a list"),
        ("[a]\nx = __import__('os')\n", ":2 x: \"__import__('os')\" is not a value"),
        ("[a]\nx =\n", ":2 x: '' is not a value"),
        ("[a]\nx = {1, 2}\n", ":2 x: {1, 2} is a set, which YAML does not have"),
        ("[a]\nx = {1: 2}\n", ":2 x: the key 1 is not text"),
        ("[a]\nx = 1\nX = 2\n", ":3: 'x' is declared twice, first in line 2"),
        ("[a]\nx = " + "9" * 30 + "\n", ":2 x: " + "9" * 30 + " has more than 64 bits"),
    ],
)
def test_what_is_wrong_in_a_model_file_is_told_with_its_line(refused, text, message):
    assert message in refused(text, kind="model")


# --- definitions ---------------------------------------------------------------------------

DEFINITIONS = """\
# values of a spreadsheet
activation:
  description: activation
  values: [relu, tanh]
layers:
  description: sizes of the layers
  values: ["[1000, 1000]",
           "[2000]"]
size: {values: [16, 32], unit: MB}
"""


def test_definitions_are_choices(convert):
    conversion = convert(DEFINITIONS)
    assert conversion.space == {
        "activation": {"choice": ["relu", "tanh"]},
        "layers": {"choice": ["[1000, 1000]", "[2000]"]},
        "size": {"ordered": [16, 32]},
    }
    assert conversion.notes == {"layers": "sizes of the layers"}
    assert [type(value) for value in conversion.space["activation"]["choice"]] == [str, str]
    assert ":9: size: 'unit' is left out" in conversion.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", ":1: is not a mapping of names"),
        ("a:\n  values: [1]\nb: 3\n", ":3: b: there is no 'values: [...]'"),
        ("a: {values: []}", ":1: a: there is no 'values: [...]'"),
        ("a: [1\nb", ":2: not YAML: "),
        ("3: {values: [1, 2]}", ":1: the name 3 is not text"),
        ("a: {values: [1, 1]}", ":1 a: 1 is there twice"),
    ],
)
def test_what_is_wrong_in_definitions_is_told_with_its_line(refused, text, message):
    assert message in refused(text, kind="definitions")


# --- kinds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ('\n [\n{"name": "x", "type": "logical"}]', "a.txt", "CANDLE parameter space"),
        ('{"parameters": {"a": [1, 2]}}', "a.txt", "settings of a sweep"),
        ('{\n"parameters": {"a": [1, 2]}}', "a.json", "settings of a sweep"),
        ('{"id": "a"}\n{"id": "b"}', "a.json", "unrolled parameter file"),
        ('# a comment\n\n  {"x": 1}  # {"parameters": 1}', "a.txt", "unrolled parameter file"),
        ('makeParamSet(makeLogicalParam("a"))', "a.txt", "mlrMBO parameter set"),
        (
            '#!/usr/bin/env Rscript\np = makeParamSet (makeLogicalParam("a"))',
            "a",
            "mlrMBO parameter set",
        ),
        (MODEL, "a.txt", "default parameters of a model"),
        (DEFINITIONS, "a.yaml", "definitions of hyperparameters"),
        ("space = {'a': (1, 2)}", "a.txt", "Python source"),
        ("import x\nspace = {'a': (1, 2)}", "a.py", "Python source"),
    ],
)
def test_the_content_tells_the_kind(convert, text, name, what):
    assert convert(text, name).what == what


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("y,batch_size\n1,2\n", "a.csv", "looks like a table of points, which a workflow takes"),
        ('"a","b"', "a.csv", "optimizer: {initial: a.csv}"),
        ("hello", "a.txt", "a.txt: cannot tell what kind of file this is; say it with --from"),
        ("", "a.txt", "cannot tell what kind of file this is"),
        ('[{"name": }]', "a.txt", "a.txt:1: not JSON: expecting value, at column 11"),
        ('{"parameters": {"a": [1,]}}', "a.txt", "a.txt:1: not JSON"),
        ("1 +", "a.R", "there is no makeParamSet(...) in it"),
        (b"\n[a]\nx = '\xff'", "a.txt", "a.txt:3: byte 0xff is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(refused, text, name, message):
    assert message in refused(text, name)
