"""Tasks that wait for data, and the report if the data never come."""

from types import SimpleNamespace

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from supervisor.balancer.release import Stuck, Waiting, deadlock_report
from supervisor.balancer.store import Shard
from supervisor.core.errors import ProtocolError
from supervisor.core.operations import Create, OpenDatum, Reference, References, Subscribe

X, Y, K = (17, None), (18, None), (19, "k")


@pytest.fixture
def waiting():
    one = Waiting()
    yield one
    one.check()


def test_each_task_subscribes_to_each_of_its_inputs_once(waiting):
    assert waiting.add(1, [X, K, X]) == [Subscribe(17), Subscribe(19, "k")]
    assert waiting.add(2, [X, Y]) == [Subscribe(17), Subscribe(18)]


def test_a_task_is_released_by_its_last_input(waiting):
    waiting.add(1, [X, K])
    assert waiting.close(17, None, b"x") == []
    assert waiting.close(19, "k", Reference(3)) == [(1, {X: b"x", K: Reference(3)})]
    assert len(waiting) == 0


def test_large_inputs_do_not_travel_with_the_task(waiting):
    waiting.add(1, [X, Y])
    waiting.close(17, None, None)
    assert waiting.close(18, None, b"") == [(1, {Y: b""})]


def test_tasks_are_released_in_order_of_arrival(waiting):
    for task in (5, 3, 4):
        waiting.add(task, [X])
    assert [task for task, _ in waiting.close(17, None, None)] == [5, 3, 4]


def test_a_datum_and_its_members_are_different_inputs(waiting):
    waiting.add(1, [(17, None), (17, 0), (17, "0")])
    assert waiting.close(17, 0, b"") == [] == waiting.close(17, "0", b"")
    assert [task for task, _ in waiting.close(17, None, None)] == [1]


def test_an_input_that_never_comes_ends_all_tasks_that_need_it(waiting):
    waiting.add(1, [X, Y])
    waiting.add(2, [Y])
    waiting.add(3, [X])
    assert waiting.fail(17, None) == [1, 3]
    assert 2 in waiting and 1 not in waiting
    assert [task for task, _ in waiting.close(18, None, b"")] == [2]


def test_news_that_no_task_waits_for_is_ignored(waiting):
    assert waiting.close(17, None, b"") == [] == waiting.fail(17, None)


def test_a_cancelled_task_is_not_released(waiting):
    waiting.add(1, [X, Y])
    assert waiting.remove(1) and not waiting.remove(1)
    assert waiting.close(17, None, b"") == [] == waiting.close(18, None, b"")


def test_an_input_that_was_forgotten_is_subscribed_to_again(waiting):
    waiting.add(1, [X])
    waiting.close(17, None, b"")
    assert waiting.add(2, [X]) == [Subscribe(17)]


@pytest.mark.parametrize("task, inputs", [(1, [X]), (2, [])])
def test_a_task_waits_once_and_for_something(waiting, task, inputs):
    waiting.add(1, [Y])
    with pytest.raises(ProtocolError, match=f"task {task} waits"):
        waiting.add(task, inputs)


def test_the_report_lists_what_is_missing(waiting):
    waiting.add(1, [X, Y])
    waiting.add(2, [X, K])
    waiting.close(17, None, b"")
    assert waiting.report() == [Stuck(1, [Y]), Stuck(2, [K])]
    assert waiting.report(1) == [Stuck(1, [Y])]


def test_memory_is_flat_after_many_tasks(waiting):
    for task in range(1000):
        waiting.add(task, [(task, None), (-1, None)])
        waiting.close(task, None, b"v")
    assert len(waiting.close(-1, None, None)) == 1000
    assert not waiting._tasks and not waiting._waiters


# --- the report of a deadlock -------------------------------------------------------------


def test_a_deadlock_names_tasks_and_data():
    """As when a datum is assigned only under a condition on itself."""
    shard, waiting = Shard(), Waiting()
    shard.apply(Create(17, "value", "x"), 0)
    shard.apply(Create(19, "container", "A"), 0)
    for subscription in [*waiting.add(12, [X]), *waiting.add(13, [X, K, Y])]:
        shard.apply(subscription, 9)
    assert deadlock_report(waiting.report(), shard.open(), servers=[9]).splitlines() == [
        "2 tasks wait for data that nobody will write:",
        "task 12 waits for x (datum 17)",
        "task 13 waits for x (datum 17), A['k'] (datum 19), datum 18, which was never created",
    ]


