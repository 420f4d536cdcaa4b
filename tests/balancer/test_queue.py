"""The queue of one kind of tasks, its lanes, what workers hold, and how much they are given."""

import pytest

from supervisor.balancer.credit import BATCH_S, MOST_UNITS, PATIENCE_S, Credit
from supervisor.balancer.dispatch import Dispatch
from supervisor.balancer.holdings import Holdings
from supervisor.balancer.lane import Lane
from supervisor.balancer.layout import split
from supervisor.balancer.queue import LONGEST, STALE, TaskQueue
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Target, Task

SOFT = Target(rank=1, hard=False)


def tasks(*ids, **fields):
    return [Task(i, b"", **fields) for i in ids]


def bulk(task_id, width, **fields):
    return Task(task_id, b"", parts=tuple(b"%d" % part for part in range(width)), **fields)


def queue_of(*queued):
    queue = TaskQueue()
    for task in queued:
        queue.push(task, 0.0)
    return queue


def pop(queue, width=99, *, rank=1, host=0, avoidable=True, now=0.0):
    return queue.pop(width, rank=rank, host=host, avoidable=avoidable, now=now)


def popped(queue, width=99, **options):
    return spans(pop(queue, width, **options)[0])


def spans(found):
    """Return the ids of tasks; of slices, ids with the first and the last part."""
    return [(t.id, t.first, t.first + t.width - 1) if t.parts else t.id for t in found]


def drained(lane):
    return [task.id for task in iter(lane.pop, None)]


class TestLane:
    def test_larger_priorities_come_first_and_equal_ones_by_arrival(self):
        lane = Lane()
        for task_id, priority in enumerate([0, 2, -1, 2, 0]):
            lane.push(Task(task_id, b"", priority=priority))
        assert drained(lane) == [1, 3, 0, 4, 2]

    def test_a_task_that_is_put_back_is_the_first_of_its_priority(self):
        lane = Lane()
        for task in tasks(1, 2):
            lane.push(task)
        lane.push_front(lane.pop())
        assert drained(lane) == [1, 2]

    def test_the_last_task_of_a_priority_can_be_put_back(self):
        lane = Lane()
        lane.push(Task(1, b"", priority=7))
        first = lane.pop()
        assert lane.pop() is None
        lane.push_front(first)
        assert drained(lane) == [1]

    def test_a_task_can_take_the_place_of_another(self):
        lane = Lane()
        one, two, three = tasks(1, 2, 3)
        for task in (one, two, three):
            lane.push(task)
        lane.replace(two, Task(9, b""))
        lane.replace(Task(3, b""), Task(8, b""))  # equal is not the same
        assert drained(lane) == [1, 9, 3]

    def test_a_sweep_drops_what_does_not_count_and_keeps_the_order(self):
        lane = Lane()
        for task_id in range(6):
            lane.push(Task(task_id, b"", priority=task_id % 2))
        lane.sweep(lambda task: task.id not in (1, 2))
        assert drained(lane) == [3, 5, 0, 4]


