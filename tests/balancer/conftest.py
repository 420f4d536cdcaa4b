"""A shard of the data store, whose own state is checked after each test."""

import pytest

from supervisor.balancer.store import Shard


@pytest.fixture
def shard():
    one = Shard()
    yield one
    one.check()