def test_ranks_that_wait_are_named_too():
    data = [OpenDatum(17, "x", "value", True, 1, [(0, None), (9, None)])]
    assert deadlock_report([], data, servers=[9]).splitlines() == [
        "1 rank waits for data that nobody will write:",
        "rank 0 waits for x (datum 17)",
    ]
    report = deadlock_report([Stuck(1, [X])], data, servers=[9])
    assert report.startswith("1 task and 1 rank wait for data")


@pytest.mark.parametrize("tasks, listed", [(19, 19), (20, 18), (1000, 18)])
def test_the_report_of_a_deadlock_is_short(tasks, listed):
    stuck = [Stuck(task, [X]) for task in range(tasks)]
    for given in (stuck, stuck[:30]):
        lines = deadlock_report(given, [], tasks=tasks).splitlines()
        assert len(lines) == 20 and lines[0].startswith(f"{tasks} tasks wait")
        assert sum(line.startswith("task") for line in lines) == listed
        if listed < tasks:
            assert lines[-1] == f"and {tasks - listed} more"


def test_a_task_with_many_missing_inputs_shows_some():
    report = deadlock_report([Stuck(1, [(n, None) for n in range(50)])], [])
    assert report.endswith("task 1 waits for datum 0, datum 1, datum 2 and 47 more")


def test_nothing_is_reported_if_nobody_waits():
    assert deadlock_report([], [OpenDatum(17, "x", "value", True, 1, [])]) == ""


def test_a_failure_is_not_a_deadlock():
    shard = Shard()
    shard.apply(Create(17, "value", "x"), 0)
    shard.apply(Subscribe(17), 9)
    (notice,) = shard.apply(References(17, writers=-1), 0).notices
    assert "x (datum 17) was never written" in notice.failure and not shard.open()


# --- against brute force ------------------------------------------------------------------

INPUTS = st.tuples(st.integers(0, 3), st.sampled_from([None, 0, "k"]))
VALUES = st.sampled_from([None, b"", b"v", 3, Reference(1)])


class WaitingMachine(RuleBasedStateMachine):
    """Random tasks and news; brute force looks at every task each time."""

    def __init__(self):
        super().__init__()
        self.waiting = Waiting()
        self.tasks = []  # in order of arrival
        self.next_id = 0

    def missing(self):
        return {one for task in self.tasks for one in task.missing}

    @rule(inputs=st.lists(INPUTS, min_size=1, max_size=4))
    def add(self, inputs):
        subscriptions = self.waiting.add(self.next_id, inputs)
        assert [(s.id, s.key) for s in subscriptions] == list(dict.fromkeys(inputs))
        self.tasks.append(SimpleNamespace(id=self.next_id, missing=set(inputs), values={}))
        self.next_id += 1

    @rule(one=INPUTS, value=VALUES)
    def close(self, one, value):
        released = []
        for task in self.tasks:
            if one in task.missing:
                task.missing.discard(one)
                task.values |= {} if value is None else {one: value}
                released += [] if task.missing else [(task.id, task.values)]
        self.tasks = [task for task in self.tasks if task.missing]
        assert self.waiting.close(*one, value) == released

    @rule(one=INPUTS)
    def fail(self, one):
        failed = [task.id for task in self.tasks if one in task.missing]
        self.tasks = [task for task in self.tasks if one not in task.missing]
        assert self.waiting.fail(*one) == failed

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def remove(self, data):
        task = data.draw(st.sampled_from(self.tasks))
        self.tasks.remove(task)
        assert self.waiting.remove(task.id)

    @invariant()
    def holds_the_same(self):
        self.waiting.check()
        report = [(stuck.task, set(stuck.missing)) for stuck in self.waiting.report()]
        assert report == [(task.id, task.missing) for task in self.tasks]
        assert set(self.waiting._waiters) == self.missing()


TestWaiting = WaitingMachine.TestCase
TestWaiting.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
