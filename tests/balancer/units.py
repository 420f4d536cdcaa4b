"""Units of work: a single task is one, a bulk has one for each of its parts."""

from supervisor.balancer.queue import TaskQueue
from supervisor.core.task import Task


def tasks(*ids, **fields):
    return [Task(i, b"", **fields) for i in ids]


def bulk(task_id, width, **fields):
    return Task(task_id, b"", parts=tuple(b"%d" % part for part in range(width)), **fields)


def queue_of(*queued):
    queue = TaskQueue()
    for task in queued:
        queue.push(task, 0.0)
    return queue


def spans(found):
    """Return the ids of tasks; of slices, ids with the first and the last part."""
    return [(t.id, t.first, t.first + t.width - 1) if t.parts else t.id for t in found]


def units(task):
    """Return the names of the units of work in a task, a slice or a result."""
    return [(task.id, task.first + part) for part in range(task.width)]


def cut(tasks, task_id, first, width):
    """Take some consecutive units out of a list of tasks and return them as one."""
    for place, task in enumerate(tasks):
        begin = first - task.first
        end = begin + width
        if task.id == task_id and begin >= 0 and end <= task.width:
            if not task.parts:
                return tasks.pop(place)
            spans = [(0, begin), (end, task.width)]
            tasks[place : place + 1] = [task.slice(a, b) for a, b in spans if a < b]
            return task.slice(begin, end)
    raise AssertionError(f"task {task_id}, parts {first} to {first + width - 1}, is not there")
