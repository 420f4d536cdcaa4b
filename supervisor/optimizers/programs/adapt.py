"""Generators as optimizers: a search written as a loop becomes ask and tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from supervisor.core.blame import blame
from supervisor.core.errors import OptimizerError, SupervisorError
from supervisor.optimizers.protocol import Continuation, Optimizer, Suggestion, Told

_EMPTY_BATCHES = 1_000  # in a row; a generator that yields more does not end


def adapt(search: object) -> Optimizer:
    """Return ``search`` as an optimizer.

    An object with ``ask`` and ``tell`` is one already. A generator or another iterable that
    yields mappings is a stream of points; one that yields lists of mappings is sent the results
    of each list, in its order. A point may also be a ``Continuation``. A generator is run up to
    its first ``yield``.

    Raises:
        OptimizerError: If it is none of these, or raises.
    """
    if callable(getattr(search, "ask", None)) and callable(getattr(search, "tell", None)):
        return cast(Optimizer, search)
    if not isinstance(search, Iterable) or isinstance(search, str | Mapping):
        raise OptimizerError(
            f"an optimizer is an object with ask and tell, or a generator of points, "
            f"not a {type(search).__name__}: {search!r}"
        )
    source = _Source(search)
    return Batches(source) if source.batches else Stream(source)


class _Source:
    """The user's iterator. Its first item is taken at once, because it tells the kind."""

    def __init__(self, search: Iterable[Any]) -> None:
        self.name: str = getattr(search, "__qualname__", type(search).__name__)
        code = getattr(search, "gi_code", None)
        self._file: str | None = code.co_filename if code else None
        self._iterator: Iterator[Any] = iter(search)
        self._send = getattr(self._iterator, "send", None)
        self._first = [self._advance(None)]
        self.batches = isinstance(self._first[0], list | tuple)

    def take(self, results: list[Told] | None = None) -> Any:
        """Return the next item, or None after the last one; a generator receives ``results``."""
        return self._first.pop() if self._first else self._advance(results)

    def _advance(self, results: list[Told] | None) -> Any:
        try:
            item = self._send(results) if self._send else next(self._iterator)
        except StopIteration:
            return None
        except SupervisorError:
            raise
        except (Exception, SystemExit) as error:
            text = f"optimizer {self.name}: {blame(error, self._file)}"
            raise OptimizerError(text) from error
        if item is None:
            raise self.unexpected(item)
        return item

    def point(self, point: object, item: object) -> Suggestion:
        """Return a point that ``item`` is, or holds."""
        if isinstance(point, Continuation):
            return point
        if not isinstance(point, Mapping):
            raise self.unexpected(item)
        return dict(point)

    def unexpected(self, item: object) -> OptimizerError:
        """Return the error for an item that is neither a point nor a batch where one is due."""
        text = repr(item)
        shown = text if len(text) <= 200 else f"{text[:200]}..."
        return OptimizerError(
            f"optimizer {self.name} yielded a {type(item).__name__}, {shown}; yield mappings of "
            "names to values, or lists of them, and always the same of the two"
        )


class Stream:
    """An optimizer that needs no results."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._asked = 0
        self._open: set[int] = set()
        self._error: SupervisorError | None = None

    def ask(self, n: int) -> list[Suggestion]:
        """Return the next ``n`` points, or as many as are left.

        What the generator raises comes after the points before it, however many are asked.
        """
        points: list[Suggestion] = []
        try:
            while len(points) < n and (point := self._next()) is not None:
                points.append(point)
        except SupervisorError as error:
            self._error = error
            if not points:
                raise
        self._open.update(range(self._asked, self._asked + len(points)))
        self._asked += len(points)
        return points

    def _next(self) -> Suggestion | None:
        if self._error:
            raise self._error
        item = self._source.take()
        return None if item is None else self._source.point(item, item)

    def tell(self, results: list[Told]) -> None:
        """Forget the points that are done."""
        _check_told(results, self._open)
        self._open.difference_update(result.id for result in results)


class Batches:
    """An optimizer that goes on when all results of a batch are there."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._first = 0  # number of the batch's first point
        self._batch: list[Suggestion] = []
        self._asked = 0  # points of the batch that were asked
        self._results: dict[int, Told] = {}
        self._begin(0, [])

    def ask(self, n: int) -> list[Suggestion]:
        """Return up to ``n`` points of the batch; none while its last results are missing."""
        points = self._batch[self._asked : self._asked + max(n, 0)]
        self._asked += len(points)
        return points

    def tell(self, results: list[Told]) -> None:
        """Collect results; the last one of the batch runs the generator to its next batch."""
        asked = range(self._first, self._first + self._asked)
        _check_told(results, {number for number in asked if number not in self._results})
        self._results.update((result.id, result) for result in results)
        if self._batch and len(self._results) == len(self._batch):
            told = [self._results[self._first + index] for index in range(len(self._batch))]
            self._begin(self._first + len(told), told)

    def _begin(self, first: int, told: list[Told]) -> None:
        """Take the next batch that is not empty; its points count from ``first``."""
        self._first, self._asked, self._batch, self._results = first, 0, [], {}
        for _ in range(_EMPTY_BATCHES):
            batch = self._source.take(told)
            if batch is None:
                return
            self._batch = self._points(batch)
            if self._batch:
                return
            told = []
        raise OptimizerError(
            f"optimizer {self._source.name} yielded {_EMPTY_BATCHES} empty batches in a row"
        )

    def _points(self, batch: object) -> list[Suggestion]:
        if not isinstance(batch, list | tuple):
            raise self._source.unexpected(batch)
        return [self._source.point(point, batch) for point in batch]


def _check_told(results: list[Told], expected: set[int]) -> None:
    """Raise a KeyError unless every result is of another expected point."""
    seen: set[int] = set()
    for result in results:
        if result.id not in expected or result.id in seen:
            raise KeyError(f"point {result.id} was never asked, or was told before")
        seen.add(result.id)
