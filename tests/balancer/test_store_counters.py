"""The data store: counters."""

from supervisor.core.operations import Create, Notice, Retrieve, Subscribe, Update
from tests.balancer.shards import ask, refusal, run


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
