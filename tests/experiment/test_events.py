"""Every event survives its form as JSON, whatever a user's values are."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.core.errors import SupervisorError
from supervisor.experiment import events
from supervisor.experiment.events import Asked, AskedPoint, Failed, Finished, decode, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
integers = st.integers() | st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**40, 10**4000])
scalars = st.none() | st.booleans() | integers | st.floats() | texts
marks = st.sampled_from(["float", "int", "literal", "nan", "0x1f"])
keys = texts | marks
values = st.recursive(
    scalars | marks,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
mappings = st.dictionaries(keys, values, max_size=4)


def any_event(cls):
    """Return a strategy for events of a class, whatever its fields are."""
    known = {
        bool: st.booleans(),
        int: integers,
        float: st.floats(),
        str: texts,
        dict: mappings,
        float | None: st.none() | st.floats(),
        str | None: st.none() | texts,
        int | None: st.none() | integers,
        list[str]: st.lists(texts, max_size=3),
        dict[str, list[str]]: st.dictionaries(texts, st.lists(texts, max_size=3), max_size=2),
        tuple[float, ...]: st.lists(st.floats(), max_size=3).map(tuple),
        Any: values,
        list[AskedPoint]: st.lists(any_asked, max_size=3),
    }
    hints = {field.name: field.type for field in msgspec.structs.fields(cls)}
    fields = {
        name: mappings
        if name in ("metrics", "values", "each")
        else st.sampled_from(["raised", "signal", "cancelled"])
        if name == "kind"
        else known[hint]
        for name, hint in hints.items()
    }
    return st.builds(cls, **fields)


any_asked = st.builds(AskedPoint, id=integers, name=texts, values=mappings, parent=integers)
any_events = st.one_of([any_event(cls) for cls in events.Event.__args__])


def same(left, right):
    """Return whether two values are equal, with NaN equal to NaN and 1 different from 1.0."""
    if isinstance(left, float) and isinstance(right, float):
        return repr(left) == repr(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def strict(data):
    """Parse JSON the way a strict reader does."""

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(data, parse_constant=refuse)


def finished(**metrics):
    """Return the end of point 0, with metrics."""
    return Finished(
        point=0, attempt=1, loss=0.5, metrics=metrics, rank=1, host="a", start_s=0.0, end_s=1.0
    )


@settings(deadline=None)
@given(any_events)
def test_every_event_comes_back_as_it_was(event):
    back = decode(encode(event))
    assert type(back) is type(event)
    assert same(msgspec.to_builtins(back), msgspec.to_builtins(event))


@settings(deadline=None)
@given(any_events)
def test_every_event_is_one_line_of_strict_json_with_its_name(event):
    data = encode(event)
    assert b"\n" not in data
    assert strict(data)["event"] == type(event).__name__.lower()


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_losses_that_are_not_finite_are_marked(loss):
    event = msgspec.structs.replace(finished(), loss=loss)
    assert strict(encode(event))["loss"] == {"float": repr(loss)}
    assert repr(decode(encode(event)).loss) == repr(loss)


@pytest.mark.parametrize(
    "value",
    [
        {"float": "nan"},
        {"int": "0x1f"},
        {"literal": {"float": "inf"}},
        {"literal": 1},
        {"literal": {}},
        {"float": 1.5},
        {"float": math.nan},
        {"float": {"float": "nan"}},
        {"float": "nan", "int": "0x1"},
        "null",
        '{"float":"nan"}',
        "0000000000000000000000",
    ],
    ids=str,
)
def test_a_value_that_looks_like_a_mark_is_kept(value):
    for metrics in ({"x": value}, value):
        if isinstance(metrics, dict):
            assert same(decode(encode(finished(**metrics))).metrics, metrics)


def test_an_integer_past_64_bits_is_kept_and_marked():
    data = encode(finished(big=2**64, edge=2**63 - 1))
    assert strict(data)["metrics"] == {"big": {"int": hex(2**64)}, "edge": 2**63 - 1}


def test_integers_with_thousands_of_digits_are_kept():
    assert decode(encode(finished(big=-(10**6000)))).metrics == {"big": -(10**6000)}


def test_lone_surrogates_become_escape_sequences():
    back = decode(encode(finished(**{"log\ud800": "caf\udce9"})))
    assert back.metrics == {"log\\ud800": "caf\\udce9"}


def test_subclasses_of_plain_types_are_plain():
    class Loss(float):
        pass

    class Name(str):
        pass

    back = decode(encode(finished(a=Loss("nan"), b=Name("x"), c=Loss(1.5))))
    assert same(back.metrics, {"a": math.nan, "b": "x", "c": 1.5})


def test_arrays_become_lists():
    class Array:
        def tolist(self):
            return [1.0, math.inf]

    assert decode(encode(finished(a=Array()))).metrics == {"a": [1.0, math.inf]}


def test_a_value_that_json_cannot_hold_is_an_error_that_shows_it():
    with pytest.raises(SupervisorError, match=r"'finished'.*<object.*type object"):
        encode(finished(x=object()))
    loop = []
    loop.append(loop)
    with pytest.raises(SupervisorError, match="recursion"):
        encode(finished(x=loop))


def test_keys_of_a_later_version_are_ignored():
    data = encode(finished()).replace(b'"point":0', b'"point":0,"colour":"red"')
    assert decode(data) == finished()


def test_values_keep_their_order_and_asked_points_theirs():
    points = [AskedPoint(id=i, name=f"RUN{i:06d}", values={"b": 1, "a": 2}) for i in (1, 0)]
    event = Asked(n=4, points=points, time_s=0.0)
    assert decode(encode(event)) == event
    assert list(decode(encode(event)).points[0].values) == ["b", "a"]


def test_details_of_a_failure_may_hold_control_characters():
    event = Failed(
        point=0, attempt=1, kind="signal", message="killed\x00", details="a\r\n\x1b[0m\u2028",
        rank=1, host="a", start_s=0.0, end_s=1.0, final=True,
    )  # fmt: skip
    assert decode(encode(event)) == event
