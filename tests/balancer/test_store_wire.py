"""The data store: operations and answers survive the wire."""

import msgspec
import pytest

from supervisor.core.operations import (
    Answer,
    DataError,
    Insert,
    Listing,
    Operation,
    Reference,
    Update,
)
from tests.balancer.shards import PROGRAMS


@pytest.mark.parametrize(
    "operation", [Update(4, "min", 1.5), Insert(2, None, Reference(7)), *PROGRAMS[2]]
)
def test_operations_survive_the_wire(operation):
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(operation), type=Operation) == operation


@pytest.mark.parametrize(
    "answer",
    [
        None,
        True,
        3,
        1.5,
        b"v",
        Reference(7),
        Listing(["k", 1], [b"", Reference(7)]),
        DataError(""),
    ],
)
def test_answers_survive_the_wire(answer):
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answer)
    assert decoded == answer and type(decoded) is type(answer)
