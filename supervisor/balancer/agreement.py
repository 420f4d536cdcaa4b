"""How the members of a gang agree, step by step, on whether and how all of them go on."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from supervisor.core.gang import member_name

if TYPE_CHECKING:
    from mpi4py import MPI

CALLS, RETURNED, FAILED = range(3)
"""What a member does next; a failure outweighs the rest."""

RANK_BITS = 24
NOTHING = -(1 << 62)


class Claim(NamedTuple):
    """What a member says that it does next.

    Attributes:
        state: CALLS, RETURNED or FAILED.
        operation: Number of the collective that it calls.
        root: Its root.
        place: The member's rank in the gang; not part of what must be the same for all.
    """

    state: int
    operation: int = 0
    root: int = 0
    place: int = 0

    @property
    def key(self) -> int:
        """A number that is equal for equal claims, and greatest for failures."""
        return (self.state << 8 | self.operation) << RANK_BITS | self.root

    @classmethod
    def of(cls, key: int, place: int) -> Claim:
        """Return the claim with this key."""
        above = key >> RANK_BITS
        return cls(above >> 8, above & 0xFF, key & (1 << RANK_BITS) - 1, place)


class Agreed(NamedTuple):
    """What all members know after an agreement.

    Attributes:
        highest, lowest: The greatest and the least claim of all.
        weight: The greatest number that a member added to its claim.
    """

    highest: Claim
    lowest: Claim
    weight: int

    def difference(self, team: Sequence[int], operations: Sequence[str]) -> str:
        """Return in words that the members do not do the same."""
        one, other = self.highest, self.lowest
        name = member_name(one.place, team)
        waiting = f"{member_name(other.place, team)} waits in {operations[other.operation]}"
        if one.state == RETURNED:
            return f"{name} returned while {waiting}"
        called = f"{name} calls {operations[one.operation]}"
        if one.operation == other.operation:
            return f"{called} with root {one.root} while {waiting} with root {other.root}"
        return f"{called} while {waiting}"


class Agreement:
    """Agreements of a gang, one after another; every member takes part in all of them.

    A member claims what it does next and calls ``advance`` until it learns what all claimed.
    In round k it hears from the members 4^k, 2 4^k and 3 4^k places before it and tells those as
    many places after it the greatest of what it knows; after ceil(log4(size)) rounds everybody
    knows the greatest of all. Few rounds are worth more messages: in each round every member
    must get a processor. Messages go over the world's communicator, with a tag of the gang's own:
    whatever users do on theirs, and leave undone, cannot disturb it.

    A failure goes ahead of its round, so that members who wait in some other call see it when
    they ``look``. They still take part in the agreement, which leaves no message behind.

    Args:
        world: Carries the messages.
        team: World ranks of the members.
        place: This member's rank in the gang.
        tag: Used by no other gang at the same time.

    Source:
        Hensgen, Finkel & Manber, Two algorithms for barrier synchronization, International
        Journal of Parallel Programming 17, 1988: dissemination, there with base 2. The maximum
        is idempotent, so any number of members will do.
    """

    def __init__(self, world: MPI.Comm, team: Sequence[int], place: int, tag: int) -> None:
        self._world = world
        self._team = team
        self._place = place
        self._tag = tag
        size = len(team)
        steps, self._rounds = _rounds(size)
        self._targets = [team[(place + step) % size] for step in steps]
        self._places = [(place - step) % size for step in steps]
        self._sources = [team[one] for one in self._places]
        self._boxes = [array("q", bytes(24)) for _ in steps]
        self._sending: deque[tuple[MPI.Request, array[int]]] = deque()
        self._forget()

    def _forget(self) -> None:
        self.claimed = False
        self._known = [NOTHING] * 3
        self._told = 0  # members
        self._hearing: list[MPI.Request | None] = []
        self._listens = False

    def claim(self, claim: Claim, weight: int = 0) -> None:
        """Say what this member does next."""
        self.claimed = True
        key = claim.key
        self._take_in((key << RANK_BITS | claim.place, -key << RANK_BITS | claim.place, weight))

    def _take_in(self, numbers: Sequence[int]) -> None:
        self._known = [max(pair) for pair in zip(self._known, numbers, strict=True)]

    def look(self) -> bool:
        """Take in what has arrived, before or after the own claim; tell of known failures."""
        if not self._listens:
            self._listens = True
            pairs = zip(self._boxes, self._sources, strict=True)
            self._hearing = [self._world.Irecv(box, one, self._tag) for box, one in pairs]
        for k, request in enumerate(self._hearing):
            if request is not None and request.Test():
                self._hearing[k] = None
                self._take_in(self._boxes[k])
        return self.failed

    @property
    def failed(self) -> bool:
        """Whether this agreement will be that somebody failed."""
        return self._known[0] >= Claim(FAILED).key << RANK_BITS

    @property
    def highest(self) -> Claim:
        """The greatest claim that is known so far."""
        number = self._known[0]
        return Claim.of(number >> RANK_BITS, number & (1 << RANK_BITS) - 1)

    def advance(self) -> bool:
        """Hear and tell what can be heard and told now; return whether all is known."""
        failed = self.look()
        for begin, end in self._rounds:
            if self._told < end and not failed and any(self._hearing[:begin]):
                return False
            while self._told < end:
                self._tell(self._targets[self._told])
                self._told += 1
        return not any(self._hearing)

    def _tell(self, target: int) -> None:
        numbers = array("q", self._known)
        request = self._world.Isend(numbers, target, self._tag)
        if not request.Test():
            self._sending.append((request, numbers))

    def conclude(self) -> Agreed:
        """Return what was agreed, after ``advance`` returned True, and begin the next one."""
        lowest = -(self._known[1] >> RANK_BITS), self._known[1] & (1 << RANK_BITS) - 1
        agreed = Agreed(self.highest, Claim.of(*lowest), self._known[2])
        self._forget()
        return agreed

    def told(self) -> bool:
        """Return whether everything that was told has left."""
        while self._sending and self._sending[0][0].Test():
            self._sending.popleft()
        return not self._sending

    def silent(self) -> list[int]:
        """Return the members, by their rank in the gang, that this one waits for."""
        return [self._places[k] for k, request in enumerate(self._hearing) if request is not None]

    def farewell(self, state: int) -> Farewell:
        """Return the end of a gang that failed.

        The last agreement may be under way if ``advance`` was called: its messages go ahead.
        """
        return Farewell(self._world, self._team, self._place, self._tag, state)


def _rounds(size: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Return how far messages go, and where among these distances each round begins and ends."""
    steps: list[int] = []
    rounds = []
    reach = 1
    while reach < size:
        further = [step for step in (reach, 2 * reach, 3 * reach) if step < size]
        rounds.append((len(steps), len(steps) + len(further)))
        steps += further
        reach *= 4
    return steps, rounds


class Farewell:
    """The end of a gang that failed: each member tells each other one that it has stopped.

    So every member knows exactly who is missing.

    Args:
        world, team, place, tag: As of the agreements before.
        state: A number.

    Attributes:
        states: Those of all, as far as they are known.
    """

    def __init__(
        self, world: MPI.Comm, team: Sequence[int], place: int, tag: int, state: int
    ) -> None:
        self.states = {state}
        self._boxes = {k: array("q", [0]) for k in range(len(team)) if k != place}
        self._hearing = {k: world.Irecv(box, team[k], tag) for k, box in self._boxes.items()}
        mine = array("q", [state])
        self._sending = [world.Isend(mine, team[k], tag) for k in self._boxes]

    def heard(self) -> bool:
        """Return whether all have told it, and been told."""
        for k in [k for k, request in self._hearing.items() if request.Test()]:
            del self._hearing[k]
            self.states.add(self._boxes[k][0])
        self._sending = [request for request in self._sending if not request.Test()]
        return not self._hearing and not self._sending

    def silent(self) -> list[int]:
        """Return the members, by their rank in the gang, that this one waits for."""
        return list(self._hearing)
