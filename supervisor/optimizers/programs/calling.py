"""Sequential programs as optimizers: code that calls for results, and waits for them."""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from queue import SimpleQueue
from typing import Any, TypeVar, overload

from supervisor.core.blame import blame
from supervisor.core.errors import OptimizerError, SupervisorError
from supervisor.core.objective import Values
from supervisor.core.space import Space
from supervisor.optimizers.protocol import Told

Item = TypeVar("Item")
Fitness = tuple[float, ...]
Search = Generator[list[Values], list[Told], None]

_BY_POSITION = inspect.Parameter.POSITIONAL_OR_KEYWORD


class Evaluate:
    """What a program calls for results; it returns when all of them are there.

    ``evaluate(points)`` gives the results of points, in their order. ``evaluate(point_of, items)``
    is a ``map``, as DEAP's toolbox wants one: it evaluates the point that ``point_of`` makes of
    each item, and gives tuples of losses, which are infinite where an evaluation failed or its
    loss is NaN.
    """

    def __init__(self) -> None:
        self.error: SupervisorError | None = None
        self._lock = threading.Lock()
        self._asked: SimpleQueue[list[Values] | None] = SimpleQueue()
        self._told: SimpleQueue[list[Told] | None] = SimpleQueue()
        self._objectives = 1

    @overload
    def __call__(self, points: Iterable[Mapping[str, Any]], /) -> list[Told]: ...

    @overload
    def __call__(
        self, point_of: Callable[[Item], Mapping[str, Any]], items: Iterable[Item], /
    ) -> list[Fitness]: ...

    def __call__(self, *call: Any) -> list[Told] | list[Fitness]:
        if len(call) == 1:
            return self._results(call[0])
        point_of, items = call
        return [self._fitness(result) for result in self._results(map(point_of, items))]

    def _results(self, points: Iterable[Mapping[str, Any]]) -> list[Told]:
        batch = [_checked(point) for point in points]
        if not batch:
            return []
        with self._lock:  # a program may have threads of its own
            self._asked.put(batch)
            results = self._told.get()
            if results is None:
                self._told.put(None)  # for the next call, should the program not end with this
                raise _Dropped
            return results

    def _fitness(self, result: Told) -> Fitness:
        losses = () if result.loss is None else result.losses or (result.loss,)
        self._objectives = max(self._objectives, len(losses))
        if not losses or any(math.isnan(loss) for loss in losses):
            return (math.inf,) * self._objectives
        return losses

    # --- the other side --------------------------------------------------------------------

    def batches(self) -> Search:
        """Yield what the program asks, until it ends or this generator is closed."""
        try:
            while (batch := self._asked.get()) is not None:
                self._told.put((yield batch))
        finally:
            self._told.put(None)
        if self.error:
            raise self.error

    def end(self) -> None:
        """Say that the program asks nothing more."""
        self._asked.put(None)


class _Dropped(BaseException):
    """Ends a program whose search nobody asks any more."""


def in_thread(program: Callable[[Evaluate], object], name: str, file: str | None) -> Search:
    """Run a program in a thread of its own, as a generator of the batches that it asks.

    The two take turns: the thread runs only while the generator waits for it, so that a program
    does the same at each run.

    Args:
        program: Takes what it is to call for results.
        name: For errors.
        file: Whose lines errors are to name.

    Raises:
        OptimizerError: If the program raises.
    """
    evaluate = Evaluate()

    def run() -> None:
        try:
            program(evaluate)
        except _Dropped:
            pass
        except SupervisorError as error:
            evaluate.error = error
        except BaseException as error:
            evaluate.error = OptimizerError(f"optimizer {name}: {blame(error, file)}")
            evaluate.error.__cause__ = error
        finally:
            evaluate.end()

    threading.Thread(target=run, name=name, daemon=True).start()
    yield from evaluate.batches()


def as_factory(found: Any) -> Any:
    """Return a factory of optimizers: ``found`` itself, unless it is a program.

    A program is a function of the space and of ``evaluate``, its second argument by this name;
    what else it takes are its settings.
    """
    if not inspect.isfunction(found):
        return found
    signature = inspect.signature(found)
    second = [*signature.parameters.values()][1:2]
    if [(one.name, one.kind) for one in second] != [("evaluate", _BY_POSITION)]:
        return found

    @functools.wraps(found)
    def factory(space: Space, **settings: Any) -> Search:
        return in_thread(
            lambda evaluate: found(space, evaluate, **settings),
            found.__qualname__,
            found.__code__.co_filename,
        )

    others = [one for one in signature.parameters.values() if one.name != "evaluate"]
    vars(factory)["__signature__"] = signature.replace(parameters=others)
    return factory


def _checked(point: object) -> Values:
    if not isinstance(point, Mapping):
        raise TypeError(
            f"evaluate takes mappings of names to values, not {point!r}; as DEAP's map, it takes "
            "a function that returns the mapping of an individual"
        )
    return dict(point)
