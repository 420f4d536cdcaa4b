"""The data store: who is told what when a datum is written."""

import pytest

from supervisor.core.operations import SMALL_BYTES, Create, Notice, Retrieve, Store, Subscribe
from tests.balancer.shards import run


def test_subscribers_are_told_once_with_a_small_value(shard):
    assert run(shard, Subscribe(17), source=5) == (False, [])
    run(shard, Subscribe(17), source=6)
    _, notices = run(shard, Create(17, "value"), Store(17, b"abc"))
    assert notices == [Notice(5, 17, None, b"abc"), Notice(6, 17, None, b"abc")]


def test_a_late_subscriber_is_told_at_once(shard):
    run(shard, Create(17, "value"), Store(17, b"abc"))
    assert run(shard, Subscribe(17), source=5) == (True, [Notice(5, 17, None, b"abc")])


@pytest.mark.parametrize("size, travels", [(SMALL_BYTES, True), (SMALL_BYTES + 1, False)])
def test_a_large_value_is_to_be_retrieved(shard, size, travels):
    _, notices = run(shard, Subscribe(17), Create(17, "value"), Store(17, bytes(size)))
    assert notices == [Notice(1, 17, None, bytes(size) if travels else None)]
    assert shard.nbytes == size


def test_who_waits_for_a_member_of_what_is_no_container_is_told_so(shard):
    _, notices = run(shard, Subscribe(17, "k"), Create(17, "value", "x"))
    assert notices == [
        Notice(
            *(1, 17, "k", None),
            "x['k'] (datum 17) was never written: it is a value, not a container",
        )
    ]


def test_every_subscription_has_a_notice_even_a_refused_one(shard):
    run(shard, Create(17, "value", "x"), Store(17, b""), Retrieve(17, 1))
    answer, notices = run(shard, Subscribe(17), source=5)
    assert notices == [Notice(5, 17, None, None, answer.message)]
    assert answer.message.startswith("x (datum 17) was freed")
