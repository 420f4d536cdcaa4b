"""Recognising launchers, and starting one."""

import pytest

from supervisor.core.errors import InputError
from supervisor.runtime import launcher


@pytest.mark.parametrize(
    "variables",
    [
        {"PMI_RANK": "0"},
        {"OMPI_COMM_WORLD_RANK": "3"},
        {"PMIX_RANK": "3"},
        {"PALS_RANKID": "1"},
        {"ALPS_APP_PE": "1"},
        {"SLURM_PROCID": "0", "SLURM_STEP_ID": "0"},
    ],
)
def test_ranks_of_launchers_are_recognised(variables):
    assert launcher.launched(variables)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"SLURM_JOB_ID": "1"},
        {"SLURM_PROCID": "0", "SLURM_JOB_ID": "1"},
        {"SLURM_PROCID": "0", "SLURM_STEP_ID": "4294967291"},  # the batch script
    ],
)
def test_a_batch_script_is_not_a_rank(variables):
    assert not launcher.launched(variables)


def test_without_mpiexec_it_is_said_how_to_get_one(monkeypatch):
    monkeypatch.setattr(launcher, "find_mpiexec", lambda: None)
    with pytest.raises(InputError, match=r"-n 4: there is no mpiexec; .* pip install mpich"):
        launcher.mpiexec_command(4, ["run"])
