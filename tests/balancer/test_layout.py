"""Which rank does what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.balancer.layout import describe, split
from supervisor.core.errors import InputError


@given(size=st.integers(1, 5000), servers=st.none() | st.integers(1, 200))
def test_every_rank_has_a_role_and_every_worker_a_server(size, servers):
    layout = split(size, servers)
    assert {layout.client, *layout.workers, *layout.servers} == set(range(size))
    if size > 2:
        assert not set(layout.workers) & set(layout.servers)
        assert layout.client not in (*layout.workers, *layout.servers)
    homes = {server: set(layout.workers_of(server)) for server in layout.servers}
    assert layout.workers
    assert sorted(w for workers in homes.values() for w in workers) == [*layout.workers]
    assert len({len(workers) for workers in homes.values()}) <= 2
    if size < 300:
        assert all(worker in homes[layout.home(worker)] for worker in layout.workers)


def test_there_is_a_server_for_each_64_workers():
    assert [len(split(size).servers) for size in (1, 4, 65, 66, 67, 131, 1301)] == [
        *(1, 1, 1, 1, 2, 2, 20)
    ]


def test_no_servers_are_refused():
    with pytest.raises(InputError, match="--servers: is 0"):
        split(4, 0)


def test_the_layout_in_words():
    assert describe(split(1)) == "1 rank: campaign 0, worker 0, server 0"
    assert describe(split(4), ["a"] * 4) == ("4 ranks on a: campaign 0, workers 1-2 (2), server 3")
    assert describe(split(8, 2), ["a"] * 4 + ["b"] * 4) == (
        "8 ranks on 2 hosts: campaign 0, workers 1-5 (5), servers 6-7 (2)"
    )
    assert describe(split(8, 1, {"gpu": 2}), ["a"] * 8) == (
        "8 ranks on a: campaign 0, workers 1-6 (6) [4 work, 2 gpu], server 7"
    )


@given(
    size=st.integers(4, 300),
    servers=st.integers(1, 5),
    kinds=st.dictionaries(st.sampled_from(["gpu", "fpga"]), st.integers(1, 3)),
)
def test_the_last_workers_are_of_the_custom_kinds_in_their_order(size, servers, kinds):
    workers = len(split(size, servers).workers)
    asked = sum(kinds.values())
    if asked > workers:
        with pytest.raises(InputError, match=f"makes {asked}, but this run has {workers} worker"):
            split(size, servers, kinds)
        return
    layout = split(size, servers, kinds)
    assert layout.kinds == ("work", *kinds)
    numbers = [layout.kind_of(worker) for worker in layout.workers]
    assert numbers == sorted(numbers)
    assert [numbers.count(kind) for kind in range(len(layout.kinds))] == [*layout.counts]


def test_regular_workers_are_those_that_are_left():
    assert split(8, 1, {"work": 4, "gpu": 2}) == split(8, 1, {"gpu": 2})
    with pytest.raises(
        InputError, match="work=3, gpu=2 makes 5, but this run has 6 workers; leave"
    ):
        split(8, 1, {"work": 3, "gpu": 2})


def test_a_kind_without_workers_is_refused_with_the_setting():
    layout = split(4, 1, {"gpu": 2})
    assert layout.kind("gpu", "task.kind") == 1
    with pytest.raises(
        InputError, match=r"task.kind: no worker .* 'work'; use more ranks, or give"
    ):
        layout.kind("work", "task.kind")
    with pytest.raises(InputError, match="'fpga'; give it some with --workers fpga=N"):
        layout.kind("fpga", "task.kind")
