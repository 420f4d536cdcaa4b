"""Which samples a member reads."""

from __future__ import annotations

import random
from collections.abc import Iterator

from supervisor.core.errors import InputError
from supervisor.trainers.members import Members


def batches(
    members: Members, count: int, *, batch_size: int, seed: int, epoch: int
) -> Iterator[list[int]]:
    """Yield the batches of an epoch that a member trains on, as indices of samples.

    The samples are shuffled, and together the members' batches of one step are the next
    ``size * batch_size`` of them. All members take the same number of steps, so the last samples
    that do not fill a step are left out of this epoch.

    Args:
        members: This member among the others.
        count: Number of samples.
        batch_size: Of one member.
        seed: The same on all members.
        epoch: Each has an order of its own.

    Raises:
        InputError: If there are too few samples for one step.
    """
    step_size = members.size * batch_size
    if count < step_size:
        raise InputError(
            "training",
            f"{count} samples are fewer than the {step_size} of one step: {members.size} members "
            f"with batches of {batch_size}; take a smaller batch_size",
        )
    order = list(range(count))
    random.Random(f"{seed} {epoch}").shuffle(order)
    for first in range(members.rank * batch_size, count - count % step_size, step_size):
        yield order[first : first + batch_size]


def share(members: Members, count: int) -> range:
    """Return the indices that a member evaluates; every one of ``count`` belongs to one member."""
    return range(members.rank, count, members.size)
