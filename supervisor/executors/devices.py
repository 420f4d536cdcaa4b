"""Which accelerators of a host a worker's tasks may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

DEVICE_VARIABLES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
"""Variables that say which devices a process may use, of Nvidia, AMD and Intel."""

KEEP = "SUPERVISOR_DEVICES"
"""Set to ``keep``, every worker uses what it was given by whoever started it."""


def devices_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the devices that a process may use, by the first variable that names any."""
    for variable in DEVICE_VARIABLES:
        if variable in environment:
            return tuple(part for part in environment[variable].split(",") if part)
    return ()


def share(
    environment: Mapping[str, str], present: Sequence[str], slot: int, slots: int
) -> dict[str, str]:
    """Return the variable that gives a worker its share of the devices; empty to leave all as is.

    Where there are fewer devices than workers, several workers use the same one.

    Args:
        environment: The worker's. A single device, or what Slurm gave each task, is left alone.
        present: The host's Nvidia devices, which count if no variable names any.
        slot: Which of the workers that share the host's devices it is, from 0.
        slots: How many they are.
    """
    if environment.get(KEEP) == "keep" or "SLURM_GPUS_PER_TASK" in environment:
        return {}
    named = [variable for variable in DEVICE_VARIABLES if variable in environment]
    variable = named[0] if named else DEVICE_VARIABLES[0]
    devices = devices_of(environment) if named else tuple(present)
    if len(devices) < 2 or slots < 2:
        return {}
    each = max(1, len(devices) // slots)
    first = slot * each % len(devices)
    return {variable: ",".join(devices[first : first + each])}


def nvidia_devices() -> list[str]:
    """Return the numbers of the host's Nvidia devices."""
    names = (path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
    return sorted((name for name in names if name.isdigit()), key=int)
