"""Draws that are repeated until they are points of the space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from supervisor.core.errors import OptimizerError
from supervisor.core.objective import Values

REJECTIONS = 10_000
"""Forbidden draws in a row after which a space counts as empty."""

Drawn = TypeVar("Drawn")


def draw_allowed(
    draw: Callable[[], Drawn], decode: Callable[[Drawn], Values | None]
) -> tuple[Drawn, Values]:
    """Return the first draw that is a point, and the point.

    Args:
        draw: Gives another candidate at each call.
        decode: Gives the candidate's point, or None if it is forbidden.

    Raises:
        OptimizerError: If the space seems to be empty.
    """
    for _ in range(REJECTIONS):
        drawn = draw()
        values = decode(drawn)
        if values is not None:
            return drawn, values
    raise OptimizerError(
        f"{REJECTIONS} points in a row are forbidden; "
        "the forbid clauses leave nothing of the space, or too little"
    )
