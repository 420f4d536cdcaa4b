"""Conversions as workflow files: whatever is in them is read back by the loader of workflows."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from supervisor.converters.conversion import Conversion, discrete
from supervisor.converters.write import METRIC, MODULE, flow, write

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


def load(text):
    return YAML(typ="safe", pure=True).load(text)


@settings(max_examples=50, deadline=None)
@given(values)
def test_a_value_is_read_back_with_its_type(value):
    read = load(f"key: {flow(value)}\n")["key"]
    assert read == value
    assert repr(read) == repr(value)  # 1.0 is not 1, nor True


@settings(max_examples=50, deadline=None)
@given(texts)
def test_a_name_is_read_back(name):
    assert list(load(f"{flow(name)}: 1\n")) == [name]


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(texts.filter(bool), scalars, min_size=1, max_size=4), texts)
def test_a_whole_file_is_read_back(constants, note):
    conversion = Conversion(Path("a b\nc.json"), "a test")
    for name, value in constants.items():
        conversion.add(name, value, 1, note)
    conversion.optimizer = {"kind": "grid", "sigma": {"x": 0.5}}
    conversion.notes["optimizer.kind"] = note
    conversion.forbid = ["a == 'b'"]
    assert load(write(conversion)) == {
        "name": "a-b-c",
        "objective": {"python": MODULE, "minimize": METRIC},
        "space": constants,
        "forbid": ["a == 'b'"],
        "optimizer": {"kind": "grid", "sigma": {"x": 0.5}},
    }


def test_long_values_get_a_line_each():
    conversion = Conversion(Path("x.json"), "a test")
    dense = [" ".join(["1000"] * count) for count in range(1, 10)]
    conversion.add("dense", {"choice": dense}, 1, "layers")
    conversion.add("plain", [10**9 + number for number in range(20)], 2)
    text = write(conversion)
    assert max(map(len, text.splitlines())) <= 99
    assert '  dense:  # layers\n    choice:\n      - "1000"\n' in text
    assert load(text)["space"] == conversion.space


def test_a_name_is_made_of_the_name_of_the_file():
    for name, expected in ((".hidden", "hidden"), ("---.json", "converted"), ("a(1).R", "a-1-")):
        conversion = Conversion(Path(name), "a test", points="upf.txt")
        assert load(write(conversion))["name"] == expected


def test_one_value_is_no_list_of_values():
    assert discrete([{"a": 1}]) == {"constant": {"a": 1}}
    assert discrete([1, "1"]) == {"choice": [1, "1"]}
    assert discrete([1, True]) == {"choice": [1, True]}
