"""A lane: tasks for the same workers, by priority and arrival."""

from supervisor.balancer.lane import Lane
from supervisor.core.task import Task
from tests.balancer.units import tasks


def drained(lane):
    return [task.id for task in iter(lane.pop, None)]


def test_larger_priorities_come_first_and_equal_ones_by_arrival():
    lane = Lane()
    for task_id, priority in enumerate([0, 2, -1, 2, 0]):
        lane.push(Task(task_id, b"", priority=priority))
    assert drained(lane) == [1, 3, 0, 4, 2]


def test_a_task_that_is_put_back_is_the_first_of_its_priority():
    lane = Lane()
    for task in tasks(1, 2):
        lane.push(task)
    lane.push_front(lane.pop())
    assert drained(lane) == [1, 2]


def test_the_last_task_of_a_priority_can_be_put_back():
    lane = Lane()
    lane.push(Task(1, b"", priority=7))
    first = lane.pop()
    assert lane.pop() is None
    lane.push_front(first)
    assert drained(lane) == [1]


def test_a_task_can_take_the_place_of_another():
    lane = Lane()
    one, two, three = tasks(1, 2, 3)
    for task in (one, two, three):
        lane.push(task)
    lane.replace(two, Task(9, b""))
    lane.replace(Task(3, b""), Task(8, b""))  # equal is not the same
    assert drained(lane) == [1, 9, 3]


def test_a_sweep_drops_what_does_not_count_and_keeps_the_order():
    lane = Lane()
    for task_id in range(6):
        lane.push(Task(task_id, b"", priority=task_id % 2))
    lane.sweep(lambda task: task.id not in (1, 2))
    assert drained(lane) == [3, 5, 0, 4]
