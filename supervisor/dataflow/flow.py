"""The flow: where calls go that are made on rank 0, and how their values come back."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from supervisor.balancer.client import Client
from supervisor.core.calls import encode_call, stored
from supervisor.core.errors import InputError, SupervisorError
from supervisor.core.operations import (
    Answer,
    Create,
    DataError,
    Hold,
    Kind,
    Operation,
    References,
    Retrieve,
    Store,
)
from supervisor.core.payload import Payload, pack
from supervisor.core.scope import Settings, current
from supervisor.core.task import Report, Result, Task
from supervisor.dataflow.future import AppFailed, Future, without_numbers
from supervisor.dataflow.needs import Needs
from supervisor.dataflow.watch import Watch

TURN_S = 1e-3
"""Calls go out at least so often while ``main`` makes more of them."""

STUCK_SHOWN = 5
"""So many of the futures that will never be there are named."""


class Flow:
    """Puts the calls of ``main`` as tasks, and keeps their futures.

    Args:
        client: The balancer's.
        until: Pumps messages until something is so.
        turn: Pumps messages once.
    """

    def __init__(
        self,
        client: Client,
        until: Callable[[Callable[[], bool]], None],
        turn: Callable[[], bool],
    ) -> None:
        self.client = client
        self.unheard: list[str] = []
        """Failures of calls whose values nobody has asked for."""
        self._until = until
        self._turn = turn
        self._turned_s = 0.0
        self._futures: weakref.WeakValueDictionary[int, Future] = weakref.WeakValueDictionary()
        self._payloads: dict[int, Payload | int | float | None] = {}
        self._results: dict[int, list[Result]] = {}  # of what is no call, by id
        self._reports: dict[int, list[Report]] = {}
        self._open: dict[int, None] = {}  # containers that were created here
        self._needs = Needs(client.let_go)
        self._dropped: dict[int, tuple[str, bool]] = {}  # label and seen of futures that are gone
        self._closed = False

    @staticmethod
    def here(what: str) -> Flow:
        """Return the flow of whoever calls.

        Raises:
            SupervisorError: In an app, whose calls go along with its result.
        """
        scope = current()
        if isinstance(scope, Flow):
            return scope
        raise SupervisorError(f"{what} waits for values, which only main() can do, and no app")

    # --- calls ----------------------------------------------------------------------------

    def call(
        self,
        function: bytes,
        arguments: Any,
        settings: Settings,
        label: str,
        *,
        avoid: int = -1,
    ) -> Future:
        """Put a call and return its future; see ``Scope``.

        Args:
            function: What is called, encoded.
            arguments: Positional and named ones, as a pair.
            settings: How the task is to be run.
            label: Name of the app and where it is called.
            avoid: Rank that should not run it, or -1.
        """
        id = self.client.ids.take()
        payload, found = encode_call(function, *arguments)
        self._needs.begin(id, (one for one, _ in found.inputs))
        inputs, writes = tuple(found.inputs), tuple(found.written)
        if settings.kind:
            self.client.layout.kind(settings.kind, label)
        places = {"inputs": inputs, "output": id, "writes": writes}
        task = self.task(id, payload, settings, avoid=avoid, **places)
        future = self._futures[id] = Future(self, id, label)
        held = [Hold(container, id) for container in writes]
        try:
            self.client.put([task], first=[Create(id, "value", label), *held])
        except InputError as error:  # nobody can run it; the user knows it by its label
            raise InputError(label, error.problem) from error
        if time.monotonic() - self._turned_s > TURN_S:
            self.turn()
        return future

    def create(self, kind: Kind, name: str, initial: int | float | None = None) -> int:
        """Create what stays open until it is closed, or until the end."""
        id = self.client.ids.take()
        self.client.put([], first=[Create(id, kind, name, initial=initial)])
        self._open[id] = None
        return id

    def write(self, operations: Sequence[Operation]) -> None:
        """Do operations on data."""
        self.client.put([], first=operations)

    def close(self, id: int) -> None:
        """Write no more to a container here."""
        if id in self._open:
            del self._open[id]
            self.client.put([], first=[References(id, writers=-1)])

    def complete(self) -> None:
        """Close the containers that are still open."""
        for id in list(self._open):
            self.close(id)

    def share(self, value: Any) -> Future:
        """Store a value and return its future."""
        id = self.client.ids.take()
        future = self._futures[id] = Future(self, id, f"shared {type(value).__name__}")
        self.client.put([], first=[Create(id, "value", future.label), Store(id, pack(value))])
        future.ready = True
        self._payloads[id] = None
        return future

    def task(self, id: int, payload: bytes, settings: Settings, **fields: Any) -> Task:
        """Return a task that is run as settings say."""
        where = "the kind of an app"
        return Task(
            id,
            payload,
            kind=self.client.layout.kind(settings.kind, where) if settings.kind else 0,
            priority=settings.priority,
            target=settings.target,
            timeout_s=settings.timeout_s,
            patience_s=settings.patience_s,
            attempts=settings.attempts,
            gang=settings.gang,
            **fields,
        )

    # --- values ---------------------------------------------------------------------------

    def wait(
        self,
        futures: Iterable[Future],
        *,
        count: int | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Wait until so many of the futures are ready, by default all, or time is over."""
        missing = [future for future in futures if not future.ready]
        most = 0 if count is None else max(0, len(missing) - count)
        end_s = None if timeout_s is None else time.monotonic() + timeout_s

        watch = Watch(self.client)

        def reached() -> bool:
            nonlocal missing
            if self._collect():
                watch.reset()
                missing = [future for future in missing if not future.ready]
            if len(missing) <= most:
                return True
            if watch.stuck():
                labels = ", ".join(dict.fromkeys(one.label for one in missing[:STUCK_SHOWN]))
                raise AppFailed(
                    f"nothing runs any more, and this will never be there: {labels}; "
                    "it waits for a member of an array that nobody writes"
                )
            return end_s is not None and time.monotonic() >= end_s

        self._until(reached)

    def value(self, future: Future) -> Any:
        """Return the value of a future that is ready."""
        payload = self._payloads.get(future.id)
        if payload is not None:
            future._value = stored(payload)
            del self._payloads[future.id]
        elif future.id in self._payloads:
            answer = self.ask(Retrieve(future.id))
            if isinstance(answer, DataError):
                raise AppFailed(without_numbers(answer.message))
            assert isinstance(answer, Payload | int | float)
            future._value = stored(answer)
            del self._payloads[future.id]
        return future._value

    def ask(self, operation: Any) -> Answer:
        """Do an operation on data and return the answer."""
        request = self.client.ask(operation)
        self._until(lambda: request in self.client.answers)
        return self.client.answers.pop(request)

    def deliver(self, id: int, results: list[Result] | None, reports: list[Report] | None) -> None:
        """Let what comes of a task that others put be added to lists; no more if they are None."""
        if results is None or reports is None:
            self._results.pop(id, None)
            self._reports.pop(id, None)
        else:
            self._results[id] = results
            self._reports[id] = reports

    def await_any(self, results: list[Result]) -> None:
        """Wait until there is something in a list that results are delivered to."""
        self._until(lambda: bool(self._collect() or results))

    def turn(self) -> None:
        """Send what is to be sent, and take what has come."""
        self._turned_s = time.monotonic()
        self._turn()
        self._collect()

    def forget(self, future: Future) -> None:
        """Let go of the value of a future that nobody has any more."""
        if future.failure and not future.seen:
            self.unheard.append(future.failure)
        if not future.ready:
            self._dropped[future.id] = future.label, future.seen
        self._payloads.pop(future.id, None)
        if not self._closed:
            self._needs.drop(future.id)

    def end(self) -> None:
        """Note the failures that nobody has heard of."""
        self._collect()
        self._closed = True
        for future in list(self._futures.values()):
            if future.failure and not future.seen:
                future.seen = True
                self.unheard.append(future.failure)
        self.unheard.extend(map(without_numbers, self.client.troubles))

    def _collect(self) -> bool:
        """Take results and notices; return whether there were any."""
        results = self.client.take_results()
        for result in results:
            if result.parts or result.id in self._results:
                if result.id in self._results:
                    self._results[result.id].append(result)
                continue
            self._finish(result)
        reports = self.client.take_reports()
        for report in reports:
            if report.id in self._reports:
                self._reports[report.id].append(report)
        notices, self.client.notices = self.client.notices, []
        for notice in notices:
            self._know(notice.id, notice.value, without_numbers(notice.failure))
        return bool(results or notices or reports)

    def _finish(self, result: Result) -> None:
        self._needs.end(result.id)
        if result.forwarded:
            self.client.subscribe(result.id)
        elif result.failure is None:
            self._know(result.id, result.value or None, "")
        else:
            label = self._label_of(result.id)
            reason = f"{result.failure.message}\n{result.failure.details}".rstrip()
            if result.failure.kind != "unwritten":
                reason = f"{label} failed: {reason}"
            else:
                reason = f"{without_numbers(reason)}\nneeded by {label}"
            self._know(result.id, None, reason)

    def _label_of(self, id: int) -> str:
        """Return the label of a call, whose future may be gone."""
        future = self._futures.get(id)
        return future.label if future else self._dropped.get(id, ("a call", False))[0]

    def _know(self, id: int, value: Any, failure: str) -> None:
        """Note that a value, or why there is none, is known; None stands for a large one."""
        future = self._futures.get(id)
        needed = self._needs.known(id)
        _, seen = self._dropped.pop(id, ("", False))
        if future is None:
            if failure and not needed and not seen:
                self.unheard.append(failure)
            return
        future.ready = True
        future.seen = future.seen or needed
        future.failure = failure
        if not failure:
            self._payloads[id] = value
