"""The data store: single values, and which operations each kind of datum takes."""

import pytest

from supervisor.balancer.store import Shard
from supervisor.core.errors import ProtocolError
from supervisor.core.operations import (
    Create,
    DataError,
    Enumerate,
    Exists,
    Fail,
    Insert,
    Lookup,
    Nest,
    Notice,
    References,
    Retrieve,
    Size,
    Store,
    Subscribe,
    Update,
)
from tests.balancer.shards import ask, refusal, run


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


def test_a_value_that_fails_tells_why_and_later_ones_how_they_depend_on_it(shard):
    run(shard, Create(2, "value", "x"), Create(3, "value", "y"), Subscribe(2))
    _, notices = run(shard, Fail(2, "no good"))
    assert notices == [Notice(1, 2, None, None, "x (datum 2) failed: no good")]
    run(shard, Fail(3, notices[0].failure, own=False))
    why = "x (datum 2) failed: no good\nneeded by y (datum 3)"
    assert refusal(shard, Subscribe(3)) == why == refusal(shard, Retrieve(3))
    assert "closed" in refusal(shard, Store(2, b""))


def test_a_failure_that_nobody_will_hear_of_is_the_answer(shard):
    run(shard, Create(2, "value", "x", readers=0), Create(3, "value", "y", readers=0))
    answer, _ = run(shard, Fail(2, "bad"))
    assert answer == DataError("x (datum 2) failed: bad")
    assert ask(shard, Fail(3, "bad", heard=True)) is None
    assert len(shard) == 0
