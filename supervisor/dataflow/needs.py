"""Values that calls need, also when nobody else has their futures any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable


class Needs:
    """Keeps the references of values until the calls that need them have ended.

    A call may be put on another server than that of a value. What gives the reference up could
    overtake that server's subscription.

    Args:
        let_go: Gives up the reference of a value.
    """

    def __init__(self, let_go: Callable[[int], None]) -> None:
        self._let_go = let_go
        self._of: dict[int, tuple[int, ...]] = {}  # values by the call that needs them
        self._calls: Counter[int] = Counter()  # calls that need each value
        self._dropped: set[int] = set()  # values whose futures are gone
        self._unknown: set[int] = set()  # values that were ever needed and are not known yet

    def begin(self, call: int, values: Iterable[int]) -> None:
        """Note that a call needs values."""
        needed = tuple(dict.fromkeys(values))
        if needed:
            self._of[call] = needed
            self._calls.update(needed)
            self._unknown.update(needed)

    def end(self, call: int) -> None:
        """Note that a call has ended."""
        for value in self._of.pop(call, ()):
            self._calls[value] -= 1
            if not self._calls[value]:
                del self._calls[value]
                if value in self._dropped:
                    self._dropped.discard(value)
                    self._let_go(value)

    def drop(self, value: int) -> None:
        """Note that a value's future is gone."""
        if value in self._calls:
            self._dropped.add(value)
        else:
            self._let_go(value)

    def known(self, value: int) -> bool:
        """Note that a value, or its failure, is known; return whether a call has needed it."""
        needed = value in self._unknown
        self._unknown.discard(value)
        return needed
