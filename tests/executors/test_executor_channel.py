"""The socket between a worker and its child: messages of any size arrive whole, or not at all."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.payload import Buffer, Packed
from supervisor.core.task import Result, Task
from supervisor.executors import channel as protocol
from supervisor.executors.channel import FROM_CHILD, TO_CHILD, Channel, Done, Garbled, Leave, Run


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    with near, far:
        yield Channel(near.fileno()), Channel(far.fileno())


def carried(message, ends):
    near, far = ends
    near.send(message)
    while not (arrived := far.receive()):
        near.flush()
    return arrived


def test_large_values_survive(ends):
    value = Packed((Buffer(b"pickle"), Buffer(bytearray(3_000_000)), Buffer(b"")))
    [data] = carried(Run(Task(1, b"call", values=(value, 3, b"small")), 5.0, {0: 7}), ends)
    run = TO_CHILD.decode(data)
    assert run.task.values == (value, 3, b"small")
    assert (run.end_s, run.made) == (5.0, {0: 7})
    [data] = carried(Done(Result(1, value), {}), ends)
    assert FROM_CHILD.decode(data).result.value == value


def test_a_buffer_that_is_too_long_for_messagepack_goes_in_pieces(ends, monkeypatch):
    monkeypatch.setattr(protocol, "PIECE_BYTES", 10)
    value = Packed((Buffer(bytes(range(35))),))
    [data] = carried(Done(Result(1, value), {}), ends)
    assert FROM_CHILD.decode(data).result.value == value


@pytest.mark.parametrize("scribble", [b"hello", b"\1\0\0\0?", b"\xf5", b"\xf5x", b"\0"])
def test_what_is_no_message_is_found_out_when_the_next_one_comes(ends, scribble):
    near, far = ends
    os.write(near.fd, scribble)
    near.send(Leave())
    with pytest.raises(Garbled):
        far.receive()


@given(
    values=st.lists(st.binary(max_size=300), min_size=1, max_size=6),
    cut=st.integers(min_value=1, max_value=40),
)
def test_messages_arrive_whole_however_the_stream_is_cut(values, cut):
    frames = bytearray()
    for number, value in enumerate(values):
        frame = protocol._ENCODER.encode(Done(Result(number, value), {}))
        frames += protocol.MAGIC + len(frame).to_bytes(protocol.LENGTH_BYTES, "little") + frame
    near, far = socket.socketpair()
    with near, far:
        receiver = Channel(far.fileno())
        arrived = []
        for begin in range(0, len(frames), cut):
            near.send(frames[begin : begin + cut])
            arrived += [FROM_CHILD.decode(data).result.value for data in receiver.receive()]
    assert arrived == values
