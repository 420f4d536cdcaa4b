"""The data store: what each operation does."""

import itertools

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from supervisor.balancer.datum import Datum
from supervisor.balancer.ids import Ids, IdSet, owner
from supervisor.balancer.store import Shard
from supervisor.core.errors import ProtocolError
from supervisor.core.operations import (
    SMALL_BYTES,
    Answer,
    Create,
    DataError,
    Enumerate,
    Exists,
    Insert,
    Listing,
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
)


@pytest.fixture
def shard():
    one = Shard()
    yield one
    one.check()


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


# --- values -------------------------------------------------------------------------------


def test_a_value_is_what_was_stored(shard):
    assert ask(shard, Create(17, "value", "x"), Store(17, b"abc"), Retrieve(17)) == b"abc"


def test_a_second_write_names_the_datum_and_leaves_the_first(shard):
    message = refusal(shard, Create(17, "value", "x"), Store(17, b"a"), Store(17, b"b"))
    assert message == "x (datum 17) was written already"
    assert ask(shard, Retrieve(17)) == b"a"


def test_a_second_write_is_refused_even_after_the_memory_was_given_back(shard):
    run(shard, Create(17, "value", "x"), Store(17, b"a"), Retrieve(17, readers=1))
    assert refusal(shard, Store(17, b"b")) == "x (datum 17) was written already, and freed since"


def test_reading_what_is_not_written_is_refused(shard):
    assert "datum 17 is not there" in refusal(shard, Retrieve(17))
    assert refusal(shard, Create(17, "value", "x"), Retrieve(17)) == (
        "x (datum 17) is not written yet"
    )
    assert ask(shard, Exists(17)) is False


def test_a_value_whose_last_writer_gives_up_was_never_written(shard):
    run(shard, Create(17, "value", "x", writers=2), Subscribe(17))
    _, notices = run(shard, References(17, writers=-1), References(17, writers=-1))
    why = "x (datum 17) was never written: its last write reference was given up"
    assert notices == [Notice(1, 17, None, None, why)]
    assert refusal(shard, Retrieve(17)) == why
    assert ask(shard, Exists(17)) is False
    assert "too late" in refusal(shard, Store(17, b""))


def test_one_of_several_writers_may_store_and_the_others_give_up(shard):
    run(shard, Create(17, "value", writers=2), Store(17, b"a"), References(17, writers=-1))
    assert ask(shard, Retrieve(17)) == b"a"


def test_an_unknown_operation_is_a_defect(shard):
    with pytest.raises(ProtocolError, match="got int from rank 1"):
        shard.apply(3, 1)


