"""The communicator of a gang: MPI for its members, of whom some may fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, NoReturn

from mpi4py import MPI

from supervisor.balancer.agreement import CALLS, Agreement, Claim
from supervisor.balancer.exchange import Exchange, pickled
from supervisor.balancer.membership import FIRST_TAG, OPERATIONS, Patience
from supervisor.balancer.objects import Steps, Travel
from supervisor.core.gang import Stuck

ROOTED = {"Bcast": 1, "Reduce": 3, "Gather": 2, "Gatherv": 2, "Scatter": 2, "Scatterv": 2}
"""Collectives of buffers, and where among their arguments the root stands."""

ROOTLESS = ["Allreduce", "Reduce_scatter", "Reduce_scatter_block", "Scan", "Exscan"]
ROOTLESS += ["Allgather", "Allgatherv", "Alltoall", "Alltoallv", "Alltoallw"]

OBJECTS = ["barrier", "bcast", "gather", "allgather", "scatter", "alltoall"]
OBJECTS += ["reduce", "allreduce", "scan", "exscan"]

MAKING = ["Dup", "Dup_with_info", "Clone", "Split", "Split_type", "Create", "Create_cart"]
MAKING += ["Create_graph", "Create_dist_graph", "Create_dist_graph_adjacent"]

OPERATIONS += ["Barrier", *ROOTED, *ROOTLESS, *OBJECTS, *MAKING]

Operator = MPI.Op | Callable[[Any, Any], Any]


class Communicator(Exchange):
    """Exactly the members of a gang, by their rank in it.

    The methods are those of mpi4py. Blocking ones raise ``MemberFailed`` after another member
    failed, and ``OutOfStep`` if the members make different calls; so does every later one.
    They wait without keeping the processor busy. Objects are reduced in the order of ranks, by
    each member that receives a result.

    Libraries that take the handle, and communicators made from this one, have only what MPI
    has: they wait for a failed member until the run is ended.
    """

    def __init__(self, plain: MPI.Intracomm, agreement: Agreement, team: Sequence[int]) -> None:
        super().__init__(plain, agreement, team)
        self._travel = Travel(plain, MPI.BYTE)

    def Abort(self, errorcode: int = 0) -> NoReturn:
        """End this task, not the run."""
        raise SystemExit(errorcode)

    def Free(self) -> None:
        """Do nothing: it is freed after the task."""

    def Disconnect(self) -> None:
        """Do nothing: it is freed after the task."""

    # Collectives

    def Barrier(self) -> None:
        """Wait for all members; to have agreed is to have met."""
        self.collective("Barrier", lambda _: iter(()))

    def barrier(self) -> None:
        """Wait for all members."""
        self.collective("barrier", lambda _: iter(()))

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """Return the root's object."""
        data = pickled(obj) if self._place == root else b""

        def begin(length: int) -> Steps:
            return self._travel.bcast(data, length, root)

        received = self.collective("bcast", begin, root=root, weight=len(data))
        return obj if self._place == root else MPI.pickle.loads(received)

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        """Return everybody's object at the root."""
        parts = self._gathered("gather", sendobj, root)
        return parts if self._place == root else None

    def allgather(self, sendobj: Any) -> list[Any]:
        """Return everybody's object."""
        return self._allgathered("allgather", sendobj)

    def scatter(self, sendobj: Sequence[Any] | None, root: int = 0) -> Any:
        """Return this member's of the root's objects."""
        data = self._each(sendobj) if self._place == root else []
        begin = self._travel.scatter(data, root)
        return MPI.pickle.loads(self.collective("scatter", lambda _: begin, root=root))

    def alltoall(self, sendobj: Sequence[Any]) -> list[Any]:
        """Return what each member has for this one."""
        begin = self._travel.alltoall(self._each(sendobj))
        parts = self.collective("alltoall", lambda _: begin)
        return [MPI.pickle.loads(part) for part in parts]

    def reduce(self, sendobj: Any, op: Operator = MPI.SUM, root: int = 0) -> Any | None:
        """Return everybody's objects, combined, at the root."""
        parts = self._gathered("reduce", sendobj, root)
        return reduce(op, parts) if self._place == root else None

    def allreduce(self, sendobj: Any, op: Operator = MPI.SUM) -> Any:
        """Return everybody's objects, combined."""
        return reduce(op, self._allgathered("allreduce", sendobj))

    def scan(self, sendobj: Any, op: Operator = MPI.SUM) -> Any:
        """Return the objects up to this member's, combined."""
        return reduce(op, self._allgathered("scan", sendobj)[: self._place + 1])

    def exscan(self, sendobj: Any, op: Operator = MPI.SUM) -> Any:
        """Return the objects before this member's, combined; None for the first member."""
        before = self._allgathered("exscan", sendobj)[: self._place]
        return reduce(op, before) if before else None

    def _gathered(self, name: str, sendobj: Any, root: int) -> list[Any]:
        begin = self._travel.gather(pickled(sendobj), root)
        parts = self.collective(name, lambda _: begin, root=root)
        return [MPI.pickle.loads(part) for part in parts]

    def _allgathered(self, name: str, sendobj: Any) -> list[Any]:
        begin = self._travel.allgather(pickled(sendobj))
        parts = self.collective(name, lambda _: begin)
        return [MPI.pickle.loads(part) for part in parts]

    def _each(self, values: Sequence[Any] | None) -> list[bytes]:
        size = len(self._team)
        if values is None or len(values) != size:
            found = None if values is None else len(values)
            raise ValueError(f"expected {size} objects, one for each member, not {found}")
        return [pickled(value) for value in values]


