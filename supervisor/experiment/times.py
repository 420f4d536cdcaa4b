"""Times as they are written for people and tables."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(time_s: float | None) -> str | None:
    """Return a time as ISO 8601, UTC, with milliseconds; None if there is none."""
    if time_s is None:
        return None
    try:
        moment = datetime.fromtimestamp(time_s, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
