"""Training with Horovod on the members of a communicator. The one file that imports Horovod."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from supervisor.core.errors import InputError
from supervisor.trainers.members import Members, PeerFailed, Training, assemble, parting

_WHERE = "horovod_on"


@dataclass(frozen=True, slots=True)
class Horovod(Training):
    """The members of a communicator, with Horovod initialised on them.

    Attributes:
        hvd: The module ``horovod.torch``.
    """

    hvd: Any

    def distribute(self, model: Any, optimizer: Any) -> tuple[Any, Any]:
        """Return a model and its optimizer as the members train them together.

        All begin with what rank 0 has: parameters, buffers and the state of the optimizer. Each
        step uses the gradients' means over the members. Make schedulers of the returned optimizer.
        """
        self.hvd.broadcast_parameters(model.state_dict(), root_rank=0)
        # Horovod's own broadcast of the state takes a step with an optimizer that has none yet,
        # which moves parameters that decay; and its optimizer begins without any.
        state = self.hvd.broadcast_object(optimizer.state_dict(), root_rank=0, name="optimizer")
        distributed = self.hvd.DistributedOptimizer(
            optimizer, named_parameters=model.named_parameters()
        )
        distributed.load_state_dict(state)
        return model, distributed

    def _add(self, values: list[float]) -> list[float]:
        import torch

        numbers = torch.tensor(values, dtype=torch.float64)
        sums: list[float] = self.hvd.allreduce(numbers, op=self.hvd.Sum, name="metrics").tolist()
        return sums


@contextmanager
def horovod_on(comm: Any) -> Iterator[Horovod]:
    """Initialise Horovod on the members of a communicator, and shut it down at the end.

    All members enter and leave it. Code inside may use ``horovod.torch`` as it always does; its
    ``hvd.init()`` then does nothing. One member that fails makes the others fail.

    Args:
        comm: A communicator of mpi4py, e.g. ``task.comm``; None trains alone.

    Yields:
        The members, with what they do together.

    Raises:
        InputError: If Horovod is missing or in use on one of the members.
        PeerFailed: If another member failed or left while this one needed it.

    Source:
        Sergeev & Del Balso, arXiv:1802.05799, 2018.
    """
    # Before Horovod, which would otherwise finalize the MPI that it initialised.
    from mpi4py import MPI

    if comm is None:
        comm = MPI.COMM_SELF
    hvd, problem = _horovod()
    members = assemble(comm, problem)
    try:
        with parting(comm, _Session(hvd)):
            hvd.init(comm=comm)
            _check(members, hvd)
            yield Horovod(members.rank, members.size, members.hosts, hvd)
    except hvd.HorovodInternalError as error:
        raise PeerFailed("Horovod", error) from error


class _Session:
    """Horovod between ``init`` and ``shutdown``.

    Args:
        hvd: The module ``horovod.torch``.
    """

    def __init__(self, hvd: Any) -> None:
        self._hvd = hvd

    def meet(self) -> None:
        """Wait for all members, unless the code inside has shut Horovod down itself."""
        if self._hvd.is_initialized():
            self._hvd.barrier()

    def close(self) -> None:
        """Shut Horovod down."""
        self._hvd.shutdown()

    def break_off(self) -> None:
        """Shut Horovod down; what the others wait for fails."""
        self._hvd.shutdown()


def _horovod() -> tuple[Any, str]:
    """Return Horovod's module for PyTorch, or why it cannot be used."""
    try:
        import horovod.torch as hvd
    except ImportError as error:
        return None, f"no Horovod: {error}; ./scripts/setup --with horovod builds it"
    if not hasattr(hvd, "init"):
        return None, "Horovod was built without PyTorch; ./scripts/setup --with horovod builds it"
    if hvd.is_initialized():
        return None, "Horovod is initialised already; leave out hvd.init(), or call hvd.shutdown()"
    return hvd, ""


def _check(members: Members, hvd: Any) -> None:
    """Make sure that Horovod took this communicator and not one that it remembers."""
    if (hvd.rank(), hvd.size()) != (members.rank, members.size):
        raise InputError(
            _WHERE,
            f"Horovod is on {hvd.size()} ranks and not on the {members.size} members: a list of "
            "ranks was given to hvd.init() in this process, which sticks; give it a communicator",
        )
