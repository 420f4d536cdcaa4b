"""Steps from their release to their end: expanded, called, recorded.

A step is released when all that it needs has ended. Its references are resolved then, on rank 0;
values that are passed on whole stay where they are and go to the worker as futures. The journal
is written before anything follows from an event, so a run that is killed can be resumed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from supervisor.core.calls import ISOLATED, encode_function
from supervisor.core.errors import InputError, Interrupted, SupervisorError
from supervisor.core.payload import pack
from supervisor.core.task import Failure, Result
from supervisor.dataflow import foreach
from supervisor.dataflow.action import call_python, call_shell
from supervisor.dataflow.calls import Calls
from supervisor.dataflow.foreach import BadForeach
from supervisor.dataflow.future import Future
from supervisor.dataflow.pipeline import Pipeline
from supervisor.dataflow.references import BadReference, resolve
from supervisor.dataflow.scripts import script
from supervisor.dataflow.steps import PythonAction, SearchAction, ShellAction
from supervisor.experiment.step_events import Expanded
from supervisor.experiment.steps import WHOLE, StepsState, StepStatus
from supervisor.experiment.values import ValueStore, is_plain
from supervisor.runtime.instances import Instance, Passed, StepRun, Values
from supervisor.runtime.ledger import Ledger
from supervisor.runtime.searches import Search, Searches

PYTHON = encode_function(call_python)
SHELL = encode_function(call_shell)


class Stepper:
    """Releases the steps of a pipeline and records how they end.

    Args:
        pipeline: The steps.
        calls: Where they are called.
        state: The fold of the journal.
        store: The values that are not in the journal.
        ledger: Where what happens is written down.
        searches: Makes the searches that are steps.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        calls: Calls,
        state: StepsState,
        store: ValueStore,
        ledger: Ledger,
        searches: Searches,
    ) -> None:
        self._pipeline = pipeline
        self._calls = calls
        self._state = state
        self._store = store
        self._ledger = ledger
        self._stopped = False
        graph = pipeline.graph
        self._runs = {
            name: StepRun(step, len(graph.needs(name)), len(graph.waiting[name]))
            for name, step in pipeline.steps.items()
        }
        self._searches = searches
        self._called: dict[int, Instance] = {}  # by the ids of their futures
        self._searching: dict[Search, Instance] = {}
        self._ready = deque(run for run in self._runs.values() if not run.missing)
        self._starts: deque[Instance] = deque()
        for run in self._runs.values():
            if run.missing:
                ledger.tell(f"{run.step.name} waits for {', '.join(graph.needs(run.step.name))}")

    @property
    def done(self) -> bool:
        """Whether nothing runs, and nothing is to be started."""
        running = self._called or self._searching
        return not running and (self._stopped or not (self._ready or self._starts))

    @property
    def eager(self) -> bool:
        """Whether there is something to start."""
        return not self._stopped and bool(self._ready or self._starts)

    def stop(self, reason: str) -> None:
        """Start nothing more, and take no failure for that of a step; at once if said again."""
        self._stopped = True
        for search in self._searching:
            search.campaign.interrupt(reason)

    # --- start ----------------------------------------------------------------------------

    def start(self, most: int) -> None:
        """Start some of what is ready."""
        for _ in range(most):
            if not self.eager:
                return
            if self._starts:
                self._start(self._starts.popleft())
            else:
                self._release(self._ready.popleft())

    def _release(self, run: StepRun) -> None:
        """Give a step its instances, or end it if what it needs has no value."""
        name = run.step.name
        for other in self._pipeline.graph.needs(name):
            if self._runs[other].status == "failed":
                failure = Failure("unwritten", f"needs {other}, which failed")
                self._ledger.failed(Instance(run.step, WHOLE, {}), failure)
                self._close(run, "failed")
                return
        for other in self._pipeline.graph.needs(name):
            if self._runs[other].status == "skipped" and not run.step.only_follows(other):
                reason = f"needs {other}, which was skipped"
                self._ledger.skipped(Instance(run.step, WHOLE, {}), reason)
                self._close(run, "skipped")
                return
        try:
            each = self._expand(run)
        except (BadForeach, BadReference) as error:
            self._ledger.failed(Instance(run.step, WHOLE, {}), Failure("invalid", str(error)))
            self._close(run, "failed")
            return
        run.instances = [
            Instance(run.step, number if run.step.foreach else WHOLE, one)
            for number, one in enumerate(each)
        ]
        run.open = len(run.instances)
        self._starts.extend(run.instances)
        if not run.open:
            self._close(run)

    def _expand(self, run: StepRun) -> list[foreach.Each]:
        """Return the values of the variables of each instance, the same in every session."""
        step = run.step
        if not step.foreach:
            return [{}]
        before = self._state.steps[step.name].expanded
        files = dict(before.files) if before else {}
        names = self._values({})
        lists: dict[str, Sequence[Any]] = {}
        for variable, source in step.foreach.items():
            if variable in files:
                lists[variable] = files[variable]
                continue
            lists[variable] = foreach.items(source, names, self._pipeline.folder)
            if foreach.is_glob(source):
                files[variable] = list(lists[variable])
        each = list(foreach.product(lists))
        if before is None:
            self._ledger.record(
                Expanded(step=step.name, count=len(each), files=files, time_s=time.time())
            )
        return each

    def _start(self, instance: Instance) -> None:
        """Call one instance, unless it has finished before or is not to run."""
        run = self._runs[instance.step.name]
        finished = self._state.finished(instance.step.name, instance.index)
        if finished is not None:
            instance.finished = finished
            self._end(run, instance, "finished")
            return
        names = self._values(instance.each)
        try:
            if not resolve(instance.step.when, names):
                self._ledger.skipped(instance)
                self._end(run, instance, "skipped")
                return
            if isinstance(instance.step.action, SearchAction):
                self._search(instance, instance.step.action, names)
                return
            self._call(run, instance)
        except SupervisorError as error:
            self._ledger.failed(instance, Failure("invalid", str(error)))
            self._end(run, instance, "failed")
            return
        self._ledger.tell(f"{instance.title} released")

    def _call(self, run: StepRun, instance: Instance, avoid: int = -1) -> None:
        """Call an instance, if possible not on a rank that is to be avoided."""
        step, names = instance.step, self._values(instance.each)
        arguments: tuple[Any, ...]
        files = (
            str(self._pipeline.folder),
            resolve(list(step.inputs), names),
            resolve(list(step.outputs), names),
        )
        match step.action:
            case PythonAction(function=function, arguments=given):
                encoded, arguments = (
                    PYTHON,
                    (function, resolve(given, self._passed(instance)), *files),
                )
            case ShellAction(script=text, container=container):
                encoded, arguments = SHELL, (script(text, names), *files, container)
        if step.task.run == "process":
            encoded = ISOLATED + encoded
        label = f"{instance.title} ({step.place})"
        future = self._calls.call(encoded, (arguments, {}), run.settings, label, avoid=avoid)
        instance.future = future
        instance.attempts += 1
        self._called[future.id] = instance

    def _search(self, instance: Instance, action: SearchAction, names: Values) -> None:
        """Begin a search, whose constants go along with its points."""
        constants = resolve(dict(action.constants), names)
        for name, value in constants.items():
            if not is_plain(value):
                raise InputError(
                    f"{instance.step.place} with.{name}",
                    "is no plain value; give points numbers, texts, or the name of a file",
                )
        search = self._searches.begin(instance.name, action.workflow, constants)
        instance.attempts = 1
        self._searching[search] = instance
        self._ledger.tell(f"{instance.title} released")

    def _passed(self, instance: Instance) -> Values:
        each, params = instance.each, self._pipeline.params
        return Passed(self._runs, params, each, self._store, self._calls)

    def _values(self, each: foreach.Each) -> Values:
        return Values(self._runs, self._pipeline.params, each, self._store, self._calls)

    # --- end ------------------------------------------------------------------------------

    def take(self) -> None:
        """Record what has ended since the last call."""
        for search in [one for one in self._searching if one.turn()]:
            self._take_search(search, self._searching.pop(search))
        arrived = self._calls.arrived
        while arrived:
            future = arrived.popleft()
            instance = self._called.pop(future.id, None)
            ending = self._calls.endings.pop(future.id, None)
            if instance is not None:
                self._take(instance, future, ending)

    def _take_search(self, search: Search, instance: Instance) -> None:
        run = self._runs[instance.step.name]
        try:
            value = search.close()
        except Interrupted:
            return
        except SupervisorError as error:
            self._ledger.failed(instance, Failure("invalid", str(error)), search.ending)
            self._end(run, instance, "failed")
            return
        self._ledger.finished(instance, pack(value), search.ending, search.work_s)
        self._end(run, instance, "finished")

    def _take(self, instance: Instance, future: Future, ending: Result | None) -> None:
        run = self._runs[instance.step.name]
        if not future.failure:
            self._ledger.finished(instance, self._calls.encoded(future), ending)
            self._end(run, instance, "finished")
            return
        failure = ending.failure if ending is not None else None
        if failure is None:  # of a call that the step made
            failure = Failure("raised", future.failure.partition("\n")[0], future.failure)
        if failure.kind == "cancelled" or self._stopped:
            return
        if instance.may_run_again:
            self._ledger.tell(f"{instance.title} is tried again: {failure.message}")
            self._call(run, instance, avoid=-1 if ending is None else ending.rank)
            return
        self._ledger.failed(instance, failure, ending)
        self._end(run, instance, "failed")

    def _end(self, run: StepRun, instance: Instance, status: StepStatus) -> None:
        instance.status = status
        run.open -= 1
        if not run.open:
            self._close(run)

    def _close(self, run: StepRun, status: StepStatus | None = None) -> None:
        """Let go what waited for a step whose instances have all ended."""
        run.status = status or _status_of(run.instances)
        graph = self._pipeline.graph
        for name in graph.waiting[run.step.name]:
            waiting = self._runs[name]
            waiting.missing -= 1
            if not waiting.missing:
                self._ready.append(waiting)
        for name in graph.needs(run.step.name):
            needed = self._runs[name]
            needed.users -= 1
            if not needed.users:
                needed.forget()
        if not run.users:
            run.forget()


def _status_of(instances: Sequence[Instance]) -> StepStatus:
    """Return what became of a step: it is skipped if all of its instances are."""
    if any(one.status == "failed" for one in instances):
        return "failed"
    if instances and all(one.status == "skipped" for one in instances):
        return "skipped"
    return "finished"
