"""A flow that tells of every call how it ended, and its value as it was sent."""

from __future__ import annotations

from collections import deque
from typing import Any

from supervisor.core.operations import DataError, Retrieve
from supervisor.core.payload import Payload
from supervisor.core.task import Result
from supervisor.dataflow.flow import Flow
from supervisor.dataflow.future import AppFailed, Future, without_numbers


class Calls(Flow):
    """A flow for who records what becomes of calls.

    Attributes:
        arrived: Futures that are ready, in the order in which that became known.
        endings: Results of calls by id; to be taken out by who takes the future.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.arrived: deque[Future] = deque()
        self.endings: dict[int, Result] = {}

    def listen(self) -> bool:
        """Take what has come; return whether a future is ready, or there is other news."""
        news = self._collect()
        return news or bool(self.arrived)

    def encoded(self, future: Future) -> Payload | int | float:
        """Return the value of a future that is ready as it travels; it is not unpickled."""
        payload = self._payloads[future.id]
        if payload is not None:
            return payload
        answer = self.ask(Retrieve(future.id))
        if isinstance(answer, DataError):
            raise AppFailed(without_numbers(answer.message))
        assert isinstance(answer, Payload | int | float)
        return answer

    def _finish(self, result: Result) -> None:
        if result.id in self._futures:
            self.endings[result.id] = result
        super()._finish(result)

    def _know(self, id: int, value: Any, failure: str) -> None:
        super()._know(id, value, failure)
        future = self._futures.get(id)
        if future is not None:
            future.seen = True
            self.arrived.append(future)