class TestWhatAWorkerGets:
    def test_an_empty_queue_gives_nothing(self):
        queue = TaskQueue()
        assert not queue
        assert pop(queue) == ([], [])

    def test_no_more_than_was_asked_for(self):
        queue = queue_of(*tasks(1, 2, 3))
        assert popped(queue, 2) == [1, 2]
        assert queue.width == 1

    def test_nearness_comes_before_priority(self):
        queue = queue_of(
            Task(1, b"", priority=9),
            Task(2, b"", target=Target(host=0)),
            Task(3, b"", target=Target(rank=1), priority=-1),
            Task(4, b"", target=Target(rank=2, hard=False), priority=9),
        )
        assert popped(queue) == [3, 2, 1, 4]

    def test_hard_targets_are_for_nobody_else(self):
        queue = queue_of(Task(1, b"", target=Target(rank=1)), Task(2, b"", target=Target(host=1)))
        assert popped(queue, rank=2, host=0) == []
        assert popped(queue, rank=2, host=1) == [2]
        assert popped(queue, rank=1, host=0) == [1]

    def test_a_soft_target_is_taken_once_wherever_it_is_found(self):
        queue = queue_of(Task(1, b"", target=SOFT))
        assert popped(queue, rank=2) == [1]
        assert popped(queue, rank=1) == []
        assert queue.width == 0

    def test_a_task_is_passed_over_by_the_rank_that_it_avoids_and_keeps_its_place(self):
        queue = queue_of(Task(1, b"", avoid=1), Task(2, b""), Task(3, b""))
        assert popped(queue, 1) == [2]
        assert popped(queue, rank=2) == [1, 3]

    def test_a_rank_gets_what_avoids_it_if_there_is_no_other(self):
        assert popped(queue_of(Task(1, b"", avoid=1)), avoidable=False) == [1]

    def test_a_bulk_is_cut_to_what_is_wanted_and_its_rest_stays_first(self):
        queue = queue_of(bulk(1, 5), Task(2, b""))
        assert popped(queue, 2) == [(1, 0, 1)]
        assert queue.width == 4
        assert popped(queue) == [(1, 2, 4), 2]

    def test_a_long_bulk_is_queued_in_pieces_that_keep_its_order(self):
        width = 2 * LONGEST + 3
        queue = queue_of(bulk(7, width))
        assert queue.width == width
        pieces = spans(queue.remove(7))
        assert len(pieces) == 3
        assert [part for _, first, last in pieces for part in range(first, last + 1)] == [
            *range(width)
        ]

    def test_the_rest_of_a_bulk_with_a_soft_target_is_for_all_too(self):
        queue = queue_of(bulk(1, 4, target=SOFT), *tasks(2, target=SOFT))
        assert popped(queue, 1, rank=1) == [(1, 0, 0)]
        assert popped(queue, 1, rank=2) == [(1, 1, 1)]
        assert popped(queue, rank=1) == [(1, 2, 3), 2]
        assert popped(queue, rank=2) == []

    def test_a_task_with_a_soft_target_can_come_back_and_be_stolen_once(self):
        [task] = tasks(1, target=SOFT)
        queue = queue_of(task)
        [given], _ = pop(queue)
        queue.push(given, 0.0)
        for other in tasks(2, 3, target=SOFT):
            queue.push(other, 0.0)
        [loot] = queue.deal([0.9], 0.0)
        assert len(set(spans(loot))) == len(loot) == 2
        assert queue.width == 1


class TestPatience:
    def test_patience_ends_after_its_last_moment(self):
        assert pop(queue_of(*tasks(1, patience_s=1.0)), now=1.0)[1] == []
        assert spans(pop(queue_of(*tasks(1, patience_s=1.0)), now=1.1)[1]) == [1]

    def test_what_is_late_leaves_the_queue_and_costs_no_share(self):
        queue = queue_of(*tasks(1, 2, patience_s=1.0), Task(3, b""))
        taken, late = pop(queue, 1, now=2.0)
        assert (spans(taken), spans(late)) == ([3], [1, 2])
        assert not queue

    def test_what_is_late_is_found_without_a_worker_that_asks(self):
        queue = queue_of(*tasks(1, patience_s=2.0), *tasks(2))
        assert queue.late(2.0) == []
        assert spans(queue.late(2.1)) == [1]
        assert popped(queue) == [2]

    def test_a_task_takes_along_what_is_left_of_its_patience(self):
        queue = queue_of(*tasks(1, patience_s=2.0), bulk(2, 3, patience_s=2.0))
        taken, _ = pop(queue, 2, now=0.5)
        assert [task.patience_s for task in taken] == [1.5, 1.5]

    def test_all_of_a_bulk_is_late_at_the_same_time_however_it_was_cut(self):
        queue = queue_of(bulk(1, 6, patience_s=1.0))
        assert popped(queue, 1) == [(1, 0, 0)]
        assert spans(queue.deal([0.4], 0.5)[0]) == [(1, 4, 5)]
        assert spans(pop(queue, now=2.0)[1]) == [(1, 1, 3)]


class TestTakingOut:
    def test_a_task_is_taken_out_once(self):
        queue = queue_of(*tasks(1, 2))
        assert spans(queue.remove(1)) == [1]
        assert queue.remove(1) == []
        assert popped(queue) == [2]

    def test_all_slices_of_a_bulk_are_taken_out_in_their_order(self):
        one = bulk(7, 9)
        queue = queue_of(one.slice(6, 9), one.slice(0, 4), Task(8, b""))
        popped(queue, 1)
        assert spans(queue.remove(7)) == [(7, 0, 3), (7, 7, 8)]
        assert queue.remove(7) == []
        assert (queue.width, queue.ids()) == (1, {8})

    def test_what_is_not_there_is_not_looked_for_everywhere(self, monkeypatch):
        queue = queue_of(*tasks(*range(100)))
        monkeypatch.setattr(queue, "_tasks", NoScan(queue._tasks))
        assert queue.remove(200) == []

    def test_a_changed_task_is_behind_those_of_its_new_priority(self):
        queue = queue_of(*tasks(1, 2, 3))
        for task in queue.remove(1):
            queue.push(Task(task.id, b"", priority=0), 0.0)
        assert popped(queue) == [2, 3, 1]


