"""The data store against a model that derives everything from the accepted operations."""

import math
from collections import deque

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from supervisor.balancer.store import Shard
from supervisor.core.operations import (
    SMALL_BYTES,
    Create,
    DataError,
    Enumerate,
    Exists,
    Insert,
    Listing,
    Lookup,
    Nest,
    Reference,
    References,
    Retrieve,
    Size,
    Store,
    Subscribe,
    Update,
)

WRITES = (Store, Insert, Nest, Update)
FOLDS = {"min": min, "max": max, "incr": lambda a, b: a + b, "scale": lambda a, b: a * b}
NEUTRAL = {"min": math.inf, "max": -math.inf, "incr": 0, "scale": 1}


def kind_for(operation):
    """Return the kinds that an operation is for; the first is the one that a write gives."""
    match operation:
        case Store():
            return ("value",)
        case Retrieve():
            return ("value", "counter")
        case Insert(key=None):
            return ("bag",)
        case Size() | Enumerate():
            return ("container", "bag")
        case Update():
            return ("counter",)
        case Exists(key=None) | Subscribe(key=None) | References():
            return ("value", "container", "bag", "counter")
    return ("container",)


class History:
    """The operations on one datum that were accepted; its state is what follows from them."""

    def __init__(self, operations=()):
        self.operations = list(operations)

    def of(self, *types):
        return [operation for operation in self.operations if isinstance(operation, types)]

    @property
    def kind(self):
        kinds = [o.kind for o in self.of(Create)] + [kind_for(o)[0] for o in self.of(*WRITES)]
        return kinds[0] if kinds else None

    @property
    def created(self):
        return bool(self.of(Create))

    def total(self, field):
        added = sum(getattr(o, field) for o in self.of(Create, References))
        given_up = (o for o in self.operations if not isinstance(o, Create | References))
        return added - sum(getattr(o, field, 0) for o in given_up)

    @property
    def members(self):
        pairs = {}
        for operation in self.of(Insert, Nest):
            new = Reference(operation.new) if isinstance(operation, Nest) else operation.value
            key = len(pairs) if operation.key is None else operation.key
            pairs.setdefault(key, new)
        return pairs

    @property
    def content(self):
        if self.kind == "counter":
            number = next((o.initial for o in self.of(Create)), None)
            for operation in self.of(Update):
                before = NEUTRAL[operation.fold] if number is None else number
                number = FOLDS[operation.fold](before, operation.operand)
            return number
        return next((operation.value for operation in self.of(Store)), None)

    @property
    def closed(self):
        return bool(self.of(Store)) or (self.created and self.total("writers") == 0)

    @property
    def abandoned(self):
        return self.closed and self.kind in ("value", "counter") and self.content is None

    @property
    def freed(self):
        return self.closed and self.created and self.total("readers") == 0

    def has(self, key):
        if key is None:
            return self.closed and not self.abandoned
        return self.kind == "container" and key in self.members

    def refuses(self, operation):
        """Return whether the next operation is to be refused."""
        then = History([*self.operations, operation])
        if self.freed or (self.created and min(then.total("readers"), then.total("writers")) < 0):
            return True
        if isinstance(operation, Create):
            return self._refuses_create(operation, then)
        if self.kind not in (None, *kind_for(operation)):
            return True
        given_up = getattr(operation, "readers", 0), getattr(operation, "writers", 0)
        if not isinstance(operation, References) and min(given_up) < 0:
            return True
        return self._refuses_write(operation) or self._refuses_read(operation)

    def _refuses_create(self, operation, then):
        if self.created or self.kind not in (None, operation.kind):
            return True
        if min(operation.readers, operation.writers) < 0:
            return True
        if min(then.total("readers"), then.total("writers")) < 0:
            return True
        counter = operation.kind == "counter" and self.content is None
        return operation.initial is not None and not counter

    def _refuses_write(self, operation):
        match operation:
            case References(writers=writers):
                return self.closed and writers > 0
            case Nest(key=key, kind=kind, new=new):
                if key not in self.members:
                    return self.closed or new == operation.id
                inserted = [o for o in self.of(Insert) if o.key == key]
                nested = [o for o in self.of(Nest) if o.key == key]
                if inserted:
                    return isinstance(inserted[0].value, bytes)
                return nested[0].kind != kind
            case Insert(key=key):
                return self.closed or (key is not None and key in self.members)
            case Store() | Update():
                return self.closed
        return False

    def _refuses_read(self, operation):
        match operation:
            case Retrieve():
                return self.content is None
            case Lookup(key=key):
                return key not in self.members
            case Size() | Enumerate():
                return self.kind is None
            case Subscribe(key=key):
                return self.closed and not self.has(key)
        return False

    def answer(self, operation):
        """Return the answer to the operation, which was accepted last or not at all."""
        match operation:
            case Retrieve() | Update():
                return self.content
            case Lookup(key=key):
                return self.members[key]
            case Exists(key=key) | Subscribe(key=key):
                return self.has(key)
            case Size():
                return len(self.members)
            case Nest(key=key):
                return self.members[key].id
            case Enumerate(first=first, count=count):
                chosen = slice(first, None if count is None else first + count)
                keys = list(self.members)[chosen] if self.kind == "container" else None
                return Listing(
                    keys if operation.keys else None,
                    list(self.members.values())[chosen] if operation.values else None,
                )
        return None