def _buffered(name: str, root_at: int | None) -> Callable[..., None]:
    """Return the patient form of a collective of buffers."""

    def method(self: Communicator, *arguments: Any, **named: Any) -> None:
        def begin(_: int) -> Iterator[MPI.Request]:
            yield getattr(self._plain, f"I{name.lower()}")(*arguments, **named)

        root = named.get("root", 0)
        if root_at is not None and len(arguments) > root_at:
            root = arguments[root_at]
        self.collective(name, begin, root=root)

    return method


def _making(name: str) -> Callable[..., MPI.Comm]:
    """Return a collective that makes a communicator; once all have come it cannot block."""

    def method(self: Communicator, *arguments: Any, **named: Any) -> Any:
        def begin(_: int) -> Steps:
            yield from ()
            return getattr(self._plain, name)(*arguments, **named)

        return self.collective(name, begin)

    return method


for _name in ROOTED:
    setattr(Communicator, _name, _buffered(_name, ROOTED[_name]))
for _name in ROOTLESS:
    setattr(Communicator, _name, _buffered(_name, None))
for _name in MAKING:
    setattr(Communicator, _name, _making(_name))


def form(world: MPI.Intracomm, ranks: Sequence[int], number: int) -> Communicator:
    """Return a communicator of these ranks, in this order; only they call this.

    Args:
        world: Nobody else may use it with the tags from 64 on.
        ranks: Of the world.
        number: No other gang that has one of these ranks may have it at the same time.

    Raises:
        Stuck: If MPI can make no further communicator.
    """
    Communicator.reap()
    highest: int = world.Get_attr(MPI.TAG_UB)  # type: ignore[assignment]  # every MPI has it
    tag = FIRST_TAG + number % ((highest - FIRST_TAG) // 2) * 2
    place = list(ranks).index(world.Get_rank())
    agreement = Agreement(world, ranks, place, tag)
    agreement.claim(Claim(CALLS, OPERATIONS.index("forming"), 0, place))
    patience = Patience()
    while not agreement.advance():
        patience.wait(())
    agreement.conclude()
    everybody = world.Get_group()
    group = everybody.Incl(ranks)
    try:
        plain = world.Create_group(group, tag + 1)
    except MPI.Exception as error:  # MPICH has 2,048 at most
        unfreed = f"{Communicator.unfreed} of this rank could not be freed"
        raise Stuck(f"MPI makes no further communicator, {unfreed}: {error}") from error
    finally:
        group.Free()
        everybody.Free()
    return Communicator(plain, agreement, ranks)
