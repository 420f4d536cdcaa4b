"""The data store: containers and bags, and what is nested in them."""

import itertools

import pytest

from supervisor.balancer.store import Shard
from supervisor.core.operations import (
    Create,
    Enumerate,
    Exists,
    Hold,
    Insert,
    Listing,
    Lookup,
    Nest,
    Notice,
    Reference,
    References,
    Retrieve,
    Size,
    Store,
    Subscribe,
)
from tests.balancer.shards import ask, refusal, run

# --- containers and bags ------------------------------------------------------------------


def test_a_sparse_array_has_exactly_its_members(shard):
    pairs = {0: b"1", 1: b"2", 5: b"3", 6: b"4"}
    run(shard, Create(2, "container", "A"), *(Insert(2, key, v) for key, v in pairs.items()))
    listing = ask(shard, Enumerate(2))
    assert dict(zip(listing.keys, listing.values, strict=True)) == pairs
    assert ask(shard, Size(2)) == 4
    assert [ask(shard, Exists(2, key)) for key in (0, 2, 5)] == [True, False, True]


def test_keys_may_be_any_text(shard):
    pairs = {"hello world": b"1", "goodbye": b"2"}
    run(shard, Create(2, "container"), *(Insert(2, key, v) for key, v in pairs.items()))
    assert ask(shard, Lookup(2, "hello world")) == b"1"
    assert ask(shard, Enumerate(2, values=False)) == Listing(list(pairs), None)


def test_listings_come_in_slices(shard):
    run(shard, Create(2, "container"), *(Insert(2, i, b"%d" % i) for i in range(10)))
    slices = [ask(shard, Enumerate(2, first, 4, keys=False)).values for first in (0, 4, 8)]
    assert b"".join(itertools.chain(*slices)) == b"0123456789"
    assert "negative" in refusal(shard, Enumerate(2, -1))


def test_a_member_is_written_once(shard):
    message = refusal(shard, Create(2, "container", "A"), Insert(2, 7, b""), Insert(2, 7, b""))
    assert message == "A[7] (datum 2) was written already"


def test_a_container_is_closed_when_its_writers_are_done(shard):
    run(shard, Create(2, "container", "A", writers=2), Subscribe(2), Subscribe(2, "k"))
    assert run(shard, Insert(2, "k", b"v", writers=1)) == (None, [Notice(1, 2, "k", b"v")])
    assert run(shard, References(2, writers=-1)) == (None, [Notice(1, 2, None)])
    assert "A (datum 2) is closed" in refusal(shard, Insert(2, "l", b""))
    assert "takes no more write references" in refusal(shard, References(2, writers=1))


def test_waiting_for_a_member_that_the_closed_container_lacks_fails_by_name(shard):
    run(shard, Create(2, "container", "A"), Subscribe(2, "k"))
    _, notices = run(shard, References(2, writers=-1))
    why = "A['k'] (datum 2) was never written: the container was closed without it"
    assert notices == [Notice(1, 2, "k", None, why)]
    assert refusal(shard, Subscribe(2, "k")) == why == refusal(shard, Lookup(2, "k"))


def test_a_bag_keeps_its_members_in_order(shard):
    run(shard, Create(3, "bag"), *(Insert(3, None, value) for value in (b"b", b"a", b"b")))
    assert ask(shard, Enumerate(3)) == Listing(None, [b"b", b"a", b"b"])
    assert ask(shard, Size(3)) == 3


# --- nesting ------------------------------------------------------------------------------


def test_many_writers_reach_the_same_nested_container(shard):
    run(shard, Create(2, "container", "B"))
    one = ask(shard, Nest(2, "one", "container", new=11))
    assert one == 11 == ask(shard, Nest(2, "one", "container", new=12))
    two = ask(shard, Nest(one, 1, "container", new=13))
    ask(shard, Insert(two, "1.0", b"1"))
    assert ask(shard, Lookup(2, "one")) == Reference(11)
    assert ask(shard, Lookup(13, "1.0")) == b"1" and 12 not in shard
    assert [datum.name for datum in shard.open()] == ["B", "B['one']", "B['one'][1]"]


def test_nested_data_are_closed_and_freed_with_the_outer_container(shard):
    run(shard, Create(2, "container", "B"), Nest(2, "one", "container", new=11))
    run(shard, Nest(11, 1, "container", new=13), Insert(13, "k", b"v"), Subscribe(13))
    _, notices = run(shard, References(2, writers=-1))
    assert notices == [Notice(1, 13, None)] and not shard.open()
    run(shard, References(2, readers=-1))
    assert [13 in shard, 2 in shard] == [True, False], "who was told will fetch it"
    run(shard, References(13, readers=-1))
    assert len(shard) == 0 == shard.nbytes


def test_a_container_stays_open_for_the_tasks_that_write_to_it(shard):
    run(shard, Create(2, "container", "B"), Hold(2, 7), Hold(2, 8), References(2, writers=-1))
    run(shard, Hold(2, 7), Insert(2, "k", b"v"))
    assert shard.open()
    run(shard, Hold(2, 8))
    assert not shard.open()
    assert "closed" in refusal(shard, Hold(2, 9))


def test_the_end_of_a_task_may_be_heard_of_before_its_beginning(shard):
    run(shard, Create(2, "container", "B"), Hold(2, 7), References(2, writers=-1))
    assert shard.open()
    run(shard, Hold(2, 7))
    assert not shard.open()


def test_nesting_another_kind_or_where_a_value_is_is_refused(shard):
    run(shard, Create(2, "container", "B"), Nest(2, 0, "bag", new=11), Insert(2, 1, b"v"))
    assert (
        refusal(shard, Nest(2, 0, "container", 12)) == "B[0] (datum 2) is a bag, not a container"
    )
    assert refusal(shard, Nest(2, 1, "bag", 12)) == "B[1] (datum 2) is a value, not a bag"
    assert "in itself" in refusal(shard, Nest(2, 2, "bag", 2))
    assert "too late" in refusal(shard, References(2, writers=-1), Nest(2, 2, "bag", 12))


def test_nested_data_may_live_on_another_shard():
    shard = Shard()
    shard.apply(Create(2, "container", "B"), 1)
    assert shard.apply(Nest(2, 0, "bag", 5), 1).forwards == [Create(5, "bag", "B[0]")]
    assert shard.apply(References(2, writers=-1), 1).forwards == [References(5, writers=-1)]
    assert shard.apply(References(2, readers=-1), 1).forwards == [References(5, readers=-1)]


@pytest.mark.parametrize("kind, key", [("container", "k"), ("bag", None)])
def test_what_refers_to_data_gives_up_its_references_when_it_is_freed(shard, kind, key):
    run(shard, Create(1, "value", readers=2), Store(1, b"v"), Create(2, kind))
    run(shard, Insert(2, key, Reference(1), writers=1), References(2, readers=-1))
    assert len(shard) == 1
    run(shard, Retrieve(1, readers=1))
    assert len(shard) == 0
