"""Values of steps as they are recorded: in the journal, or in files beside it."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

from supervisor.core.payload import Payload, unpack
from supervisor.experiment.folder import Experiment
from supervisor.experiment.step_events import StepFinished
from supervisor.experiment.steps import WHOLE

LONGEST_INLINE = 1_000_000
"""Values of more bytes than this go into files of their own."""


class ValueStore:
    """Values of steps as they are recorded: in the journal, or in files beside it.

    Args:
        experiment: The folder.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._loaded: dict[str, Any] = {}

    def save(self, step: str, index: int, payload: Payload | int | float) -> tuple[Any, str]:
        """Return a value that JSON can hold; or None, and the name of the file that has it.

        Args:
            step: The step's name.
            index: The instance's.
            payload: The value as it travelled; nothing in it is imported.
        """
        if isinstance(payload, int | float):
            return payload, ""
        if isinstance(payload, bytes) and len(payload) <= LONGEST_INLINE:
            try:
                value = _Plain(payload).load()
            except Exception:
                pass  # it holds more than plain values
            else:
                if is_plain(value):
                    return value, ""
        return None, self._write(step, index, payload)

    def load(self, finished: StepFinished) -> Any:
        """Return the value of an instance that finished in an earlier session."""
        if not finished.file:
            return finished.value
        if finished.file not in self._loaded:
            data = (self._experiment.path / finished.file).read_bytes()
            self._loaded[finished.file] = pickle.loads(data)
        return self._loaded[finished.file]

    def _write(self, step: str, index: int, payload: Payload) -> str:
        suffix = "" if index == WHOLE else f"-{index:06d}"
        path = self._experiment.values / f"{step}{suffix}.pickle"
        path.parent.mkdir(exist_ok=True)
        data = payload if isinstance(payload, bytes) else pickle.dumps(unpack(payload), protocol=5)
        write_durably(path, data)
        return str(path.relative_to(self._experiment.path))


class _Plain(pickle.Unpickler):
    """Reads values that need no code of anybody."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name}")


def is_plain(value: Any) -> bool:
    """Return whether a value comes back from JSON as the same."""
    kind = type(value)
    if kind is dict:
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if kind is list:
        return all(map(is_plain, value))
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
        return True
    return value is None or kind in (bool, int, float)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that is there as a whole or not at all, whatever happens."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
