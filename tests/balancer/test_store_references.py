"""The data store: references, and the memory that is given back with the last."""

from supervisor.balancer.store import Shard
from supervisor.core.ids import Ids
from supervisor.core.operations import (
    Create,
    Insert,
    Notice,
    OpenDatum,
    References,
    Retrieve,
    Store,
    Subscribe,
)
from tests.balancer.shards import ask, refusal, run


def test_memory_is_given_back_with_the_last_read_reference(shard):
    run(shard, Create(17, "value", "x", readers=2), Store(17, b"abc"), Retrieve(17, 1))
    assert shard.nbytes == 3
    assert ask(shard, Retrieve(17, readers=1)) == b"abc"
    assert shard.nbytes == len(shard) == 0
    assert refusal(shard, Retrieve(17)).startswith("x (datum 17) was freed when its last read")


def test_data_are_not_freed_before_they_are_closed(shard):
    run(shard, Create(17, "value"), References(17, readers=-1), Subscribe(17))
    _, notices = run(shard, Store(17, b"abc"))
    assert notices == [Notice(1, 17, None, b"abc")] and len(shard) == 0


def test_references_cannot_become_negative(shard):
    run(shard, Create(17, "value", "x"))
    assert refusal(shard, References(17, readers=-2)) == (
        "x (datum 17) has 1 read references; 2 cannot be given up"
    )
    assert "has 1 write references" in refusal(shard, Store(17, b"", writers=2))
    assert "negative" in refusal(shard, Store(17, b"", writers=-1))
    assert "negative" in refusal(shard, Create(18, "value", readers=-1))


def test_a_refused_operation_on_an_unknown_datum_leaves_no_trace(shard):
    assert "negative" in refusal(shard, Insert(2, "k", b"", writers=-1))
    assert len(shard) == 0


def test_sizes_are_flat_after_many_cycles():
    ids, shard = Ids(3, 8, 2), Shard(makers=8, servers=2)
    for _ in range(5000):
        id = ids.take(1)
        ask(shard, Create(id, "value", f"x{id}"), Store(id, b"abc"), Retrieve(id, 1))
    assert (len(shard), shard.nbytes, shard._freed.runs) == (0, 0, 1)
    assert len(shard._names) <= 1024
    shard.check()


def test_what_was_freed_long_ago_is_still_known_by_its_id():
    ids, shard = Ids(0, 1, 1), Shard()
    first = ids.take()
    for id in [first, *(ids.take() for _ in range(2000))]:
        ask(shard, Create(id, "value", "x"), Store(id, b""), Retrieve(id, 1))
    assert f"datum {first} was freed" in refusal(shard, Retrieve(first))


def test_open_data_are_listed_with_who_waits(shard):
    run(shard, Create(1, "value", "x"), Create(5, "value"), Store(5, b""), Create(2, "container"))
    run(shard, Subscribe(1), Subscribe(2, "k"), Subscribe(9), source=4)
    assert shard.open() == [
        OpenDatum(1, "x", "value", True, 1, [(4, None)]),
        OpenDatum(2, "", "container", True, 1, [(4, "k")]),
        OpenDatum(9, "", None, False, 0, [(4, None)]),
    ]
