"""How the accelerators of a host are shared out."""

import pytest

from supervisor.executors.devices import devices_of, share


def shares(environment, slots, present=()):
    return [share(environment, present, slot, slots) for slot in range(slots)]


@pytest.mark.parametrize("variable", ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"])
def test_each_worker_has_devices_of_its_own(variable):
    assert shares({variable: "0,1,2,3"}, 2) == [{variable: "0,1"}, {variable: "2,3"}]
    assert shares({variable: "GPU-a,GPU-b"}, 2) == [{variable: "GPU-a"}, {variable: "GPU-b"}]


def test_what_is_over_is_left_over():
    found = [one["CUDA_VISIBLE_DEVICES"] for one in shares({}, 3, present="0123456")]
    assert found == ["0,1", "2,3", "4,5"]


def test_workers_share_devices_if_there_are_more_of_them():
    found = [one["CUDA_VISIBLE_DEVICES"] for one in shares({}, 5, present="01")]
    assert found == ["0", "1", "0", "1", "0"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"CUDA_VISIBLE_DEVICES": ""},
        {"CUDA_VISIBLE_DEVICES": "3"},
        {"CUDA_VISIBLE_DEVICES": "0,1", "SLURM_GPUS_PER_TASK": "2"},
        {"CUDA_VISIBLE_DEVICES": "0,1", "SUPERVISOR_DEVICES": "keep"},
    ],
)
def test_what_is_bound_already_stays(environment):
    assert shares(environment, 2) == [{}, {}]


def test_one_worker_has_all():
    assert shares({"ZE_AFFINITY_MASK": "0,1"}, 1) == [{}]
    assert devices_of({"ZE_AFFINITY_MASK": "0.0,0.1"}) == ("0.0", "0.1")
    assert devices_of({}) == ()
