"""What the tests of the data store share: operations on a shard, and what came of them."""

from supervisor.balancer.datum import Datum
from supervisor.core.operations import Create, DataError, Insert, References, Store, Update


def run(shard, *operations, source=1):
    """Apply operations, and what they lead to; return the last answer and all notices."""
    answer, notices = None, []
    for operation in operations:
        outcome = shard.apply(operation, source)
        answer = outcome.answer
        notices += outcome.notices
        for forward in outcome.forwards:
            refused, more = run(shard, forward)
            assert refused is None
            notices += more
    return answer, notices


def ask(shard, *operations):
    answer, _ = run(shard, *operations)
    assert not isinstance(answer, DataError), answer.message
    return answer


def refusal(shard, *operations):
    """Return the message of the last operation, which must not change anything."""
    run(shard, *operations[:-1])
    before = state(shard)
    outcome = shard.apply(operations[-1], 1)
    assert isinstance(outcome.answer, DataError), outcome
    assert not outcome.forwards and state(shard) == before
    return outcome.answer.message


def state(shard):
    """Return everything that the data hold, for comparisons."""
    slots = Datum.__slots__
    return repr([(id, [getattr(d, slot) for slot in slots]) for id, d in shard._data.items()])


PROGRAMS = [
    [Create(1, "value", "x"), Store(1, b"v"), References(1, readers=1), References(1, readers=-1)],
    [Create(1, "value", "x", 0, 2), References(1, writers=-1), References(1, writers=-1)],
    [
        Create(2, "container", "A", 1, 2),
        Insert(2, "k", b"v", writers=1),
        Insert(2, "l", b"w", writers=1),
        References(2, readers=1),
        References(2, readers=-2),
    ],
    [Create(3, "bag", writers=2), Insert(3, None, b"v", 1), Insert(3, None, b"v", 1)],
    [Create(4, "counter", writers=2), Update(4, "incr", 2, 1), Update(4, "incr", 3, 1)],
]
"""Operations on one datum, the first of which creates it."""
