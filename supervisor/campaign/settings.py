"""What a campaign is told before it begins."""

from __future__ import annotations

import hashlib
import math
from typing import Literal

import msgspec

from supervisor.core.objective import Metrics, Values
from supervisor.core.task import Gang


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of one campaign.

    Attributes:
        metric: The metric that counts; None for an ensemble without one.
        maximize: Whether more of it is better; optimizers always minimise a loss.
        evaluations: Number of points to ask for, or None until the optimizer ends.
        named: Whether points carry their own names, under the parameter ``id``.
        retries: How often a failed point is tried again.
        on_failure: What happens to a point that failed for good: it stays failed, or its loss
            is imputed by the worst one so far, or the campaign stops.
        kind: Number of the kind of workers that evaluate points.
        timeout_s: Time limit of one evaluation, or None.
        deadline_s: When the run must have ended, in seconds since the epoch.
        grace_s: How long running evaluations may go on after an interruption.
        seed: Source of the seeds of all evaluations.
        objectives: Of a search with several objectives: metrics, and whether more is better.
        repeats: How often each point is evaluated, with other seeds; the mean counts.
        reuse: Whether a point that was evaluated before gets the result it had then.
        size: Number of workers that evaluate a point together, or the parameter that says it.
        nodes: All workers of so many hosts instead, or 0.
        joint: Whether each of them evaluates it, or one on behalf of all.
    """

    metric: str | None
    maximize: bool = False
    evaluations: int | None = None
    named: bool = False
    retries: int = 0
    on_failure: Literal["fail", "impute", "stop"] = "fail"
    kind: int = 0
    timeout_s: float | None = None
    deadline_s: float = math.inf
    grace_s: float = 5.0
    seed: int = 0
    objectives: tuple[tuple[str, bool], ...] = ()
    repeats: int = 1
    reuse: bool = False
    size: int | str = 1
    nodes: int = 0
    joint: bool = True

    def gang(self, values: Values) -> Gang | None:
        """Return what workers evaluate a point together, or None for one alone."""
        if self.nodes:
            return Gang(0, nodes=self.nodes, joint=self.joint)
        size = values.get(self.size, 1) if isinstance(self.size, str) else self.size
        return None if size == 1 else Gang(size, joint=self.joint)

    def task_seed(self, point: int, repeat: int = 0) -> int:
        """Return the seed of a point's evaluation: the same on any rank, in any attempt."""
        key = f"{self.seed}/{point}" + (f"/{repeat}" if repeat else "")
        digest = hashlib.blake2b(key.encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big")

    def loss(self, value: float) -> float:
        """Return what an optimizer minimises, from the metric's value; its own inverse."""
        return -value if self.maximize else value

    def losses(self, metrics: Metrics) -> tuple[float, ...]:
        """Return what an optimizer of several objectives minimises."""
        values = ((float(metrics[name]), maximize) for name, maximize in self.objectives)
        return tuple(-value if maximize else value for value, maximize in values)
