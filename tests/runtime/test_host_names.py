"""What the hosts of ranks are called."""

import pytest

from supervisor.balancer.messages import Hello
from supervisor.runtime.entry import strangers
from supervisor.runtime.world import names_of


@pytest.mark.parametrize(
    ("hosts", "nodes", "names"),
    [
        (["a.site.org", "b.site.org"], ["a", "b"], ["a", "b"]),
        (["vm", "vm"], ["here1", "here2"], ["here1", "here2"]),
        (["a", "b"], ["a", "a"], ["a", "b"]),
        (["a", "b"], ["a", ""], ["a", "b"]),
    ],
    ids=["with domains", "virtual nodes", "variables of one node", "not all by Slurm"],
)
def test_the_schedulers_names_are_used_if_they_can_be_true(hosts, nodes, names):
    assert names_of([Hello(*pair) for pair in zip(hosts, nodes, strict=True)]) == names


def test_processes_that_srun_started_but_mpi_does_not_know_are_strangers():
    step = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0"}
    assert "4 processes that do not see each other" in strangers(step)
    assert strangers(step | {"PMI_RANK": "0"}) == ""
    assert strangers(step | {"SLURM_STEP_NUM_TASKS": "1"}) == ""
    assert strangers({}) == ""
