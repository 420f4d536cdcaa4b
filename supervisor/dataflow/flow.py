"""The flow: where calls go that are made on rank 0, and how their values come back."""

from __future__ import annotations

import pickle
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from supervisor.balancer.client import Client
from supervisor.core.calls import CALLS_PER_PART, CallFailed, batches, encode_call, returns, stored
from supervisor.core.errors import SupervisorError
from supervisor.core.operations import (
    Answer,
    Create,
    DataError,
    Hold,
    Operation,
    References,
    Retrieve,
    Store,
)
from supervisor.core.payload import Payload, pack
from supervisor.core.scope import Settings, current
from supervisor.core.task import Result, Task
from supervisor.dataflow.future import AppFailed, Future
from supervisor.dataflow.needs import Needs
from supervisor.dataflow.watch import Watch

TURN_S = 1e-3
"""Calls go out at least so often while ``main`` makes more of them."""

STUCK_SHOWN = 5
"""So many of the futures that will never be there are named."""

BULK_CALLS = 65_536
BULKS_AHEAD = 3


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
        self._bulks: dict[int, list[Result]] = {}
        self._open: dict[int, None] = {}  # containers that were created here
        self._needs = Needs(client.let_go)
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

    def call(self, function: bytes, arguments: Any, settings: Settings, label: str) -> Future:
        """Put a call and return its future."""
        id = self.client.ids.take()
        payload, found = encode_call(function, *arguments)
        self._needs.begin(id, (one for one, _ in found.inputs))
        inputs, writes = tuple(found.inputs), tuple(found.written)
        task = self._task(id, payload, settings, inputs=inputs, output=id, writes=writes)
        future = self._futures[id] = Future(self, id, label)
        held = [Hold(container, id) for container in writes]
        self.client.put([task], first=[Create(id, "value", label), *held])
        if time.monotonic() - self._turned_s > TURN_S:
            self.turn()
        return future

    def container(self, name: str) -> int:
        """Create a container that stays open until it is closed, or until the end."""
        id = self.client.ids.take()
        self.client.put([], first=[Create(id, "container", name)])
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

    def _task(self, id: int, payload: bytes, settings: Settings, **fields: Any) -> Task:
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
            **fields,
        )

    def map(
        self, function: bytes, items: Iterable[Any], settings: Settings, name: str
    ) -> Iterator[Any]:
        """Call a function for each item, in bulks, and yield the values in order."""
        for result in self._run_bulks(function, items, settings):
            for value in returns(result):
                if isinstance(value, CallFailed):
                    raise AppFailed(f"a call of {name}.map failed:\n{value.text}")
                yield value

    def foreach(self, function: bytes, items: Iterable[Any], settings: Settings, name: str) -> int:
        """Call a function for each item, in bulks, and return the number of calls."""
        number, failed = 0, ""
        for result in self._run_bulks(function, items, settings):
            for value in returns(result):
                number += 1
                if isinstance(value, CallFailed):
                    failed = failed or value.text
        if failed:
            raise AppFailed(f"a call of {name}.foreach failed:\n{failed}")
        return number

    def _run_bulks(
        self, function: bytes, items: Iterable[Any], settings: Settings
    ) -> Iterator[Result]:
        """Put a bounded number of bulks at a time; yield their results in order."""
        waiting: list[tuple[int, int]] = []
        rest = batches(items, BULK_CALLS)
        try:
            while True:
                for calls in islice(rest, BULKS_AHEAD - len(waiting)):
                    waiting.append(self._put_bulk(function, calls, settings))
                if not waiting:
                    return
                yield from self._in_order(*waiting.pop(0))
        finally:
            for id, _ in waiting:
                self._bulks.pop(id, None)
            self.client.withdraw([id for id, _ in waiting], running=False)

    def _put_bulk(
        self, function: bytes, calls: Sequence[Any], settings: Settings
    ) -> tuple[int, int]:
        """Put a bulk; return its id and its number of parts."""
        id = self.client.ids.take()
        # A call that takes its process down, or too long, must not take others along.
        width = 1 if settings.run == "process" else CALLS_PER_PART
        parts = tuple(pickle.dumps(part, protocol=5) for part in batches(calls, width))
        self._bulks[id] = []
        self.client.put([self._task(id, function, settings, parts=parts)])
        return id, len(parts)

    def _in_order(self, id: int, width: int) -> Iterator[Result]:
        """Yield the results of a bulk by the numbers of their parts."""
        arrived: dict[int, Result] = {}
        first = 0
        while first < width:
            self._until(lambda: bool(self._collect() or self._bulks[id]))
            arrived.update((result.first, result) for result in self._bulks[id])
            self._bulks[id].clear()
            while first in arrived:
                result = arrived.pop(first)
                first += result.width
                yield result
        del self._bulks[id]

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
                raise AppFailed(answer.message)
            assert isinstance(answer, Payload | int | float)
            future._value = stored(answer)
            del self._payloads[future.id]
        return future._value

    def ask(self, operation: Any) -> Answer:
        """Do an operation on data and return the answer."""
        request = self.client.ask(operation)
        self._until(lambda: request in self.client.answers)
        return self.client.answers.pop(request)

    def turn(self) -> None:
        """Send what is to be sent, and take what has come."""
        self._turned_s = time.monotonic()
        self._turn()
        self._collect()

    def forget(self, future: Future) -> None:
        """Let go of the value of a future that nobody has any more."""
        if future.failure and not future.seen:
            self.unheard.append(future.failure)
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
        self.unheard.extend(self.client.troubles)

    def _collect(self) -> bool:
        """Take results and notices; return whether there were any."""
        results = self.client.take_results()
        for result in results:
            if result.parts or result.id in self._bulks:
                if result.id in self._bulks:
                    self._bulks[result.id].append(result)
                continue
            self._finish(result)
        notices, self.client.notices = self.client.notices, []
        for notice in notices:
            self._know(notice.id, notice.value, notice.failure)
        return bool(results or notices)

    def _finish(self, result: Result) -> None:
        self._needs.end(result.id)
        if result.forwarded:
            self.client.subscribe(result.id)
        elif result.failure is None:
            self._know(result.id, result.value or None, "")
        else:
            future = self._futures.get(result.id)
            reason = f"{result.failure.message}\n{result.failure.details}".rstrip()
            if future is not None and result.failure.kind != "unwritten":
                reason = f"{future.label} failed: {reason}"
            elif future is not None:
                reason = f"{reason}\nneeded by {future.label}"
            self._know(result.id, None, reason)

    def _know(self, id: int, value: Any, failure: str) -> None:
        """Note that a value, or why there is none, is known; None stands for a large one."""
        future = self._futures.get(id)
        needed = self._needs.known(id)
        if future is None:
            if failure and not needed:
                self.unheard.append(failure)
            return
        future.ready = True
        future.seen = future.seen or needed
        future.failure = failure
        if not failure:
            self._payloads[id] = value
