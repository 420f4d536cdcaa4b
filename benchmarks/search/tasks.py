"""Tasks that optimizers are compared on, by name, e.g. ``hpobench/car``."""

from __future__ import annotations

import importlib
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from supervisor.core.objective import Values
from supervisor.core.space import Space


@dataclass(frozen=True, slots=True)
class Family:
    """Tasks of one origin.

    Attributes:
        module: Has ``names(family)`` and ``make(family, name)``.
        has_regret: Whether scores of different tasks compare; if not, only ranks do.
    """

    module: str
    has_regret: bool


FAMILIES = {
    "hpobench": Family("tables", has_regret=True),
    "hpolib": Family("tables", has_regret=True),
    "nasbench201": Family("tables", has_regret=True),
    "bbob-mixint": Family("functions", has_regret=False),
}


class Outcome(NamedTuple):
    """What one evaluation gave.

    Attributes:
        loss: What the optimizer is told.
        time_s: How long the evaluation took.
    """

    loss: float
    time_s: float


class Task(ABC):
    """Something to minimise, of which the truth is known.

    Attributes:
        name: The family and the name within it.
        space: Where to search.
    """

    def __init__(self, name: str, space: Space) -> None:
        self.name = name
        self.space = space

    @abstractmethod
    def evaluate(self, values: Values, seed: int) -> Outcome:
        """Return what an evaluation gives; the noise depends on nothing but ``seed``."""

    @abstractmethod
    def score(self, values: Values) -> float:
        """Return how good a point truly is, without noise; less is better."""


class Even(Task):
    """A task whose evaluations take nearly the same time, whatever the point.

    Args:
        task: In all else like this one.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task.name, task.space)
        self._task = task

    def evaluate(self, values: Values, seed: int) -> Outcome:
        time_s = random.Random(seed).uniform(0.9, 1.1)
        return Outcome(self._task.evaluate(values, seed).loss, time_s)

    def score(self, values: Values) -> float:
        return self._task.score(values)


def family_names(family: str) -> list[str]:
    """Return the names of all tasks of a family.

    Raises:
        ImportError: If the package that has them is not installed.
    """
    module = importlib.import_module(FAMILIES[family].module)
    return [f"{family}/{name}" for name in module.names(family)]


@cache
def load(name: str) -> Task:
    """Return a task; it is read once in a process.

    Raises:
        ImportError: If the package that has it is not installed.
        KeyError: If there is no such family or task.
    """
    family, _, rest = name.partition("/")
    task: Task = importlib.import_module(FAMILIES[family].module).make(family, rest)
    return task


def parse_space(definitions: dict[str, object]) -> Space:
    """Return the space of a task, from definitions as in a workflow."""
    return Space.parse(definitions, locate)


def locate(*keys: object) -> str:
    """Return where a value is, for messages: there is no file."""
    return ".".join(map(str, keys))
