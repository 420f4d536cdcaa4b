"""The instances of steps while a pipeline runs, and what references to them stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.core.scope import Settings
from supervisor.dataflow.calls import Calls
from supervisor.dataflow.foreach import Each, told
from supervisor.dataflow.future import Future
from supervisor.dataflow.references import PARAMS
from supervisor.dataflow.schema import NodesSection
from supervisor.dataflow.steps import Step
from supervisor.experiment.step_events import StepFinished
from supervisor.experiment.steps import WHOLE, StepStatus
from supervisor.experiment.values import ValueStore, is_plain

LONGEST_SHOWN = 80
"""Longer texts are shortened where the values of variables are shown."""


class Instance:
    """One run of a step.

    Args:
        step: The step.
        index: From 0; ``WHOLE`` for a step without foreach.
        each: The values of its variables.

    Attributes:
        status: None while it has not ended.
        attempts: How often it was called in this session.
        future: Its value, if it was called in this session.
        finished: How it finished, in this session or before.
    """

    __slots__ = ("attempts", "each", "finished", "future", "index", "status", "step")

    def __init__(self, step: Step, index: int, each: Each) -> None:
        self.step = step
        self.index = index
        self.each = each
        self.status: StepStatus | None = None
        self.attempts = 0
        self.future: Future | None = None
        self.finished: StepFinished | None = None

    @property
    def name(self) -> str:
        """What it is called: ``split``, ``train[3]``."""
        return self.step.name if self.index == WHOLE else f"{self.step.name}[{self.index}]"

    @property
    def may_run_again(self) -> bool:
        """Whether it is to be tried again if it fails."""
        return self.attempts <= self.step.task.retries

    @property
    def title(self) -> str:
        """Its name and the values of its variables."""
        return f"{self.name} ({told(self.each)})" if self.each else self.name

    def shown(self) -> dict[str, Any]:
        """Return the values of its variables as they are recorded, for people."""
        return {name: _short(value) for name, value in self.each.items()}


class StepRun:
    """One step while a pipeline runs.

    Attributes:
        missing: Number of steps that it still waits for.
        users: Number of steps that wait for it.
        open: Number of its instances that have not ended.
        instances: Those of its foreach; one if it has none; none before it is released.
        status: None while it has not ended.
        reason: Why it failed or was skipped.
    """

    def __init__(self, step: Step, missing: int, users: int) -> None:
        self.step = step
        self.missing = missing
        self.users = users
        self.open = 0
        self.instances: list[Instance] = []
        self.status: StepStatus | None = None
        self.reason = ""
        task = step.task
        size = {"node": task.size.node} if isinstance(task.size, NodesSection) else task.size
        self.settings = Settings(
            kind=task.kind,
            priority=task.priority,
            timeout_s=task.timeout_s,
            run="process" if task.run == "process" else "inline",
            size=size if task.run == "group" else None,
        )

    def forget(self) -> None:
        """Let go of the values, which nobody needs any more."""
        for instance in self.instances:
            instance.future = instance.finished = None


class Values:
    """What the names in the references of one instance stand for.

    Args:
        runs: The steps.
        params: The file's constants.
        each: The instance's variables.
        store: Where values of earlier sessions are.
        calls: Where values of this session are.
    """

    def __init__(
        self,
        runs: Mapping[str, StepRun],
        params: Mapping[str, Any],
        each: Each,
        store: ValueStore,
        calls: Calls,
    ) -> None:
        self._runs = runs
        self._params = params
        self._each = each
        self._store = store
        self._calls = calls

    def value(self, name: str) -> Any:
        """Return the value of a name."""
        return self._found(name, self._now)

    def whole(self, name: str) -> Any:
        """Return the value of a name."""
        return self.value(name)

    def _found(self, name: str, each_of: Any) -> Any:
        if name in self._each:
            return self._each[name]
        if name == PARAMS:
            return self._params
        run = self._runs[name]
        if not run.step.foreach:
            return each_of(run.instances[0])
        return [each_of(one) for one in run.instances if one.status == "finished"]

    def _now(self, instance: Instance) -> Any:
        if instance.future is not None:
            return self._calls.value(instance.future)
        assert instance.finished is not None
        return self._store.load(instance.finished)


class Passed(Values):
    """What names stand for that are arguments of a call: values stay where they are."""

    def whole(self, name: str) -> Any:
        """Return the value of a name, or the futures that are passed on in its place."""
        return self._found(name, self._pending)

    def _pending(self, instance: Instance) -> Any:
        return self._now(instance) if instance.future is None else instance.future


def _short(value: Any) -> Any:
    if value is None or (isinstance(value, bool | int | float) and is_plain(value)):
        return value
    text = value if isinstance(value, str) else repr(value)
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
