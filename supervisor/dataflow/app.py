"""Apps: functions whose calls are tasks."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

import msgspec

from supervisor.core.calls import ISOLATED, Wrapper, encode_function
from supervisor.core.errors import InputError, UnknownName
from supervisor.core.pending import Pending
from supervisor.core.scope import Settings, current
from supervisor.dataflow.body import Body
from supervisor.dataflow.bulks import Bulks
from supervisor.dataflow.files import File, Missing, Named, require, sent
from supervisor.dataflow.flow import Flow

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

RUNS = ("inline", "process")


class App(Wrapper, Generic[Arguments, Value]):
    """A function whose calls are tasks. A call returns a future at once.

    Args:
        function: The user's.
        settings: How the tasks are run.
        body: What they run; None for the function itself.

    Raises:
        InputError: If the settings contradict each other, or the body.
    """

    def __init__(
        self,
        function: Callable[Arguments, Value],
        settings: Settings,
        body: Body[Arguments, Value] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.name: str = getattr(function, "__name__", "app")
        self.path: str = getattr(function, "__qualname__", self.name)
        self.function: Callable[Arguments, Value] = body.build() if body else function
        self.settings = settings
        self._original = function
        self.outputs: Sequence[str] = body.outputs if body else ()
        self._body = body
        self._encoded = b""
        self._labels: dict[tuple[str, int], str] = {}
        where = body.where if body else f"@app of {self.name}"
        check(settings, where, body.only_isolated if body else "")

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Pending:
        """Put a task; futures among the arguments, at any depth, are values when it runs."""
        label = self._label()
        try:
            if self.outputs:
                return self._make(arguments, named, label)
            return current().call(self.encoded, (arguments, named), self.settings, label)
        except Missing as error:
            error.of_call(label)
            raise

    def _make(self, arguments: Sequence[Any], named: Mapping[str, Any], label: str) -> Pending:
        """Put a task that makes files; calls that are given them wait for it."""
        positional, others, files = sent(self._signature, self.outputs, arguments, named, label)
        future = current().call(self.encoded, (positional, others), self.settings, label)
        for file in files:
            file.made_by = future
        return future

    def map(self, items: Iterable[Any]) -> Iterator[Value]:
        """Call the function for each item, in bulks, and yield the values in order.

        Memory is bounded, however many items there are; those of a range are made on the
        workers. Only in ``main``: in an app, call apps one by one.

        Raises:
            AppFailed: When the turn comes of a value whose call failed.
        """
        return self._bulks("map").map(self._items(items))

    def foreach(self, items: Iterable[Any]) -> int:
        """Call the function for each item, in bulks, wait, and return the number of calls.

        Raises:
            AppFailed: If a call failed; the others have been made.
        """
        return self._bulks("foreach").foreach(self._items(items))

    def _bulks(self, what: str) -> Bulks:
        if self.settings.size is not None:
            problem = "makes calls in bulks, each on one worker; with size=, call it for each item"
            raise InputError(f"{self.name}.{what}", problem)
        flow = Flow.here(f"{self.name}.{what}")
        return Bulks(flow, self.encoded, self.settings, self.name)

    def _items(self, items: Iterable[Any]) -> Iterable[Any]:
        """Return the items as they travel: files as inputs that are there, or as outputs."""
        if isinstance(items, range):
            return items
        makes = next(iter(self._signature.parameters), None) in self.outputs
        return map(_output if makes else _input, items)

    def using(self, **settings: Any) -> App[Arguments, Value]:
        """Return the same app with other settings, e.g. ``f.using(priority=3)(x)``."""
        chosen = changed(self.settings, settings, f"{self.name}.using")
        other = App(self._original, chosen, self._body)
        other._encoded = self._encoded_function
        return other

    @property
    def encoded(self) -> bytes:
        """What workers find the function by, and whether they isolate its calls."""
        encoded = self._encoded or self._encoded_function
        return encoded if self.settings.run == "inline" else ISOLATED + encoded

    @property
    def _encoded_function(self) -> bytes:
        if not self._encoded:
            self._encoded = encode_function(self if self._importable() else self.function)
        return self._encoded

    def _importable(self) -> bool:
        """Return whether other processes find it by its name."""
        found: Any = sys.modules.get(self.__module__)
        for name in self.path.split("."):
            found = getattr(found, name, None)
        # The main module is another one in a child process.
        return found is self and self.__module__ != "__main__"

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self._original)

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._importable():
            return self.path
        return App, (self._original, self.settings, self._body)

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


def _input(item: Any) -> Any:
    if isinstance(item, File):
        require(item)
    return item


def _output(item: Any) -> Any:
    return Named(item.name) if isinstance(item, File) else item


@overload
def app(function: Callable[Arguments, Value], /) -> App[Arguments, Value]: ...


@overload
def app(
    *,
    outputs: Sequence[str] = (),
    memo: bool | str = False,
    dir: Literal["private"] | None = None,
    **settings: Any,
) -> Callable[[Callable[Arguments, Value]], App[Arguments, Value]]: ...


def app(
    function: Callable[..., Any] | None = None,
    /,
    *,
    outputs: Sequence[str] = (),
    memo: bool | str = False,
    dir: Literal["private"] | None = None,
    **settings: Any,
) -> Any:
    """Make an app of a function: ``@app``, or ``@app(priority=2)``.

    Args:
        function: Importable by the workers, or anything that cloudpickle can carry.
        outputs: Parameters that are files which the function makes; it is given other names,
            beside the final ones, and the files are renamed when it has succeeded.
        memo: Whether results are kept over runs, or the folder to keep them in.
        dir: Whether each call has a fresh directory, which is removed when it has succeeded.
        settings: ``run`` ("inline" in the worker, or "process": isolated in a child of it, where
            nothing that the function does can harm the worker), ``timeout_s`` (of an isolated
            call), ``kind`` (of workers), ``priority`` (larger runs first), ``target`` (see
            ``location``), ``attempts`` (how often it may be run), ``patience_s`` (after which
            a call that has not begun fails), ``size`` (number of workers that make the call
            together, each with their communicator as ``comm``; or ``{"node": 2}`` for all workers
            of so many hosts).
    """
    chosen = changed(Settings(), settings, "@app")
    if function is not None:
        return App(function, chosen)
    body = functools.partial(Body, outputs=outputs, memo=memo, dir=dir)
    if not (outputs or memo or dir):
        return lambda function: App(function, chosen)
    return lambda function: App(function, chosen, body(function))


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


def check(settings: Settings, where: str, only_isolated: str = "") -> None:
    """Check how a function is to be run.

    Args:
        settings: How.
        where: Which function.
        only_isolated: Why it cannot run inline, if so.

    Raises:
        InputError: If it cannot.
    """
    if settings.run not in RUNS:
        raise UnknownName(where, settings.run, RUNS, "way to run")
    inline = settings.run == "inline"
    if inline and only_isolated:
        raise InputError(where, f"{only_isolated}; add run='process'")
    _check_size(settings, where)
    limit_s = settings.timeout_s
    if limit_s is None:
        return
    if not isinstance(limit_s, int | float) or isinstance(limit_s, bool) or not limit_s > 0:
        raise InputError(where, f"timeout_s={limit_s!r} is no number of seconds above 0")
    if inline and settings.size is None:
        problem = f"timeout_s={limit_s:g} cannot end a call in the worker's own process"
        raise InputError(where, f"{problem}; add run='process'")


def _check_size(settings: Settings, where: str) -> None:
    size = settings.size
    if size is None:
        return
    number = size.get("node") if isinstance(size, Mapping) and len(size) == 1 else size
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise InputError(where, f"size={size!r} is no number of workers, and not {{'node': 2}}")
    if settings.run != "inline":
        raise InputError(where, f"size={size!r} is for calls in the workers; leave run= out")
    if settings.target is not None:
        raise InputError(where, f"size={size!r} and target= exclude each other; leave one out")
