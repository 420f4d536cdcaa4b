"""What the task of a call runs: the user's function, and what is asked for around it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from supervisor.core.errors import InputError
from supervisor.core.files import folder
from supervisor.dataflow.files import WithOutputs, check_outputs
from supervisor.executors.traces import will_leave

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

PRIVATE_FOLDER = ".supervisor-tasks"


@dataclass(frozen=True)
class Body(Generic[Arguments, Value]):
    """A function, and what is asked for around it.

    Attributes:
        function: The user's.
        outputs: Parameters that are files which it makes.
        memo: Whether results are kept over runs, or the folder to keep them in.
        dir: Whether each call has a fresh directory.
        inner: What runs in place of the function, e.g. the command that it returns; or None.
        decorator: How the user asked for it.
    """

    function: Callable[Arguments, Value]
    outputs: Sequence[str] = ()
    memo: bool | str = False
    dir: Literal["private"] | None = None
    inner: Callable[Arguments, Value] | None = None
    decorator: str = "@app"

    @property
    def where(self) -> str:
        """How errors call it."""
        return f"{self.decorator} of {getattr(self.function, '__name__', 'app')}"

    @property
    def only_isolated(self) -> str:
        """Why it cannot run in a worker's own process; empty if it can."""
        if self.inner is not None:
            return "a command runs in a process of its own"
        return "dir='private' changes the working directory" if self.dir else ""

    def build(self) -> Callable[Arguments, Value]:
        """Return what workers call.

        Raises:
            InputError: If something is asked for that there is not.
        """
        run = self.inner or self.function
        check_outputs(self.function, self.outputs, self.where)
        if self.dir is not None:
            if self.dir != "private":
                problem = f"dir={self.dir!r} is wrong here: give 'private', or leave it out"
                raise InputError(self.where, problem)
            run = InPrivate(run, getattr(self.function, "__name__", "app"))
        if self.outputs:
            run = WithOutputs(run, self.function, tuple(self.outputs))
        if self.memo:
            from supervisor.dataflow.memo import Memo  # late: hashing is for those who ask for it

            chosen = self.memo if isinstance(self.memo, str) else ""
            run = Memo(run, self.function, tuple(self.outputs), chosen)
        return run


@dataclass(frozen=True)
class InPrivate:
    """A function that runs in a fresh directory, which is removed when it has succeeded."""

    function: Callable[..., Any]
    __name__: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function there."""
        import shutil  # late, like tempfile: a load on the start of all workers
        import tempfile

        base = folder() / PRIVATE_FOLDER
        base.mkdir(exist_ok=True)
        path = tempfile.mkdtemp(prefix=f"{self.__name__}-", dir=base)
        will_leave(directory=path)
        before = Path.cwd()
        os.chdir(path)
        try:
            value = self.function(*arguments, **named)
        finally:
            os.chdir(before)
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # others are there
            base.rmdir()
        return value
