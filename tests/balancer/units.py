"""Units of work: a single task is one, a bulk has one for each of its parts."""


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
