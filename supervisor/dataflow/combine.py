"""Working with several futures: gather, wait, as_completed, cancel; and sharing a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from supervisor.core.calls import IDENTITY, encode_function
from supervisor.core.pending import Pending
from supervisor.core.scope import Settings, current
from supervisor.core.task import Target
from supervisor.dataflow.app import App
from supervisor.dataflow.flow import Flow
from supervisor.dataflow.future import Future

Futures = Iterable[Any] | Mapping[Any, Any]


def gather(function: Callable[[Any], Any] | Futures, futures: Futures | None = None) -> Pending:
    """Return the future of all values together, or of a function of them.

    Args:
        function: Called on a worker with the values; left out, they are the value themselves.
        futures: In a list, tuple or mapping, at any depth.
    """
    if futures is None:
        assert not callable(function)
        return _call(IDENTITY, function, Settings(), "gather")
    assert callable(function)
    name = getattr(function, "__name__", "function")
    if isinstance(function, App):
        return _call(function.encoded, futures, function.settings, f"gather of {name}")
    return _call(encode_function(function), futures, Settings(), f"gather of {name}")


def _call(function: bytes, futures: Futures, settings: Settings, label: str) -> Pending:
    whole = futures if isinstance(futures, Mapping | tuple | list) else list(futures)
    return current().call(function, ((whole,), {}), settings, label)


def share(value: Any) -> Future:
    """Store a value once, for many calls to be given; large ones are fetched once a worker.

    A large array in it must not be changed afterwards.
    """
    return Flow.here("share").share(value)


def wait(
    futures: Iterable[Future], *, count: int | None = None, timeout_s: float | None = None
) -> tuple[list[Future], list[Future]]:
    """Wait for futures, and return those that are ready and those that are not.

    Args:
        futures: Of calls.
        count: How many are enough; None for all.
        timeout_s: When to stop waiting.
    """
    every = list(futures)
    Flow.here("wait").wait(every, count=count, timeout_s=timeout_s)
    return [one for one in every if one.ready], [one for one in every if not one.ready]


def as_completed(futures: Iterable[Future]) -> Iterator[Future]:
    """Yield futures as they become ready."""
    left = list(futures)
    while left:
        ready, left = wait(left, count=1)
        yield from ready


def cancel(futures: Iterable[Future]) -> None:
    """End calls, queued or running; they fail, and what needs their values too."""
    every = list(futures)
    for future in every:
        future.seen = True
    Flow.here("cancel").client.withdraw([one.id for one in every], running=True)


def location(*, rank: int = -1, host: str = "", hard: bool = True) -> Target:
    """Return where a call is to run: ``f.using(target=location(rank=3))``.

    Args:
        rank: World rank of a worker.
        host: Name of a host; any of its workers.
        hard: Whether it may run nowhere else, even if it has to wait.

    Raises:
        InputError: If there is no such worker.
    """
    return Flow.here("location").client.location(rank=rank, host=host, hard=hard)
