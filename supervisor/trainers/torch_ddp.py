"""Training with torch.distributed on the members of a communicator."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from supervisor.trainers.members import Members, PeerFailed, Training, assemble, parting
from supervisor.trainers.rendezvous import Place, find_place

PATIENCE_S = 600.0
_INTERFACE = "GLOO_SOCKET_IFNAME"

_last: list[Any] = []
"""The process group of the last training, which so outlives its models.

Its threads take the interpreter's lock to let go of what they have done. A model that is the last
to drop the group waits for them with this lock held, for ever if one of them is late; whoever
drops the group itself waits without it.
"""


@dataclass(frozen=True, slots=True)
class Ddp(Training):
    """The members of a communicator, with torch.distributed initialised on them.

    Attributes:
        dist: The module ``torch.distributed``.
    """

    dist: Any

    def distribute(self, model: Any, optimizer: Any) -> tuple[Any, Any]:
        """Return a model and its optimizer as the members train them together.

        All begin with what rank 0 has: parameters, buffers and the state of the optimizer. Each
        step uses the gradients' means over the members. The model as it was is ``model.module``;
        use that one after the end.
        """
        from torch.nn.parallel import DistributedDataParallel

        distributed = DistributedDataParallel(model)
        state = [optimizer.state_dict()]
        self.dist.broadcast_object_list(state, src=0)
        optimizer.load_state_dict(state[0])
        return distributed, optimizer

    def _add(self, values: list[float]) -> list[float]:
        import torch

        numbers = torch.tensor(values, dtype=torch.float64)
        self.dist.all_reduce(numbers)
        sums: list[float] = numbers.tolist()
        return sums


@contextmanager
def ddp_on(comm: Any, *, patience_s: float = PATIENCE_S) -> Iterator[Ddp]:
    """Initialise torch.distributed on the members of a communicator, and destroy it at the end.

    All members enter and leave it. It is the default process group, with gloo. One member that
    fails makes the others fail.

    Args:
        comm: A communicator of mpi4py, e.g. ``task.comm``; None trains alone.
        patience_s: How long members wait for each other in one operation.

    Yields:
        The members, with what they do together.

    Raises:
        InputError: If PyTorch is missing, or torch.distributed in use, on one of the members; if
            the members do not reach rank 0 by TCP.
        PeerFailed: If another member failed or left while this one needed it.

    Source:
        Li et al., PVLDB 13(12), 2020.
    """
    dist, problem = _distributed()
    members = assemble(comm, problem)
    place = find_place(comm, members)
    try:
        with parting(comm, _Session(dist)):
            _join(dist, members, place, timedelta(seconds=patience_s))
            yield Ddp(members.rank, members.size, members.hosts, dist)
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "/gloo/" in str(error):
            raise PeerFailed("torch.distributed", error) from error
        raise


def _distributed() -> tuple[Any, str]:
    """Return torch.distributed, or why it cannot be used."""
    try:
        import torch.distributed as dist
    except ImportError as error:
        return None, f"no PyTorch: {error}; ./scripts/setup --with torch installs it"
    if not dist.is_available() or not dist.is_gloo_available():
        return None, "this PyTorch was built without gloo"
    if dist.is_initialized():
        return None, "torch.distributed is initialised already; leave out init_process_group()"
    return dist, ""


def _join(dist: Any, members: Members, place: Place, timeout: timedelta) -> None:
    """Make the default process group; rank 0 keeps the store by which the others find it."""
    _last.clear()
    store = dist.TCPStore(
        place.address,
        place.port,
        members.size,
        place.listener is not None,
        timeout=timeout,
        wait_for_workers=False,
        master_listen_fd=None if place.listener is None else place.listener.detach(),
    )
    with _interface(place.interface):
        dist.init_process_group(
            "gloo", store=store, rank=members.rank, world_size=members.size, timeout=timeout
        )


@contextmanager
def _interface(name: str) -> Iterator[None]:
    """Make gloo use an interface, unless the user chose one; else it looks up the host's name."""
    if not name or _INTERFACE in os.environ:
        yield
        return
    os.environ[_INTERFACE] = name
    try:
        yield
    finally:
        del os.environ[_INTERFACE]


class _Session:
    """The default process group, from its making to its end.

    Args:
        dist: The module ``torch.distributed``.
    """

    def __init__(self, dist: Any) -> None:
        self._dist = dist

    def meet(self) -> None:
        """Wait for all members, unless the code inside has destroyed the group itself."""
        if self._dist.is_initialized():
            self._dist.barrier()

    def close(self) -> None:
        """Destroy the group, but for what its models still hold of it."""
        if self._dist.is_initialized():
            _last.append(self._dist.group.WORLD)
            self._destroy()

    def break_off(self) -> None:
        """Destroy the group and its connections, so that nobody waits for this member.

        gloo closes them with the last reference to the group. So it is taken out of the models
        that still have it, in the traceback of the error that ends this member for instance.
        """
        from torch.nn.parallel import DistributedDataParallel

        for one in gc.get_objects():
            if issubclass(type(one), DistributedDataParallel):
                for name in ("reducer", "logger", "process_group"):
                    vars(one).pop(name, None)
        self._destroy()

    def _destroy(self) -> None:
        if self._dist.is_initialized():
            self._dist.destroy_process_group()
