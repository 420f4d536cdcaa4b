"""What a member of a gang does on its communicator: nothing that it would do alone.

MPI has no way to leave a collective that others will never enter. Here no member enters one
before all of them have come to it: they agree on that first, and wait patiently, without
keeping a processor busy. Who fails says so in the same agreement, so a communicator ends with
nothing left inside and can be freed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn, TypeVar

from mpi4py import MPI

from supervisor.balancer.agreement import (
    CALLS,
    FAILED,
    RETURNED,
    Agreed,
    Agreement,
    Claim,
    Farewell,
)
from supervisor.balancer.pump import Backoff
from supervisor.balancer.wire import LOOKS
from supervisor.core.gang import MemberFailed, OutOfStep, Stuck, member_name

FIRST_TAG = 64  # below are those of the wire
PATIENCE_S = 120.0
GRACE_S = 1.0
"""A collective that has begun ends by itself, unless the member that failed did not enter it."""

ENDING = "ending"
OPERATIONS = [ENDING, "forming"]
"""Names of what members agree to do; the place of a name is its number in claims."""

CLEAN, LEFT, UNCLEAN = range(3)
"""How a member leaves a communicator: if only some have left a collective, something is in it."""

Found = TypeVar("Found")
Begin = Callable[[int], Iterator[MPI.Request]]
"""Begins a collective, given the greatest weight: yields each request that it waits for."""


class Patience(Backoff):
    """Waits for other members."""

    LONGEST_S = 1e-3


class Member(MPI.Intracomm):
    """One member of a gang; ``Communicator`` adds what users call.

    Where the members are, and what becomes of them, is only ever changed between two pauses:
    an interruption waits until then, so that every call that was agreed on can be finished.

    Args:
        plain: The same communicator; this class gives it its methods.
        agreement: Between its members.
        team: Their world ranks.

    Attributes:
        trouble: Why it can no longer be used, or None.
        unfreed: Number of communicators of this process that could not be freed, because
            messages may be under way in them.
    """

    unfreed: ClassVar[int] = 0
    _abandoned: ClassVar[list[MPI.Request]] = []  # MPI may still use their buffers

    def __new__(cls, plain: MPI.Intracomm, *_: object) -> Member:
        """Take over the handle."""
        return super().__new__(cls, plain)

    def __init__(self, plain: MPI.Intracomm, agreement: Agreement, team: Sequence[int]) -> None:
        self.trouble: MemberFailed | OutOfStep | None = None
        self._plain = plain
        self._agreement = agreement
        self._awaited: Agreement | Farewell = agreement
        self._team = tuple(team)
        self._place = plain.Get_rank()
        self._begin: Begin | None = None  # of a collective that this member has agreed to
        self._steps: Iterator[MPI.Request] | None = None  # of the same, since all agreed
        self._request: MPI.Request | None = None  # of the same: the step in progress
        self._state = CLEAN  # if the gang fails
        self._patience_s = math.inf
        self._failed_s = math.inf  # since when a failure is known
        self._inside = False  # a call
        self._interruption: BaseException | None = None

    # The collectives

    def collective(self, name: str, begin: Begin, *, root: int = 0, weight: int = 0) -> Any:
        """Do something together, as soon as all members have come to it.

        Args:
            name: In ``OPERATIONS``; the same for all members.
            begin: Yields requests and returns what this method returns.
            root: The same for all members.
            weight: ``begin`` is given the greatest one of all members.

        Raises:
            MemberFailed, OutOfStep: If not all members come to it.
        """
        with self.inside():
            self._begin = begin
            self._claim(CALLS, name, root, weight)
            return self._go_on()

    def _go_on(self) -> Any:
        """Finish the collective that this member has agreed to."""
        if self._steps is None:
            agreed = self._agree()
            assert self._begin is not None
            self._steps = self._begin(agreed.weight)
        while True:
            if self._request is None:
                try:
                    self._request = next(self._steps)
                except StopIteration as end:
                    self._begin = self._steps = None
                    return end.value
                except BaseException:
                    self._tell_failure()  # the others wait inside
                    raise
            self._complete(self._request)
            self._request = None

    def _complete(self, request: MPI.Request) -> None:
        """Wait for a step of a collective that all members have agreed to."""
        patience = Patience()
        until_s = math.inf
        while not request.Test():
            if self._agreement.look():
                until_s = min(until_s, time.monotonic() + GRACE_S)
                if time.monotonic() > until_s:
                    self._state = UNCLEAN
                    self._abandoned.append(request)
                    self._request = None
                    self._heed()
            self._pause(patience, moving=True)

    # The agreements

    def _claim(self, state: int, name: str = ENDING, root: int = 0, weight: int = 0) -> None:
        claim = Claim(state, OPERATIONS.index(name), root, self._place)
        self._agreement.claim(claim, weight)

    def _agree(self) -> Agreed:
        """Wait until all members have said what they do; raise if they do not go on together."""
        patience = Patience()
        while not self._agreement.advance():
            if self._agreement.failed:
                self._heed()
            self._pause(patience)
        if self._agreement.failed:
            self._heed()
        agreed = self._agreement.conclude()
        if agreed.highest.key != agreed.lowest.key:
            self._begin = None
            self.trouble = OutOfStep(agreed.difference(self._team, OPERATIONS))
            raise self.trouble
        return agreed

    def _heed(self) -> NoReturn:
        """Raise, and pass it on, that another member failed."""
        highest = self._agreement.highest
        self._begin = self._steps = None
        name = member_name(highest.place, self._team)
        self.trouble = MemberFailed(f"another member of the gang failed: {name}")
        if not self._agreement.claimed:
            self._agreement.claim(highest)
        self._agreement.advance()
        raise self.trouble

    def _tell_failure(self) -> None:
        """Let the others know at once that this member can no longer take part."""
        self._begin = self._steps = None
        name = member_name(self._place, self._team)
        self.trouble = OutOfStep(f"{name} left a call that all members had come to")
        self._state = max(self._state, LEFT)
        self._claim(FAILED)
        self._agreement.advance()

    # Waiting

    def _until(self, test: Callable[[], Found | None]) -> Found:
        patience = Patience()
        while not (found := test()):
            if self._agreement.look():
                self._heed()
            self._pause(patience)
        return found

    # Calls, and their interruption

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Keep interruptions away from what is done here, but for its pauses.

        Raises:
            MemberFailed, OutOfStep: If the communicator can no longer be used.
        """
        if self.trouble is not None:
            raise type(self.trouble)(str(self.trouble))
        if self._begin is not None:
            raise OutOfStep("this member was interrupted while it waited for the others")
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            self._raise_interruption()

    def interrupt(self, error: BaseException) -> None:
        """Raise an error as soon as this can be: at once, or in the call's next pause."""
        if not self._inside:
            raise error
        self._interruption = error

    def _raise_interruption(self) -> None:
        error, self._interruption = self._interruption, None
        if error is not None:
            raise error

    # The end

    def part(self, failed: bool, patience_s: float = PATIENCE_S) -> bool:
        """End this member's part, in step with the others; return whether all succeeded.

        What this member agreed to and was interrupted in is finished first.

        Args:
            failed: Whether this member failed.
            patience_s: How long the others may take to come after somebody failed.

        Raises:
            Stuck: If they do not come.
        """
        self._patience_s = patience_s
        self._failed_s = time.monotonic() if failed or self.trouble else math.inf
        try:
            if self._begin is not None:
                self._go_on()
            if self.trouble is None:
                self._claim(FAILED if failed else RETURNED)
                self._agree()
        except Stuck:
            raise
        except Exception:
            if self.trouble is None:
                raise
        unclean = self.trouble is not None and self._end_failed()
        patience = Patience()
        while not self._agreement.told():
            self._pause(patience)
        self._release(unclean)
        succeeded = self.trouble is None
        self.trouble = self.trouble or MemberFailed("the task of this communicator is over")
        return succeeded

    def _end_failed(self) -> bool:
        """Wait until all members have stopped; return whether messages may be left."""
        self._failed_s = min(self._failed_s, time.monotonic())
        agreed = not self._agreement.claimed or self._agreement.advance()
        self._awaited = farewell = self._agreement.farewell(self._state)
        patience = Patience()
        while not (agreed and farewell.heard()):
            agreed = agreed or self._agreement.advance()
            farewell.heard()
            self._pause(patience)
        return UNCLEAN in farewell.states or farewell.states == {CLEAN, LEFT}

    @classmethod
    def reap(cls) -> None:
        """Forget what has ended since it was abandoned."""
        cls._abandoned[:] = [one for one in cls._abandoned if not one.Test()]

    def _release(self, unclean: bool) -> None:
        if unclean or any(self._plain.Iprobe() for _ in range(LOOKS)):
            Member.unfreed += 1  # a communicator with its number would get the messages
            return
        self._plain.Free()

    def _pause(self, patience: Patience, *, moving: bool = False) -> None:
        if self._agreement.failed:
            self._failed_s = min(self._failed_s, time.monotonic())
        if time.monotonic() - self._failed_s > self._patience_s:
            names = [member_name(place, self._team) for place in self._awaited.silent()]
            told = f"{' and '.join(names) or 'a message'} did not come within"
            raise Stuck(f"a gang failed, and {told} {self._patience_s:g} s: {self.trouble}")
        patience.wait((), moving=moving)
        self._raise_interruption()