class NoScan(dict):
    """A dict that must not be walked through."""

    def items(self):
        raise AssertionError("all tasks were looked at")

    __iter__ = keys = values = items


class TestStealing:
    def test_what_is_stolen_stays_in_order(self):
        queue = queue_of(*tasks(*range(6)))
        assert spans(queue.deal([0.5], 0.0)[0]) == [3, 4, 5]

    def test_retries_keep_their_places_among_what_is_not_stolen(self):
        queue = queue_of(Task(1, b""), Task(2, b"", avoid=1), Task(3, b""), Task(4, b""))
        assert spans(queue.deal([0.4], 0.0)[0]) == [4]
        assert popped(queue, rank=2) == [1, 2, 3]

    def test_the_rest_of_a_stolen_bulk_with_a_soft_target_stays_near_its_target(self):
        queue = queue_of(bulk(1, 4, target=SOFT), Task(2, b""))
        assert spans(queue.deal([0.5], 0.0)[0]) == [2, (1, 2, 3)]
        assert popped(queue, 1, rank=1) == [(1, 0, 0)]


class TestMemory:
    def entries(self, queue):
        lanes = [queue._anybody, queue._soft, *queue._ranks.values(), *queue._hosts.values()]
        return sum(len(bucket) for lane in lanes for bucket in lane.buckets())

    def test_tasks_that_went_through_another_lane_are_let_go(self):
        queue = TaskQueue()
        for task in tasks(*range(10 * STALE), target=SOFT):
            queue.push(task, 0.0)
            assert len(popped(queue)) == 1
        assert self.entries(queue) <= STALE + 2

    def test_withdrawn_tasks_are_let_go(self):
        queue = queue_of(*tasks(*range(10 * STALE)))
        for task_id in range(10 * STALE - 1):
            queue.remove(task_id)
        assert self.entries(queue) <= STALE + 2
        assert popped(queue) == [10 * STALE - 1]

    def test_changing_priorities_again_and_again_costs_nothing(self):
        queue = queue_of(*tasks(*range(10)))
        for turn in range(STALE):
            for task in queue.remove(turn % 10):
                queue.push(Task(task.id, b"", priority=turn), 0.0)
        assert self.entries(queue) <= STALE + 20
        assert len(popped(queue)) == 10


class TestHoldings:
    def test_what_was_given_can_be_answered_in_any_order(self):
        held = Holdings(3)
        for task in (*tasks(1), bulk(2, 5)):
            held.add(task)
        assert (held.width, held.ids()) == (6, {1, 2})
        assert held.remove(2, 3, 2).parts == (b"3", b"4")
        assert held.remove(1, 0, 1).id == 1
        assert held.remove(2, 0, 3).parts == (b"0", b"1", b"2")
        assert (held.width, held.ids()) == (0, set())

    def test_the_middle_of_a_slice_can_be_answered(self):
        held = Holdings(3)
        held.add(bulk(2, 5))
        assert spans([held.remove(2, 2, 1)]) == [(2, 2, 2)]
        assert spans([held.remove(2, 3, 2), held.remove(2, 0, 2)]) == [(2, 3, 4), (2, 0, 1)]

    def test_several_slices_of_a_bulk_are_told_apart(self):
        held = Holdings(3)
        for begin, end in ((6, 8), (0, 2)):
            held.add(bulk(2, 9).slice(begin, end))
        assert spans([held.remove(2, 1, 1), held.remove(2, 6, 2)]) == [(2, 1, 1), (2, 6, 7)]
        assert 2 in held

    @pytest.mark.parametrize(("first", "width"), [(1, 2), (2, 5), (7, 1), (0, 9)])
    def test_what_was_not_given_is_a_protocol_error(self, first, width):
        held = Holdings(3)
        for begin, end in ((0, 2), (2, 5)):
            held.add(bulk(2, 9).slice(begin, end))
        with pytest.raises(ProtocolError, match=f"rank 3 answers task 2, parts {first} to"):
            held.remove(2, first, width)
        assert held.width == 5
        assert held.remove(2, 2, 3).width == 3, "an error changes nothing"

    def test_nothing_is_answered_twice(self):
        held = Holdings(3)
        held.add(Task(1, b""))
        held.remove(1, 0, 1)
        with pytest.raises(ProtocolError):
            held.remove(1, 0, 1)


