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
    futures: Futures, *, count: int | None = None, timeout_s: float | None = None
) -> tuple[list[Future], list[Future]]:
    """Wait for futures, and return those that are ready and those that are not.

    Args:
        futures: Of calls; of a mapping, its values.
        count: How many are enough; None for all.
        timeout_s: When to stop waiting.

    Raises:
        TypeError: If one is no future.
    """
    return _wait(Flow.here("wait"), _listed(futures, "wait"), count, timeout_s)


def as_completed(futures: Futures) -> Iterator[Future]:
    """Return an iterator that yields futures as they become ready.

    Args:
        futures: Of calls; of a mapping, its values.

    Raises:
        TypeError: If one is no future.
    """
    return _in_turn(Flow.here("as_completed"), _listed(futures, "as_completed"))


def cancel(futures: Futures) -> None:
    """End calls, queued or running; they fail, and what needs their values too.

    Args:
        futures: Of the calls; of a mapping, its values.

    Raises:
        TypeError: If one is no future.
    """
    flow = Flow.here("cancel")
    every = _listed(futures, "cancel")
    for future in every:
        future.seen = True
    flow.client.withdraw([one.id for one in every], running=True)


def _listed(futures: Futures, what: str) -> list[Future]:
    """Return the futures that one of these functions is given."""
    if not isinstance(futures, Iterable):
        raise TypeError(f"{what}: {futures!r} is not several futures; give a list of them")
    every = list(futures.values() if isinstance(futures, Mapping) else futures)
    for one in every:
        if not isinstance(one, Future):
            raise TypeError(f"{what}: {one!r} is no future; give what calls of apps return")
    return every


def _wait(
    flow: Flow, every: list[Future], count: int | None, timeout_s: float | None = None
) -> tuple[list[Future], list[Future]]:
    flow.wait(every, count=count, timeout_s=timeout_s)
    return [one for one in every if one.ready], [one for one in every if not one.ready]


def _in_turn(flow: Flow, left: list[Future]) -> Iterator[Future]:
    while left:
        ready, left = _wait(flow, left, 1)
        yield from ready


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
