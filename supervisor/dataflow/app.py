"""Apps: functions whose calls are tasks."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from supervisor.core.calls import Wrapper, encode_function
from supervisor.core.errors import UnknownName
from supervisor.core.pending import Pending
from supervisor.core.scope import Settings, current
from supervisor.dataflow.flow import Flow

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class App(Wrapper, Generic[Arguments, Value]):
    """A function whose calls are tasks. A call returns a future at once.

    Args:
        function: What the tasks run.
        settings: How.
    """

    def __init__(self, function: Callable[Arguments, Value], settings: Settings) -> None:
        functools.update_wrapper(self, function)
        self.name: str = getattr(function, "__name__", "app")
        self.path: str = getattr(function, "__qualname__", self.name)
        self.function = function
        self.settings = settings
        self._encoded = b""
        self._labels: dict[tuple[str, int], str] = {}

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Pending:
        """Put a task; futures among the arguments, at any depth, are values when it runs."""
        return current().call(self.encoded, (arguments, named), self.settings, self._label())

    def map(self, items: Iterable[Any]) -> Iterator[Value]:
        """Call the function for each item, in bulks, and yield the values in order.

        Memory is bounded, however many items there are; those of a range are made on the
        workers. Only in ``main``: in an app, call apps one by one.

        Raises:
            AppFailed: When the turn comes of a value whose call failed.
        """
        return Flow.here(f"{self.name}.map").map(self.encoded, items, self.settings, self.name)

    def foreach(self, items: Iterable[Any]) -> int:
        """Call the function for each item, in bulks, wait, and return the number of calls.

        Raises:
            AppFailed: If a call failed; the others have been made.
        """
        flow = Flow.here(f"{self.name}.foreach")
        return flow.foreach(self.encoded, items, self.settings, self.name)

    def using(self, **settings: Any) -> App[Arguments, Value]:
        """Return the same app with other settings, e.g. ``f.using(priority=3)(x)``."""
        other: App[Arguments, Value] = App(
            self.function, changed(self.settings, settings, f"{self.name}.using")
        )
        other._encoded = self.encoded
        return other

    @property
    def encoded(self) -> bytes:
        """What workers find the function by."""
        if not self._encoded:
            module = sys.modules.get(self.__module__)
            found: Any = module
            for name in self.path.split("."):
                found = getattr(found, name, None)
            self._encoded = encode_function(self if found is self else self.function)
        return self._encoded

    def __reduce__(self) -> str:
        return self.path

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        raise TypeError(f"{self.path}: an app is a function, not a method")

    def _label(self) -> str:
        """Return what diagnostics call a call: the app, and the line that calls it."""
        frame = sys._getframe(2)
        key = (frame.f_code.co_filename, frame.f_lineno)
        label = self._labels.get(key)
        if label is None:
            label = f"{self.name} ({Path(key[0]).name}:{key[1]})"
            self._labels[key] = label
        return label


@overload
def app(function: Callable[Arguments, Value], /) -> App[Arguments, Value]: ...


@overload
def app(
    **settings: Any,
) -> Callable[[Callable[Arguments, Value]], App[Arguments, Value]]: ...


def app(function: Callable[..., Any] | None = None, /, **settings: Any) -> Any:
    """Make an app of a function: ``@app``, or ``@app(priority=2)``.

    Args:
        function: Importable by the workers, or anything that cloudpickle can carry.
        settings: ``kind`` (of workers), ``priority`` (larger runs first), ``target`` (see
            ``location``), ``attempts`` (how often it may be run), ``patience_s`` (after which
            a call that has not begun fails).
    """
    chosen = changed(Settings(), settings, "@app")
    if function is not None:
        return App(function, chosen)
    return lambda function: App(function, chosen)


def changed(settings: Settings, changes: Mapping[str, Any], where: str) -> Settings:
    """Return settings with some changed.

    Raises:
        UnknownName: If there is no such setting.
    """
    known = Settings.__struct_fields__
    for name in changes:
        if name not in known:
            raise UnknownName(where, name, known, "setting")
    return msgspec.structs.replace(settings, **changes)
