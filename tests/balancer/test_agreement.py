"""Agreements of a gang, between members whose messages arrive in any order."""

import random
from collections import defaultdict, deque

import pytest

from supervisor.balancer.agreement import CALLS, FAILED, RETURNED, Agreed, Agreement, Claim


class World:
    """Carries messages in order between two ranks, and late."""

    def __init__(self, rng):
        self.rng = rng
        self.sent = defaultdict(deque)
        self.wanted = defaultdict(deque)

    def seen_by(self, rank):
        return View(self, rank)

    @property
    def left_over(self):
        return any(self.sent.values()) or any(self.wanted.values())


class View:
    def __init__(self, world, rank):
        self.world = world
        self.rank = rank

    def Isend(self, numbers, to, tag):  # noqa: N802 - the name of mpi4py
        self.world.sent[self.rank, to, tag].append(numbers[:])
        return Request(lambda: self.world.rng.random() < 0.5)

    def Irecv(self, box, source, tag):  # noqa: N802 - the name of mpi4py
        key = source, self.rank, tag
        request = Request(lambda: self._arrives(key, request, box))
        self.world.wanted[key].append(request)
        return request

    def _arrives(self, key, request, box):
        sent, wanted = self.world.sent[key], self.world.wanted[key]
        if not sent or wanted[0] is not request or self.world.rng.random() < 0.5:
            return False
        wanted.popleft()
        box[:] = sent.popleft()
        return True


class Request:
    def __init__(self, test):
        self.Test = test


def gang(size, rng):
    team = rng.sample(range(2 * size), size)
    world = World(rng)
    members = [Agreement(world.seen_by(rank), team, k, 9) for k, rank in enumerate(team)]
    return world, members


def agree(members, claims, rng):
    """Let the members claim and advance in any order; return what each of them learned."""
    waiting = list(range(len(members)))
    learned = {}
    while waiting:
        k = rng.choice(waiting)
        if not members[k].claimed:
            members[k].look()
            if rng.random() < 0.3:
                members[k].claim(*claims[k])
        elif members[k].advance():
            waiting.remove(k)
            learned[k] = members[k].conclude()
    return [learned[k] for k in range(len(members))]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 13, 16, 17, 33, 64, 65])
def test_all_learn_the_greatest_and_the_least(size):
    rng = random.Random(size)
    world, members = gang(size, rng)
    for _ in range(5):  # one after another, while some are still at the last one
        keys = [(rng.choice([CALLS, CALLS, RETURNED]), rng.randrange(4)) for _ in range(size)]
        claims = [(Claim(*key, 0, k), rng.randrange(100)) for k, key in enumerate(keys)]
        for learned in agree(members, claims, rng):
            assert learned.highest == max((claim for claim, _ in claims), key=weigh)
            assert learned.lowest.key == min(claim.key for claim, _ in claims)
            assert claims[learned.lowest.place][0] == learned.lowest
            assert learned.weight == max(weight for _, weight in claims)
    assert not world.left_over


def weigh(claim):
    return claim.key, claim.place


@pytest.mark.parametrize("size", [2, 3, 7, 16, 40])
def test_a_failure_is_known_to_all_and_leaves_no_message(size):
    for seed in range(10):
        rng = random.Random(seed)
        world, members = gang(size, rng)
        failed = set(rng.sample(range(size), rng.randint(1, 2)))
        claims = [(Claim(FAILED if k in failed else CALLS, 0, 0, k), 0) for k in range(size)]
        for learned in agree(members, claims, rng):
            assert learned.highest.state == FAILED
            assert learned.highest.place in failed
        assert not world.left_over


def test_a_failure_is_seen_by_those_who_have_not_claimed():
    rng = random.Random(1)
    _, members = gang(3, rng)
    members[1].claim(Claim(FAILED, 0, 0, 1))
    members[1].advance()
    for member in (members[0], members[2]):
        assert any(member.look() for _ in range(50))
        assert member.highest.place == 1


def test_who_is_waited_for_is_known():
    rng = random.Random(1)
    _, members = gang(4, rng)
    for k in (0, 1, 3):
        members[k].claim(Claim(RETURNED, 0, 0, k))
    for _ in range(100):
        assert not any(members[k].advance() for k in (0, 1, 3))
    assert [members[k].silent() for k in (0, 1, 3)] == [[2], [2], [2]]


def test_a_farewell_is_heard_by_all_and_names_who_is_missing():
    rng = random.Random(2)
    world, members = gang(5, rng)
    farewells = [members[k].farewell(k) for k in range(4)]
    for _ in range(100):
        assert not any(farewell.heard() for farewell in farewells)
    assert all(farewell.silent() == [4] for farewell in farewells)
    farewells.append(members[4].farewell(2))
    for _ in range(100):
        over = [farewell.heard() for farewell in farewells]
    assert all(over)
    assert all(farewell.states == {0, 1, 2, 3} for farewell in farewells)
    assert not world.left_over


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (Claim(RETURNED, 0, 0, 2), Claim(CALLS, 1, 0, 0), "{2} returned while {0} waits in Bcast"),
        (Claim(CALLS, 2, 0, 1), Claim(CALLS, 1, 0, 0), "{1} calls Scan while {0} waits in Bcast"),
        (
            Claim(CALLS, 1, 2, 1),
            Claim(CALLS, 1, 0, 0),
            "{1} calls Bcast with root 2 while {0} waits in Bcast with root 0",
        ),
    ],
)
def test_a_difference_is_told_in_words(one, other, text):
    names = [f"rank {k} of 3 (world rank {7 + k})" for k in range(3)]
    told = Agreed(one, other, 0).difference([7, 8, 9], ["ending", "Bcast", "Scan"])
    assert told == text.format(*names)