@pytest.mark.parametrize(
    "operation, kinds",
    [
        (Store(1, b""), {"value"}),
        (Retrieve(1), {"value", "counter"}),
        (Insert(1, "k", b""), {"container"}),
        (Insert(1, None, b""), {"bag"}),
        (Lookup(1, "k"), {"container"}),
        (Exists(1, "k"), {"container"}),
        (Subscribe(1, "k"), {"container"}),
        (Enumerate(1), {"container", "bag"}),
        (Size(1), {"container", "bag"}),
        (Update(1, "incr", 1), {"counter"}),
        (Nest(1, "k", "bag", 2), {"container"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_operations_are_for_their_kind(operation, kinds):
    for kind in ("value", "container", "bag", "counter"):
        shard = Shard()
        run(shard, Create(1, kind, "x"))
        answer, _ = run(shard, operation)
        misfit = isinstance(answer, DataError) and f"x (datum 1) is a {kind}; " in answer.message
        assert misfit == (kind not in kinds)


# --- subscriptions ------------------------------------------------------------------------


def test_subscribers_are_told_once_with_a_small_value(shard):
    assert run(shard, Subscribe(17), source=5) == (False, [])
    run(shard, Subscribe(17), source=6)
    _, notices = run(shard, Create(17, "value"), Store(17, b"abc"))
    assert notices == [Notice(5, 17, None, b"abc"), Notice(6, 17, None, b"abc")]


def test_a_late_subscriber_is_told_at_once(shard):
    run(shard, Create(17, "value"), Store(17, b"abc"))
    assert run(shard, Subscribe(17), source=5) == (True, [Notice(5, 17, None, b"abc")])


@pytest.mark.parametrize("size, travels", [(SMALL_BYTES, True), (SMALL_BYTES + 1, False)])
def test_a_large_value_is_to_be_retrieved(shard, size, travels):
    _, notices = run(shard, Subscribe(17), Create(17, "value"), Store(17, bytes(size)))
    assert notices == [Notice(1, 17, None, bytes(size) if travels else None)]
    assert shard.nbytes == size


def test_who_waits_for_a_member_of_what_is_no_container_is_told_so(shard):
    _, notices = run(shard, Subscribe(17, "k"), Create(17, "value", "x"))
    assert notices == [
        Notice(
            *(1, 17, "k", None),
            "x['k'] (datum 17) was never written: it is a value, not a container",
        )
    ]


def test_every_subscription_has_a_notice_even_a_refused_one(shard):
    run(shard, Create(17, "value", "x"), Store(17, b""), Retrieve(17, 1))
    answer, notices = run(shard, Subscribe(17), source=5)
    assert notices == [Notice(5, 17, None, None, answer.message)]
    assert answer.message.startswith("x (datum 17) was freed")


# --- containers and bags ------------------------------------------------------------------


def test_a_sparse_array_has_exactly_its_members(shard):
    pairs = {0: b"1", 1: b"2", 5: b"3", 6: b"4"}
    run(shard, Create(2, "container", "A"), *(Insert(2, key, v) for key, v in pairs.items()))
    listing = ask(shard, Enumerate(2))
    assert dict(zip(listing.keys, listing.values, strict=True)) == pairs
    assert ask(shard, Size(2)) == 4
    assert [ask(shard, Exists(2, key)) for key in (0, 2, 5)] == [True, False, True]


def test_keys_may_be_any_text(shard):
    pairs = {"hello world": b"1", "goodbye": b"2"}
    run(shard, Create(2, "container"), *(Insert(2, key, v) for key, v in pairs.items()))
    assert ask(shard, Lookup(2, "hello world")) == b"1"
    assert ask(shard, Enumerate(2, values=False)) == Listing(list(pairs), None)


def test_listings_come_in_slices(shard):
    run(shard, Create(2, "container"), *(Insert(2, i, b"%d" % i) for i in range(10)))
    slices = [ask(shard, Enumerate(2, first, 4, keys=False)).values for first in (0, 4, 8)]
    assert b"".join(itertools.chain(*slices)) == b"0123456789"
    assert "negative" in refusal(shard, Enumerate(2, -1))


def test_a_member_is_written_once(shard):
    message = refusal(shard, Create(2, "container", "A"), Insert(2, 7, b""), Insert(2, 7, b""))
    assert message == "A[7] (datum 2) was written already"


def test_a_container_is_closed_when_its_writers_are_done(shard):
    run(shard, Create(2, "container", "A", writers=2), Subscribe(2), Subscribe(2, "k"))
    assert run(shard, Insert(2, "k", b"v", writers=1)) == (None, [Notice(1, 2, "k", b"v")])
    assert run(shard, References(2, writers=-1)) == (None, [Notice(1, 2, None)])
    assert "A (datum 2) is closed" in refusal(shard, Insert(2, "l", b""))
    assert "takes no more write references" in refusal(shard, References(2, writers=1))


def test_waiting_for_a_member_that_the_closed_container_lacks_fails_by_name(shard):
    run(shard, Create(2, "container", "A"), Subscribe(2, "k"))
    _, notices = run(shard, References(2, writers=-1))
    why = "A['k'] (datum 2) was never written: the container was closed without it"
    assert notices == [Notice(1, 2, "k", None, why)]
    assert refusal(shard, Subscribe(2, "k")) == why == refusal(shard, Lookup(2, "k"))


def test_a_bag_keeps_its_members_in_order(shard):
    run(shard, Create(3, "bag"), *(Insert(3, None, value) for value in (b"b", b"a", b"b")))
    assert ask(shard, Enumerate(3)) == Listing(None, [b"b", b"a", b"b"])
    assert ask(shard, Size(3)) == 3


# --- nesting ------------------------------------------------------------------------------


def test_many_writers_reach_the_same_nested_container(shard):
    run(shard, Create(2, "container", "B"))
    one = ask(shard, Nest(2, "one", "container", new=11))
    assert one == 11 == ask(shard, Nest(2, "one", "container", new=12))
    two = ask(shard, Nest(one, 1, "container", new=13))
    ask(shard, Insert(two, "1.0", b"1"))
    assert ask(shard, Lookup(2, "one")) == Reference(11)
    assert ask(shard, Lookup(13, "1.0")) == b"1" and 12 not in shard
    assert [datum.name for datum in shard.open()] == ["B", "B['one']", "B['one'][1]"]


def test_nested_data_are_closed_and_freed_with_the_outer_container(shard):
    run(shard, Create(2, "container", "B"), Nest(2, "one", "container", new=11))
    run(shard, Nest(11, 1, "container", new=13), Insert(13, "k", b"v"), Subscribe(13))
    _, notices = run(shard, References(2, writers=-1))
    assert notices == [Notice(1, 13, None)] and not shard.open()
    run(shard, References(2, readers=-1))
    assert len(shard) == 0 == shard.nbytes


def test_nesting_another_kind_or_where_a_value_is_is_refused(shard):
    run(shard, Create(2, "container", "B"), Nest(2, 0, "bag", new=11), Insert(2, 1, b"v"))
    assert (
        refusal(shard, Nest(2, 0, "container", 12)) == "B[0] (datum 2) is a bag, not a container"
    )
    assert refusal(shard, Nest(2, 1, "bag", 12)) == "B[1] (datum 2) is a value, not a bag"
    assert "in itself" in refusal(shard, Nest(2, 2, "bag", 2))
    assert "too late" in refusal(shard, References(2, writers=-1), Nest(2, 2, "bag", 12))


def test_nested_data_may_live_on_another_shard():
    shard = Shard()
    shard.apply(Create(2, "container", "B"), 1)
    assert shard.apply(Nest(2, 0, "bag", 5), 1).forwards == [Create(5, "bag", "B[0]")]
    assert shard.apply(References(2, writers=-1), 1).forwards == [References(5, writers=-1)]
    assert shard.apply(References(2, readers=-1), 1).forwards == [References(5, readers=-1)]


@pytest.mark.parametrize("kind, key", [("container", "k"), ("bag", None)])
def test_what_refers_to_data_gives_up_its_references_when_it_is_freed(shard, kind, key):
    run(shard, Create(1, "value", readers=2), Store(1, b"v"), Create(2, kind))
    run(shard, Insert(2, key, Reference(1), writers=1), References(2, readers=-1))
    assert len(shard) == 1
    run(shard, Retrieve(1, readers=1))
    assert len(shard) == 0


# --- counters -----------------------------------------------------------------------------


def test_a_minimum_is_kept_after_a_larger_number(shard):
    assert ask(shard, Create(4, "counter", initial=100), Update(4, "min", 125)) == 100


def test_increments_add_up(shard):
    run(shard, Create(4, "counter"), *(Update(4, "incr", n) for n in (1, 1, 200, -10)))
    assert ask(shard, Retrieve(4)) == 192


def test_scaling_multiplies(shard):
    assert ask(shard, Create(4, "counter", initial=200), Update(4, "scale", 0.5)) == 100


def test_a_hundred_increments_count_to_a_hundred_and_close(shard):
    run(shard, Create(4, "counter", writers=100), Subscribe(4))
    for source in range(100):
        _, notices = run(shard, Update(4, "incr", 1, writers=1), source=source)
    assert notices == [Notice(1, 4, None, 100)]
    assert "too late" in refusal(shard, Update(4, "incr", 1))
    assert ask(shard, Retrieve(4, readers=1)) == 100 and len(shard) == 0


def test_a_counter_takes_only_numbers_that_can_be_compared_and_sent(shard):
    run(shard, Create(4, "counter", "n"))
    assert "not a number" in refusal(shard, Update(4, "min", float("nan")))
    assert "64 bits" in refusal(shard, Update(4, "max", 2**62), Update(4, "scale", 2))
    assert "not a number" in refusal(
        shard, Create(5, "counter", initial=0.0), Update(5, "scale", float("inf"))
    )


def test_an_initial_value_is_for_counters_that_nobody_used(shard):
    assert "only a counter" in refusal(shard, Create(1, "value", initial=1))
    message = refusal(shard, Update(4, "incr", 1), Create(4, "counter", "n", initial=1))
    assert message == "n (datum 4) was updated before it was created with an initial value"


# --- references and memory ----------------------------------------------------------------


def test_memory_is_given_back_with_the_last_read_reference(shard):
    run(shard, Create(17, "value", "x", readers=2), Store(17, b"abc"), Retrieve(17, 1))
    assert shard.nbytes == 3
    assert ask(shard, Retrieve(17, readers=1)) == b"abc"
    assert shard.nbytes == len(shard) == 0
    assert refusal(shard, Retrieve(17)).startswith("x (datum 17) was freed when its last read")


def test_data_are_not_freed_before_they_are_closed(shard):
    run(shard, Create(17, "value"), References(17, readers=-1), Subscribe(17))
    _, notices = run(shard, Store(17, b"abc"))
    assert notices == [Notice(1, 17, None, b"abc")] and len(shard) == 0


def test_references_cannot_become_negative(shard):
    run(shard, Create(17, "value", "x"))
    assert refusal(shard, References(17, readers=-2)) == (
        "x (datum 17) has 1 read references; 2 cannot be given up"
    )
    assert "has 1 write references" in refusal(shard, Store(17, b"", writers=2))
    assert "negative" in refusal(shard, Store(17, b"", writers=-1))
    assert "negative" in refusal(shard, Create(18, "value", readers=-1))


def test_a_refused_operation_on_an_unknown_datum_leaves_no_trace(shard):
    assert "negative" in refusal(shard, Insert(2, "k", b"", writers=-1))
    assert len(shard) == 0


def test_sizes_are_flat_after_many_cycles():
    ids, shard = Ids(3, 8, 2), Shard(ranks=8, servers=2)
    for _ in range(5000):
        id = ids.take(1)
        ask(shard, Create(id, "value", f"x{id}"), Store(id, b"abc"), Retrieve(id, 1))
    assert (len(shard), shard.nbytes, shard._freed.runs) == (0, 0, 1)
    assert len(shard._names) <= 1024
    shard.check()


def test_what_was_freed_long_ago_is_still_known_by_its_id():
    ids, shard = Ids(0, 1, 1), Shard()
    first = ids.take()
    for id in [first, *(ids.take() for _ in range(2000))]:
        ask(shard, Create(id, "value", "x"), Store(id, b""), Retrieve(id, 1))
    assert f"datum {first} was freed" in refusal(shard, Retrieve(first))


def test_open_data_are_listed_with_who_waits(shard):
    run(shard, Create(1, "value", "x"), Create(5, "value"), Store(5, b""), Create(2, "container"))
    run(shard, Subscribe(1), Subscribe(2, "k"), Subscribe(9), source=4)
    assert shard.open() == [
        OpenDatum(1, "x", "value", True, 1, [(4, None)]),
        OpenDatum(2, "", "container", True, 1, [(4, "k")]),
        OpenDatum(9, "", None, False, 0, [(4, None)]),
    ]


# --- the order of arrival -----------------------------------------------------------------

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


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[0].kind)
def test_it_does_not_matter_when_create_arrives(program):
    """Wherever Create and a subscription stand, the same is held and told in the end."""
    first, *rest = program
    ends = set()
    for at, to in itertools.product(range(len(program)), repeat=2):
        operations = [*rest[:at], first, *rest[at:]]
        operations.insert(to, Subscribe(first.id))
        shard = Shard()
        notices = [notice for one in operations for notice in run(shard, one)[1]]
        assert len(notices) == 1
        ends.add(state(shard))
        shard.check()
    assert len(ends) == 1


def test_a_create_that_does_not_fit_what_came_before_is_refused(shard):
    run(shard, Insert(2, "k", b""), References(5, readers=-2))
    assert refusal(shard, Create(2, "value", "x")) == (
        "x (datum 2) is to be a value but was used as a container"
    )
    assert "more references were given up" in refusal(shard, Create(5, "value", "x"))
    assert "created already" in refusal(shard, Create(2, "container"), Create(2, "container"))


# --- ids ----------------------------------------------------------------------------------


def test_ids_are_unique_among_ranks_and_have_the_chosen_owner():
    makers = [Ids(rank, 5, 3) for rank in range(5)]
    ids = [maker.take(at) for maker in makers for at in (0, 1, 2) for _ in range(20)]
    assert len(set(ids)) == len(ids) and min(ids) > 0
    assert [owner(id, 3) for id in ids[:60]] == [0] * 20 + [1] * 20 + [2] * 20
    with pytest.raises(ValueError, match="there is no server 3"):
        makers[0].take(3)


def test_owners_take_turns_and_ranks_begin_at_different_ones():
    assert [owner(Ids(rank, 5, 3).take(), 3) for rank in range(3)] == [0, 1, 2]
    one = Ids(0, 5, 3)
    assert [owner(one.take(), 3) for _ in range(4)] == [0, 1, 2, 0]


def test_an_id_that_was_given_back_is_taken_again():
    ids = Ids(0, 2, 2)
    first = ids.take(1)
    ids.give_back(first)
    assert ids.take(1) == first != ids.take(1)


@given(st.lists(st.integers(0, 60), unique=True), st.integers(1, 4))
def test_a_set_of_ids_is_a_set_in_runs(numbers, stride):
    ids = IdSet(stride)
    for number in numbers:
        ids.add(number)
    assert [number for number in range(-5, 70) if number in ids] == sorted(numbers)
    beginnings = [number for number in numbers if number - stride not in numbers]
    assert ids.runs == len(beginnings)


# --- on the wire --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation", [Update(4, "min", 1.5), Insert(2, None, Reference(7)), *PROGRAMS[2]]
)
def test_operations_survive_the_wire(operation):
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(operation), type=Operation) == operation


@pytest.mark.parametrize(
    "answer",
    [
        None,
        True,
        3,
        1.5,
        b"v",
        Reference(7),
        Listing(["k", 1], [b"", Reference(7)]),
        DataError(""),
    ],
)
def test_answers_survive_the_wire(answer):
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answer)
    assert decoded == answer and type(decoded) is type(answer)
