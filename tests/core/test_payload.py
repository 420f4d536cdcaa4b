"""Values with large buffers beside their pickles."""

import dataclasses
from functools import partial

import msgspec
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.balancer.messages import Fetched
from supervisor.balancer.protocol import AnyMessage
from supervisor.core.payload import LARGE_BYTES, Buffer, Packed, lay_aside, make_room, pack, unpack

LARGE = LARGE_BYTES // 8  # elements of an array that travels beside


@dataclasses.dataclass
class Model:
    weights: dict
    name: str


def test_small_values_are_plain_pickles():
    for value in (None, 3, "text", [numpy.arange(10)], numpy.arange(LARGE // 2)):
        assert isinstance(pack(value), bytes)


def test_the_memory_of_large_arrays_is_used_as_it_is():
    array = numpy.arange(LARGE)
    payload = pack({"a": array, "small": numpy.ones(3)})
    assert isinstance(payload, Packed)
    _, beside = payload.buffers
    assert len(beside) == array.nbytes
    array[0] = 17
    value = unpack(payload)
    assert value["a"][0] == 17
    assert numpy.shares_memory(value["a"], array)


def test_what_is_unpacked_cannot_be_changed():
    value = unpack(pack(numpy.zeros(LARGE)))
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 1


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_keep_their_shape_and_order(order):
    array = numpy.asarray(numpy.random.default_rng(1).normal(size=(300, 400)), order=order)
    value = unpack(pack(array))
    assert value.flags.f_contiguous == (order == "F")
    numpy.testing.assert_array_equal(value, array)


def test_arrays_with_gaps_are_copied():
    array = numpy.arange(4 * LARGE)[::2]
    numpy.testing.assert_array_equal(unpack(pack(array)), array)


def test_large_bytes_are_beside_too():
    text = bytes(LARGE_BYTES)
    payload = pack(text)
    assert isinstance(payload, Packed)
    assert len(payload) >= len(text)
    assert unpack(payload) == text


@given(
    st.recursive(
        st.integers() | st.text() | st.sampled_from([0, 1, LARGE, LARGE + 1]).map(numpy.zeros),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_value_survives_a_message(value):
    leaving, coming = [], []
    encoder = msgspec.msgpack.Encoder(enc_hook=partial(lay_aside, leaving))
    decoder = msgspec.msgpack.Decoder(AnyMessage, dec_hook=partial(make_room, coming))
    data = encoder.encode(Fetched(1, None, pack(value)))
    assert len(data) < 100 or not leaving or sum(map(len, leaving)) > len(data) // 2
    message = decoder.decode(data)
    for here, there in zip(leaving, coming, strict=True):
        there.view[:] = here.view
    assert isinstance(message, Fetched)
    numpy.testing.assert_equal(unpack(message.value), value)


def test_a_model_with_arrays_survives():
    model = Model({"w": numpy.ones((LARGE, 2))}, "first")
    value = unpack(pack(model))
    assert value.name == "first"
    numpy.testing.assert_array_equal(value.weights["w"], model.weights["w"])


def test_nothing_else_is_sent_or_received_beside():
    with pytest.raises(NotImplementedError, match="set cannot be sent"):
        lay_aside([], set())
    with pytest.raises(NotImplementedError, match="set cannot be received"):
        make_room([], set, 3)


def test_buffers_are_equal_by_content():
    assert Buffer(b"abc") == Buffer(bytearray(b"abc"))
    assert Buffer(b"abc") != Buffer(b"abd")
