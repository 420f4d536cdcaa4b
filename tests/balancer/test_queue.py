"""The queue of one kind of tasks: who gets which of them, and when."""

from supervisor.balancer.queue import LONGEST, STALE, TaskQueue
from supervisor.core.task import Target, Task
from tests.balancer.units import bulk, queue_of, spans, tasks

SOFT = Target(rank=1, hard=False)


def pop(queue, width=99, *, rank=1, host=0, avoidable=True, now=0.0):
    return queue.pop(width, rank=rank, host=host, avoidable=avoidable, now=now)


def popped(queue, width=99, **options):
    return spans(pop(queue, width, **options)[0])


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
