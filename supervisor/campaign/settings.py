"""What a campaign is told before it begins."""

from __future__ import annotations

import hashlib
import math
from typing import Literal

import msgspec


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

    def task_seed(self, point: int) -> int:
        """Return the seed of a point's evaluation: the same on any rank, in any attempt."""
        digest = hashlib.blake2b(f"{self.seed}/{point}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big")

    def loss(self, value: float) -> float:
        """Return what an optimizer minimises, from the metric's value; its own inverse."""
        return -value if self.maximize else value
