"""Many calls of one function, as bulks: a bounded number at a time, and values in order."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from supervisor.core.calls import CALLS_PER_PART, CallFailed, batches, returns
from supervisor.core.scope import Settings
from supervisor.core.task import Result
from supervisor.dataflow.flow import Flow
from supervisor.dataflow.future import AppFailed

BULK_CALLS = 65_536
BULKS_AHEAD = 3


class Bulks:
    """The calls of one function for each of some items.

    Args:
        flow: Where they are put.
        function: What is called, encoded.
        settings: How the tasks are run.
        name: Of the app, for errors.
    """

    def __init__(self, flow: Flow, function: bytes, settings: Settings, name: str) -> None:
        self._flow = flow
        self._function = function
        self._settings = settings
        self._name = name
        self._results: dict[int, list[Result]] = {}  # by bulk

    def map(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the values in order.

        Raises:
            AppFailed: When the turn comes of a value whose call failed.
        """
        for result in self._run(items):
            for value in returns(result):
                if isinstance(value, CallFailed):
                    raise AppFailed(f"a call of {self._name}.map failed:\n{value.text}")
                yield value

    def foreach(self, items: Iterable[Any]) -> int:
        """Return the number of calls.

        Raises:
            AppFailed: If a call failed; the others have been made.
        """
        number, failed = 0, ""
        for result in self._run(items):
            for value in returns(result):
                number += 1
                if isinstance(value, CallFailed):
                    failed = failed or value.text
        if failed:
            raise AppFailed(f"a call of {self._name}.foreach failed:\n{failed}")
        return number

    def _run(self, items: Iterable[Any]) -> Iterator[Result]:
        """Put a bounded number of bulks at a time; yield their results in order."""
        waiting: list[tuple[int, int]] = []
        rest = batches(items, BULK_CALLS)
        try:
            while True:
                for calls in islice(rest, BULKS_AHEAD - len(waiting)):
                    waiting.append(self._put(calls))
                if not waiting:
                    return
                yield from self._in_order(*waiting.pop(0))
        finally:
            for id, _ in waiting:
                self._forget(id)
            self._flow.client.withdraw([id for id, _ in waiting], running=False)

    def _put(self, calls: Sequence[Any]) -> tuple[int, int]:
        """Put a bulk; return its id and its number of parts."""
        id = self._flow.client.ids.take()
        # A call that takes its process down, or too long, must not take others along.
        width = 1 if self._settings.run == "process" else CALLS_PER_PART
        parts = tuple(pickle.dumps(part, protocol=5) for part in batches(calls, width))
        results = self._results[id] = []
        self._flow.deliver(id, results, [])
        self._flow.client.put([self._flow.task(id, self._function, self._settings, parts=parts)])
        return id, len(parts)

    def _in_order(self, id: int, width: int) -> Iterator[Result]:
        """Yield the results of a bulk by the numbers of their parts."""
        results = self._results[id]
        arrived: dict[int, Result] = {}
        first = 0
        while first < width:
            self._flow.await_any(results)
            arrived.update((result.first, result) for result in results)
            results.clear()
            while first in arrived:
                result = arrived.pop(first)
                first += result.width
                yield result
        self._forget(id)

    def _forget(self, id: int) -> None:
        del self._results[id]
        self._flow.deliver(id, None, None)