class TestCredit:
    def taught(self, seconds, workers=2):
        credit = Credit(workers)
        for _ in range(500):
            credit.learn(seconds)
        return credit

    def test_before_anything_is_known_tasks_are_given_one_by_one(self):
        assert Credit(2).share(1000) == 1

    @pytest.mark.parametrize("seconds", [1e-5, 1e-4, 1e-3])
    def test_an_answer_carries_about_a_batch_of_work(self, seconds):
        assert self.taught(seconds).share(10**6) == pytest.approx(BATCH_S / seconds, abs=1)

    def test_but_half_of_a_fair_share_at_most(self):
        assert self.taught(1e-5, workers=4).share(80) == 10

    def test_and_never_more_than_a_message_should_carry(self):
        assert self.taught(0.0).share(10**9) == MOST_UNITS

    def test_there_is_always_one(self):
        assert self.taught(1e-5, workers=64).share(1) == 1
        assert Credit(0).share(1) == 1

    def test_one_long_task_is_remembered_for_a_while(self):
        credit = self.taught(1e-5)
        credit.learn(PATIENCE_S)
        assert credit.share(10**6) == 1
        for _ in range(200):
            credit.learn(1e-5)
        assert credit.share(10**6) > 100


class TestDispatch:
    """Workers 1 and 3 are on host 0 and 2 on host 1, all at home at server 4."""

    @pytest.fixture
    def dispatch(self):
        return Dispatch(4, split(5, 1), {1: 0, 2: 1, 3: 0})

    def given(self, dispatch, worker):
        dispatch.heard(worker, wanted=True, now=0.0)
        assigned, _ = dispatch.match(0.0)
        return {to: spans(found) for to, found in assigned}.get(worker, [])

    @pytest.mark.parametrize(
        ("worker", "target", "runs"),
        [
            (1, Target(rank=1), True),
            (2, Target(rank=2), True),
            (2, Target(host=1), True),
            (1, Target(host=0), False),  # worker 3 is there too
            (2, Target(rank=2, hard=False), False),
            (2, Target(host=1, hard=False), False),
            (2, None, False),
        ],
    )
    def test_a_task_runs_on_the_rank_it_avoids_only_if_it_can_run_nowhere_else(
        self, dispatch, worker, target, runs
    ):
        dispatch.queue(tasks(7, target=target, avoid=worker), 0.0)
        assert self.given(dispatch, worker) == ([7] if runs else [])

    def test_workers_for_whom_nothing_is_queued_look_elsewhere(self, dispatch):
        dispatch.queue(tasks(7, target=Target(rank=1)), 0.0)
        assert self.given(dispatch, 2) == []
        assert dispatch.wanted() == {0}

    def test_one_is_asked_back_for_what_others_may_run_though_something_else_is_queued(
        self, dispatch
    ):
        for _ in range(100):
            dispatch.credits[0].learn(1e-5)
        dispatch.queue(tasks(*range(12)), 0.0)
        assert len(self.given(dispatch, 1)) == 2
        dispatch.remove(range(12))
        dispatch.queue(tasks(99, target=Target(rank=1)), 0.0)
        assert self.given(dispatch, 2) == []
        assert dispatch.recalls(frozenset()) == [(1, 1)]
        assert dispatch.recalls(frozenset()) == [], "it has not answered yet"

    def test_one_that_has_only_tasks_of_its_own_is_spared(self, dispatch):
        for _ in range(100):
            dispatch.credits[0].learn(1e-5)
        dispatch.queue(tasks(*range(24), target=Target(rank=1)), 0.0)
        assert len(self.given(dispatch, 1)) == 4
        dispatch.heard(2, wanted=True, now=0.0)
        assert dispatch.recalls(frozenset()) == [(1, 2)]
        dispatch.give_back(1, [(3, 0, 1), (2, 0, 1)], 0.0)
        assert dispatch.recalls(frozenset()) == []
