"""The second argument of an objective: what a task may ask of Supervisor."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from supervisor.core.objective import Evaluation, Metrics, Objective
from supervisor.core.task import Gang
from supervisor.executors.devices import devices_of
from supervisor.executors.metrics import encode, to_metrics

Tell = Callable[[int, bytes], bool]
"""Takes a step and its encoded metrics; returns whether the trial should stop early."""


class Context:
    """One evaluation, seen from the objective.

    Attributes:
        id: The point's number.
        name: Name of the run directory; may have several components.
        seed: For the objective's own randomness; the same in every attempt.
        attempt: From 1.
        comm: Communicator of the ranks that evaluate this point together, or None.
        size: How many workers do so.
        rank: Which of them this is, from 0.
        hosts: Names of their hosts, one for each worker; empty for one worker.
        rendezvous: ``host:port`` of the first one, where processes that start themselves can meet;
            empty if there is none.
        stopped_at: The step at which a report was answered by "stop early", or None.
        used_dir: Whether the run directory was asked for.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        objective: Objective,
        *,
        end_s: float = math.inf,
        tell: Tell | None = None,
        comm: Any = None,
        gang: Gang | None = None,
        rank: int = 0,
    ) -> None:
        self.id = evaluation.point
        self.name = evaluation.name
        self.seed = evaluation.seed
        self.attempt = evaluation.attempt
        self.comm = comm
        self.size = len(gang.team) if gang else 1
        self.rank = rank
        self.hosts = gang.hosts if gang else ()
        self.rendezvous = gang.rendezvous if gang else ""
        self.stopped_at: int | None = None
        self.used_dir = False
        self._values = evaluation.values
        self._parent = evaluation.parent
        self._objective = objective
        self._end_s = end_s
        self._tell = tell

    @property
    def dir(self) -> Path:
        """The run directory; the first access creates it, with ``params.json`` inside."""
        path = run_dir(self._objective, self.name)
        if not self.used_dir:
            path.mkdir(parents=True, exist_ok=True)
            if self.rank == 0:
                text = strict_json(self._values) + "\n"
                (path / "params.json").write_text(text, encoding="utf-8")
            self.used_dir = True
        return path

    @property
    def checkpoint_dir(self) -> Path:
        """Where to keep checkpoints: the same folder in every attempt and after a resume.

        Of a point that goes on from an earlier one, it begins as a copy of that one's.
        """
        path = self.dir / "checkpoint"
        if self._parent and not path.exists():
            copy_checkpoint(run_dir(self._objective, self._parent) / "checkpoint", path)
        path.mkdir(exist_ok=True)
        return path

    @property
    def time_left_s(self) -> float:
        """Seconds until the task's time limit or the end of the run, whichever is first."""
        return max(0.0, self._end_s - time.time())

    @property
    def devices(self) -> tuple[str, ...]:
        """The accelerators that this task may use, by the first variable that names any."""
        return devices_of(os.environ)

    def report(self, step: int, metrics: Any) -> bool:
        """Report progress; True means: stop early, this trial will not be continued.

        Args:
            step: The task's own counter, e.g. the epoch.
            metrics: A mapping, or a number: the objective's metric.

        Raises:
            TaskError: If the metrics are not numbers, texts, truth values or lists of them.
        """
        encoded = encode(to_metrics(metrics, self._objective.metric))
        stop = self._tell is not None and self._tell(int(step), encoded)
        if stop:
            self.stopped_at = int(step)
        return stop

    @property
    def note(self) -> str:
        """What is worth keeping about a task that succeeded."""
        return "" if self.stopped_at is None else f"stopped early at step {self.stopped_at}"

    def keep(self, metrics: Metrics) -> None:
        """Write ``result.json`` if the task used its directory."""
        if self.used_dir and self.rank == 0 and not self._holds_result():
            text = strict_json(metrics) + "\n"
            (self.dir / "result.json").write_text(text, encoding="utf-8")

    def _holds_result(self) -> bool:
        """Tell whether ``result.json`` is what a shell command wrote; it is left as it is."""
        return self._objective.shell is not None and self._objective.result == "result.json"


def absolute(objective: Objective) -> Objective:
    """Return the objective with absolute folders; tasks may change the working directory."""
    return msgspec.structs.replace(
        objective,
        source_dir=str(Path(objective.source_dir).absolute()),
        experiment_dir=str(Path(objective.experiment_dir).absolute()),
    )


def run_dir(objective: Objective, name: str) -> Path:
    """Return the folder of one run; nothing is created."""
    return Path(objective.experiment_dir, "runs", name)


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy a folder, if there is one, so that ``target`` is complete as soon as it exists."""
    import shutil  # late: few tasks go on from others

    if source.is_dir():
        partial = target.with_name(f".{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of an attempt that was killed here
        shutil.copytree(source, partial)
        partial.rename(target)


def strict_json(value: Any) -> str:
    """Return JSON that every reader accepts.

    NaN and the infinities, which JSON does not have, become the texts "NaN", "Infinity" and
    "-Infinity"; ``float`` reads them back.
    """
    import json

    return json.dumps(_without_nan(value), allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
