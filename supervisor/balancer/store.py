"""The data store: one server's shard of the write-once data.

A shard does no I/O: ``apply`` takes an operation and its source, changes only the shard's own
state, and returns the answer, who is to be notified, and operations to pass on.

Operations of different ranks arrive in any order, so none of them may depend on Create having
arrived. The rule is this. Whatever writes, refers to or waits for an unknown datum makes it
provisional: its effects hold at once, while its reference counts are only sums so far. Create
adds the counts it brings, and then at the earliest the datum is closed for want of writers, or
freed. (A value is closed by its Store in any case.) So the state after a set of operations does
not depend on when the Create came and nothing is lost. A datum whose Create never comes stays:
waited for it shows in ``open``, written it holds its memory. Only reading what is not there is
refused: subscribe first.

Nested data may live on other shards. Then a writer waits for the answers to its writes before it
gives up its reference of the outer container; on the same shard the order of messages is enough.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from supervisor.balancer import writing
from supervisor.balancer.datum import Datum, Refusal
from supervisor.balancer.handlers import Handlers
from supervisor.core.ids import IdSet
from supervisor.core.operations import (
    Answer,
    Create,
    DataError,
    Enumerate,
    Exists,
    Fail,
    Hold,
    Insert,
    Lookup,
    Nest,
    Notice,
    OpenDatum,
    Operation,
    Reference,
    References,
    Retrieve,
    Size,
    Store,
    Subscribe,
    Update,
    describe,
)

_NAMES_KEPT = 1024


class Outcome(NamedTuple):
    """What follows from an operation.

    Attributes:
        answer: For the source; a DataError if the operation was refused.
        notices: For subscribers.
        forwards: Operations on other data, each for its owner's shard, this one included. What
            is for this one is best applied at once. If one is refused, somebody gave up references
            that were not theirs, or nested a datum under an id that was in use.
    """

    answer: Answer
    notices: list[Notice]
    forwards: list[Operation]


class Shard:
    """The data that one server owns.

    Args:
        makers: Number of all who make ids.
        servers: Number of servers. Both only make the memory of freed ids compact.
    """

    _on = Handlers[Outcome]("data store")

    def __init__(self, *, makers: int = 1, servers: int = 1) -> None:
        self.nbytes = 0  # of payload held
        self._data: dict[int, Datum] = {}
        self._freed = IdSet(makers * servers)
        self._names: OrderedDict[int, str] = OrderedDict()  # of data freed lately

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, id: int) -> bool:
        return id in self._data

    def apply(self, operation: Operation, source: int) -> Outcome:
        """Do one operation; if it is refused, the answer says why and nothing has changed.

        Raises:
            ProtocolError: If it is not an operation.
        """
        try:
            return self._on.find(type(operation), source)(self, operation, source)
        except Refusal as refusal:
            message = str(refusal)
        notices = []
        if isinstance(operation, Subscribe):
            notices.append(Notice(source, operation.id, operation.key, None, message))
        return Outcome(DataError(message), notices, [])

    def holds_members(self, id: int) -> bool:
        """Return whether a datum is a container or a bag."""
        datum = self._data.get(id)
        return datum is not None and datum.kind in ("container", "bag")

    def open(self) -> list[OpenDatum]:
        """Return the data that are not closed, for the report of a deadlock."""
        return [datum.open_datum() for datum in self._data.values() if not datum.closed]

    # --- writing --------------------------------------------------------------------------

    @_on(Create)
    def _create(self, operation: Create, source: int) -> Outcome:
        datum = self._provide(operation)
        return self._settle(datum, None, writing.create(datum, operation))

    @_on(Store)
    def _store(self, operation: Store, source: int) -> Outcome:
        datum = self._provide(operation)
        notices = writing.store(datum, operation)
        self.nbytes += len(operation.value)
        return self._settle(datum, None, notices)

    @_on(Fail)
    def _fail(self, operation: Fail, source: int) -> Outcome:
        datum = self._provide(operation)
        outcome = self._settle(datum, None, writing.fail(datum, operation))
        if operation.heard or outcome.notices or datum.id in self._data:
            return outcome
        return outcome._replace(answer=DataError(datum.failure))

    @_on(Insert)
    def _insert(self, operation: Insert, source: int) -> Outcome:
        datum = self._provide(operation)
        notices = writing.insert(datum, operation)
        if not isinstance(operation.value, Reference):
            self.nbytes += len(operation.value)
        return self._settle(datum, None, notices)

    @_on(Update)
    def _update(self, operation: Update, source: int) -> Outcome:
        datum = self._provide(operation)
        notices = writing.update(datum, operation)
        return self._settle(datum, datum.number, notices)

    @_on(References)
    def _refer(self, operation: References, source: int) -> Outcome:
        datum = self._provide(operation)
        datum.count(readers=operation.readers, writers=operation.writers)
        return self._settle(datum)

    @_on(Hold)
    def _hold(self, operation: Hold, source: int) -> Outcome:
        datum = self._provide(operation)
        return self._settle(datum, None, writing.hold(datum, operation))

    @_on(Nest)
    def _nest(self, operation: Nest, source: int) -> Outcome:
        """The inner datum may live elsewhere, so its Create is passed on like any other."""
        datum = self._provide(operation)
        size = len(datum.members or ())
        inner, notices = writing.nest(datum, operation)
        outcome = self._settle(datum, inner, notices)
        if len(datum.container()) > size:
            name = f"{datum.name}[{operation.key!r}]" if datum.name else ""
            outcome.forwards.append(Create(inner, operation.kind, name))
        return outcome

    # --- reading --------------------------------------------------------------------------

    @_on(Retrieve)
    def _retrieve(self, operation: Retrieve, source: int) -> Outcome:
        datum = self._find(operation)
        content = datum.read()
        datum.give_up(readers=operation.readers)
        return self._settle(datum, content)

    @_on(Lookup)
    def _look_up(self, operation: Lookup, source: int) -> Outcome:
        datum = self._find(operation)
        member = datum.member(operation.key)
        datum.give_up(readers=operation.readers)
        return self._settle(datum, member)

    @_on(Enumerate)
    def _enumerate(self, operation: Enumerate, source: int) -> Outcome:
        datum = self._find(operation)
        listing = datum.listing(operation)
        datum.give_up(readers=operation.readers)
        return self._settle(datum, listing)

    @_on(Size)
    def _size(self, operation: Size, source: int) -> Outcome:
        return Outcome(self._find(operation).size(), [], [])

    @_on(Exists)
    def _exists(self, operation: Exists, source: int) -> Outcome:
        return Outcome(self._provide(operation).there(operation.key), [], [])

    @_on(Subscribe)
    def _subscribe(self, operation: Subscribe, source: int) -> Outcome:
        datum = self._provide(operation)
        notices = datum.subscribe(operation.key, source)
        return self._settle(datum, bool(notices), notices)

    # --- the data -------------------------------------------------------------------------

    def _provide(self, operation: Operation) -> Datum:
        """Return the datum, or a provisional one, which is kept only once it is settled."""
        datum = self._data.get(operation.id)
        if datum is not None:
            return datum
        if operation.id in self._freed:
            raise Refusal(self._late(operation))
        return Datum(operation.id)

    def _find(self, operation: Operation) -> Datum:
        """Return a datum whose kind is known, for reading."""
        datum = self._provide(operation)
        if datum.kind is None:
            raise Refusal(f"{datum.label()} is not there: neither created nor written yet")
        return datum

    def _late(self, operation: Operation) -> str:
        label = describe(operation.id, self._names.get(operation.id, ""))
        if isinstance(operation, Store):
            return f"{label} was written already, and freed since"
        what = type(operation).__name__
        return f"{label} was freed when its last read reference was given up; {what} is too late"

    def _settle(
        self, datum: Datum, answer: Answer = None, notices: Iterable[Notice] = ()
    ) -> Outcome:
        """Keep a datum that an operation has changed; close and free it if it is time."""
        self._data[datum.id] = datum
        outcome = Outcome(answer, list(notices), [])
        if datum.ripe():
            outcome.notices.extend(datum.close())
            outcome.forwards.extend(datum.closed_with_it())
        if datum.spent():
            outcome.forwards.extend(datum.freed_with_it())
            self._free(datum)
        return outcome

    def _free(self, datum: Datum) -> None:
        del self._data[datum.id]
        self._freed.add(datum.id)
        self.nbytes -= datum.nbytes()
        if datum.name:
            self._names[datum.id] = datum.name
            if len(self._names) > _NAMES_KEPT:
                self._names.popitem(last=False)

    def check(self) -> None:
        """Raise AssertionError if the state contradicts itself; for tests and simulations."""
        assert self.nbytes == sum(datum.nbytes() for datum in self._data.values())
        assert len(self._names) <= _NAMES_KEPT
        for id, datum in self._data.items():
            assert datum.id == id and id not in self._freed, f"{id} is held and freed"
            datum.check()
