"""Running Python workflows: a script's ``main`` on rank 0, its apps on the workers."""

from __future__ import annotations

import importlib
import inspect
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from supervisor.balancer.client import Client
from supervisor.balancer.layout import Layout, describe, split
from supervisor.core.errors import InputError, Interrupted, SupervisorError, nearest
from supervisor.core.files import set_folder
from supervisor.core.objective import Program
from supervisor.core.scope import current, entered
from supervisor.dataflow.flow import Flow
from supervisor.dataflow.traced import Traced
from supervisor.runtime.entry import FORWARDED, build_executor
from supervisor.runtime.world import World, alone

MAIN = "main"
UNHEARD_SHOWN = 5
OURS = (str(Path(__file__).resolve().parents[1]), importlib.__file__, "<frozen importlib")
"""Where lines are that say nothing to the user: in this package, and in the import system."""


class ScriptFailed(SupervisorError):
    """A script's ``main`` raised, or calls failed and nobody asked for their values."""


def run_script(
    world: World,
    path: Path,
    arguments: Sequence[str],
    *,
    servers: int | None = None,
    workers: Mapping[str, int] | None = None,
    quiet: bool = False,
    trace: bool = False,
    known: Iterable[str] = (),
) -> None:
    """Call a script's ``main`` with options from the command line.

    Args:
        world: The ranks.
        path: The script.
        arguments: ``--name value`` for the parameters of ``main``.
        servers: Number of servers, or None for what the number of ranks calls for.
        workers: Numbers of workers by kind.
        quiet: Whether to keep the layout to itself.
        trace: Whether to print when calls are put and end.
        known: Other options that the command line has, for hints.

    Raises:
        InputError: If the script or the options are wrong; nothing has run then.
        ScriptFailed: If ``main`` raised.
        Interrupted: If a signal ended it.
    """
    if not path.is_file():
        raise InputError(str(path), "there is no such file")
    layout = split(world.size, servers, workers or {}, where="--workers")
    module = load(path)
    main = getattr(module, MAIN, None)
    if not callable(main):
        raise InputError(str(path), "has no function main(); it is what is run")
    options = options_of(main, arguments, f"{path}: {MAIN}", known)
    world.gather()
    if not quiet:
        _say(describe(layout, world.hosts))
    interrupts = Interrupts(FORWARDED)
    make = partial(Traced, tell=_say) if trace else Flow
    folder = str(path.resolve().parent)
    with _flow(world, layout, folder, interrupts, make) as flow, interrupts:
        try:
            main(**options)
        except Interrupted as error:
            sys.stdout.write(f"{error}\n")
            raise
        except InputError:
            raise
        except SystemExit as error:
            if error.code not in (None, 0):
                raise ScriptFailed(f"{path}: {MAIN} exited with {error.code}") from error
        except BaseException as error:
            raise ScriptFailed(f"{path}: {text_of(error)}") from error
    if flow.unheard:
        shown = "\n".join(flow.unheard[:UNHEARD_SHOWN])
        more = len(flow.unheard) - UNHEARD_SHOWN
        tail = f"\nand {more} more" if more > 0 else ""
        raise ScriptFailed(f"calls failed whose values nobody asked for:\n{shown}{tail}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def flow() -> Iterator[Flow]:
    """Let apps be called in this process: ``with supervisor.flow():``, e.g. in a notebook.

    One process plays all roles, so calls run while values are waited for.
    """
    interrupts = Interrupts((signal.SIGINT,))
    with _flow(alone(), split(1, None), str(Path.cwd()), interrupts) as own, interrupts:
        yield own


@contextmanager
def _flow(
    world: World,
    layout: Layout,
    folder: str,
    interrupts: Interrupts,
    make: Callable[..., Flow] = Flow,
) -> Iterator[Flow]:
    """Let calls go to the ranks; at the end, wait for them, or end them after an exception."""
    if not world.hosts:
        world.gather()
    client = Client(layout, world.hosts)
    set_folder(folder)
    pump = world.begin(layout, client, Program(folder), build_executor)

    def until(reached: Callable[[], bool]) -> None:
        with interrupts.held():
            pump.until(lambda: interrupts.came is not None or reached())

    def turn() -> bool:
        with interrupts.held():
            return pump.turn()

    own = make(client, until, turn)
    try:
        with entered(own):
            yield own
        own.complete()
    except BaseException:
        client.stop()
        raise
    finally:
        client.drain()
        world.finish(pump)
        own.end()


def load(path: Path) -> ModuleType:
    """Import a script under its own name, as the workers will.

    Raises:
        InputError: If it cannot be imported.
    """
    folder = str(path.resolve().parent)
    set_folder(folder)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    if not path.stem.isidentifier():
        raise InputError(str(path), "its name must be that of a module: letters, digits, '_'")
    try:
        module = importlib.import_module(path.stem)
    except BaseException as error:
        raise InputError(str(path), f"cannot be imported: {text_of(error)}") from error
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise InputError(str(path), f"another module {path.stem!r} hides it; rename the script")
    return module


def options_of(
    main: Any, arguments: Sequence[str], where: str, others: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the parameters of ``main`` that a command line sets.

    Args:
        main: The function.
        arguments: The words of the command line.
        where: What errors call the function.
        others: Options that are not its own, one of which may be meant.

    Raises:
        InputError: If it sets what there is not, sets it wrongly, or leaves out what is needed.
    """
    parameters = inspect.signature(main, eval_str=True).parameters
    found: dict[str, Any] = {}
    words = list(arguments)
    while words:
        word, given, text = words.pop(0).partition("=")
        name = word.removeprefix("--").replace("-", "_")
        if not word.startswith("--") or name not in parameters:
            own = [f"--{one.replace('_', '-')}" for one in parameters]
            raise InputError(where, f"has no option {word!r}.{meant(word, own, others)}")
        if not given:
            if not words:
                raise InputError(where, f"{word} needs a value")
            text = words.pop(0)
        found[name] = converted(text, parameters[name], f"{where} {word}")
    for name, parameter in parameters.items():
        if name not in found and parameter.default is parameter.empty:
            raise InputError(where, f"needs --{name.replace('_', '-')}")
    return found


def meant(word: str, own: Sequence[str], others: Iterable[str]) -> str:
    """Return a hint for a misspelt option: the nearest one, and those of ``main``."""
    hint = nearest(word, [*own, *others]).partition(" Known: ")[0]
    listed = ", ".join(sorted(own)) or "none"
    return f"{hint} Those of {MAIN}: {listed}; 'supervisor run --help' lists the others"


def converted(text: str, parameter: inspect.Parameter, where: str) -> Any:
    """Return an option's value, of the type that the parameter has.

    Raises:
        InputError: If the text says no such value.
    """
    kind = parameter.annotation
    if kind is parameter.empty:
        kind = str if parameter.default in (None, parameter.empty) else type(parameter.default)
    if kind is bool:
        answers = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in answers:
            raise InputError(where, f"{text!r} is not true or false")
        return answers[text.lower()]
    if kind not in (int, float, Path):
        return text
    try:
        return kind(text)
    except ValueError as error:
        raise InputError(where, f"{text!r} is no {kind.__name__}") from error


def text_of(error: BaseException) -> str:
    """Return what went wrong in a script, without our own lines and those of imports."""
    told = traceback.TracebackException.from_exception(error)
    if not _clear(told):  # as of a syntax error, which says itself where it is
        return "".join(told.format_exception_only()).strip()
    return "".join(told.format()).rstrip()


def _clear(told: traceback.TracebackException) -> bool:
    """Leave only lines of the user in a traceback and its causes; return whether there are any."""
    theirs = [frame for frame in told.stack if not frame.filename.startswith(OURS)]
    told.stack = traceback.StackSummary.from_list(theirs)
    others = [told.__cause__, told.__context__, *(told.exceptions or ())]
    for other in others:
        if other is not None:
            _clear(other)
    return bool(theirs) or any(others)


class Interrupts(AbstractContextManager["Interrupts"]):
    """Lets the signals that end a run raise ``Interrupted`` in ``main``, or in an app run here.

    Never while messages are pumped, where one could be lost; and again when they are pumped next,
    in case Python could only print the exception, as it does in a finalizer.

    Args:
        numbers: Which.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        self.came: Interrupted | None = None
        self._numbers = numbers
        self._pumping = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._note) for one in self._numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back, and raise what came meanwhile at the end."""
        self._pumping = True
        try:
            yield
        finally:
            self._pumping = False
        if self.came is not None:
            raise self.came

    def _note(self, number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_globals.get("__name__") == "weakref":
            signal.raise_signal(number)  # again: from its callbacks Python only prints exceptions
            return
        self.came = Interrupted(f"ended by {signal.Signals(number).name}")
        if not self._pumping or not isinstance(current(), Flow):
            raise self.came
