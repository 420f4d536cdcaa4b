"""The graph of a pipeline's steps: what waits for what, its levels, and its cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from supervisor.core.errors import InputError
from supervisor.dataflow.steps import Step


@dataclass(frozen=True, slots=True)
class Graph:
    """What waits for what.

    Attributes:
        values: Each step with those whose values it refers to.
        order: Each step with those that only come before it.
        waiting: Each step with those that wait for it.
        levels: The steps; each level needs only those before it.
    """

    values: Mapping[str, tuple[str, ...]]
    order: Mapping[str, tuple[str, ...]]
    waiting: Mapping[str, tuple[str, ...]]
    levels: Sequence[Sequence[str]]

    def needs(self, name: str) -> tuple[str, ...]:
        """Return all steps that a step waits for."""
        return (*self.values[name], *self.order[name])


def graph_of(steps: Mapping[str, Step], files: Mapping[str, Sequence[str]]) -> Graph:
    """Return the graph of steps.

    Args:
        steps: By name.
        files: The steps that write the inputs of each step.

    Raises:
        InputError: If there is a cycle; the text tells its path.
    """
    values = {name: step.values for name, step in steps.items()}
    order = {}
    waiting: dict[str, list[str]] = {name: [] for name in steps}
    for name, step in steps.items():
        others = dict.fromkeys([*step.after, *files.get(name, ())])
        order[name] = tuple(one for one in others if one not in step.values)
        for other in (*values[name], *order[name]):
            waiting[other].append(name)
    levels = _levels({name: (*values[name], *order[name]) for name in steps}, steps)
    return Graph(values, order, {name: tuple(some) for name, some in waiting.items()}, levels)


def _levels(needs: Mapping[str, Sequence[str]], steps: Mapping[str, Step]) -> list[list[str]]:
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        raise _cycle(error.args[1], steps) from error
    levels: list[list[str]] = []
    position = {name: number for number, name in enumerate(steps)}
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=position.__getitem__)
        sorter.done(*ready)
        levels.append(ready)
    return levels


def _cycle(path: Sequence[str], steps: Mapping[str, Step]) -> InputError:
    """Return what is said of a cycle: each step of the path comes before the next one."""
    links = [f"{one} ({steps[one].place}) needs {other}" for other, one in pairwise(path)]
    links.reverse()
    first = path[-1]
    text = ", ".join(links)
    return InputError(
        f"{steps[first].place} steps.{first}", f"a cycle: {text}; remove one of them"
    )
