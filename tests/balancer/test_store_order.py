"""The data store: operations may arrive before the datum is created."""

import itertools

import pytest

from supervisor.balancer.store import Shard
from supervisor.core.operations import Create, Insert, References, Subscribe
from tests.balancer.shards import PROGRAMS, refusal, run, state


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[0].kind)
def test_it_does_not_matter_when_create_arrives(program):
    """Wherever Create and a subscription stand, the same is held and told in the end."""
    first, *rest = program
    ends = set()
    for at, to in itertools.product(range(len(program)), repeat=2):
        operations = [*rest[:at], first, *rest[at:]]
        operations.insert(to, Subscribe(first.id))
        shard = Shard()
        notices = [notice for one in operations for notice in run(shard, one)[1]]
        assert len(notices) == 1
        ends.add(state(shard))
        shard.check()
    assert len(ends) == 1


def test_a_create_that_does_not_fit_what_came_before_is_refused(shard):
    run(shard, Insert(2, "k", b""), References(5, readers=-2))
    assert refusal(shard, Create(2, "value", "x")) == (
        "x (datum 2) is to be a value but was used as a container"
    )
    assert "more references were given up" in refusal(shard, Create(5, "value", "x"))
    assert "created already" in refusal(shard, Create(2, "container"), Create(2, "container"))