IDS = st.integers(1, 4)
KEYS = st.sampled_from(["k", "l", 0, 1])
KINDS = st.sampled_from(["value", "container", "bag", "counter"])
BYTES = st.sampled_from([b"", b"abc", bytes(SMALL_BYTES), bytes(SMALL_BYTES + 1)])
MEMBERS = BYTES | st.builds(Reference, IDS)
FEW = st.sampled_from([0, 0, 0, 1, 1, 2, -1])
NUMBERS = st.sampled_from([0, 1, -10, 100, 0.5])
OPERATIONS = st.one_of(
    st.builds(Create, IDS, KINDS, st.sampled_from(["", "x"]), FEW, FEW),
    st.builds(Create, IDS, KINDS, st.just("n"), FEW, FEW, st.none() | NUMBERS),
    st.builds(Store, IDS, BYTES, FEW),
    st.builds(Insert, IDS, st.none() | KEYS, MEMBERS, FEW),
    st.builds(Insert, IDS, KEYS, MEMBERS),
    st.builds(Nest, IDS, KEYS, KINDS, IDS),
    st.builds(Update, IDS, st.sampled_from(sorted(FOLDS)), NUMBERS, FEW),
    st.builds(References, IDS, FEW, FEW),
    st.builds(References, IDS, FEW.map(lambda n: -n), FEW.map(lambda n: -n)),
    st.builds(Retrieve, IDS, FEW),
    st.builds(Lookup, IDS, KEYS, FEW),
    st.builds(Enumerate, IDS, st.integers(0, 2), st.none() | st.just(1), st.booleans()),
    st.builds(Size, IDS),
    st.builds(Exists, IDS, st.none() | KEYS),
    st.builds(Subscribe, IDS, st.none() | KEYS),
)


class ShardMachine(RuleBasedStateMachine):
    """Random operations; what they lead to is applied like what ranks ask for."""

    def __init__(self):
        super().__init__()
        self.shard = Shard()
        self.histories = {}
        self.waits = []  # subscriptions without a notice: subscriber, id, key

    @rule(operation=OPERATIONS, source=st.integers(0, 2))
    def operate(self, operation, source):
        pending = deque([operation])
        while pending:
            pending.extend(self.step(pending.popleft(), source))

    def step(self, operation, source):
        """Apply one operation to both; compare; return what is to be applied next."""
        before = self.histories.get(operation.id, History())
        refused = before.refuses(operation)
        kept = [] if refused else [operation]
        after = History([*before.operations, *kept])
        outcome = self.shard.apply(operation, source)
        assert isinstance(outcome.answer, DataError) == refused, outcome.answer
        if not refused:
            assert outcome.answer == after.answer(operation)
            if not isinstance(operation, Exists):  # which leaves nothing behind
                self.histories[operation.id] = after
        granted = self.compare_notices(operation, source, after, outcome.notices, refused)
        if granted:
            after = History([*after.operations, References(operation.id, readers=granted)])
            self.histories[operation.id] = after
        assert outcome.forwards == self.forwards(operation, before, after)
        return outcome.forwards

    def compare_notices(self, operation, source, after, notices, refused):
        """Compare; return the number of read references for what has to be fetched."""
        told = [(n.subscriber, n.id, n.key, n.value, bool(n.failure)) for n in notices]
        if isinstance(operation, Subscribe):
            if refused:
                assert told == [(source, operation.id, operation.key, None, True)]
                return 0
            self.waits.append((source, operation.id, operation.key))
        due = [w for w in self.waits if w[1] == operation.id and self.decided(after, w[2])]
        self.waits = [wait for wait in self.waits if wait not in due]
        expected = [(*wait, *self.news(after, wait[2])) for wait in due]
        failures = [one for one in expected if one[-1]]
        news = [one for one in expected if not one[-1]]
        once = [*failures, *dict.fromkeys(news)]  # however many tasks wait there
        assert sorted(told, key=repr) == sorted(once, key=repr)
        return sum(one[3] is None for one in news)

    @staticmethod
    def decided(after, key):
        no_container = key is not None and after.kind not in (None, "container")
        return after.has(key) or after.closed or no_container

    @staticmethod
    def news(after, key):
        if not after.has(key):
            return None, True
        content = after.content if key is None else after.members[key]
        large = isinstance(content, bytes) and len(content) > SMALL_BYTES
        return (None if large else content), False

    @staticmethod
    def forwards(operation, before, after):
        closes = after.closed and not before.closed
        frees = after.freed and not before.freed
        nests = isinstance(operation, Nest) and len(after.members) > len(before.members)
        nested = {o.key: o for o in reversed(after.of(Nest)) if o.key in after.members}
        inserted = {o.key for o in after.of(Insert)}
        inner = [after.members[key].id for key in after.members if key in nested.keys() - inserted]
        held = [m.id for m in after.members.values() if isinstance(m, Reference)]
        name = next((o.name for o in after.of(Create)), "")
        label = f"{name}[{operation.key!r}]" if nests and name else ""
        return [
            *(References(id, writers=-1) for id in inner if closes),
            *(References(id, readers=-1) for id in held if frees),
            *([Create(operation.new, operation.kind, label)] if nests else []),
        ]

    @invariant()
    def holds_the_same(self):
        self.shard.check()
        alive = {id: one for id, one in self.histories.items() if not one.freed}
        payload = [m for one in alive.values() for m in [one.content, *one.members.values()]]
        assert self.shard.nbytes == sum(len(m) for m in payload if isinstance(m, bytes))
        waiting = [(rank, d.id, key) for d in self.shard.open() for rank, key in d.waiting]
        assert sorted(waiting, key=repr) == sorted(self.waits, key=repr)
        assert all(id in self.shard for id in alive)


TestShard = ShardMachine.TestCase
TestShard.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
