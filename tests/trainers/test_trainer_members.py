"""How members come together and part, without MPI."""

import math
import pickle
import socket

import pytest

from supervisor.core.errors import InputError
from supervisor.trainers.members import (
    Members,
    PeerFailed,
    assemble,
    averaged,
    parting,
)
from supervisor.trainers.rendezvous import LOOPBACK, find_place


class Comm:
    """A communicator of two, whose other member says what it is told to."""

    def __init__(self, other=("b", "")):
        self.other = other

    def Get_rank(self):  # noqa: N802
        return 0

    def allgather(self, mine):
        return [mine, self.other]

    def bcast(self, mine):
        return mine


class Log(list):
    """A trainer and a communicator that write down what is done with them."""

    def meet(self):
        self.append("meet")

    def Barrier(self):  # noqa: N802
        self.append("barrier")

    def close(self):
        self.append("close")

    def break_off(self):
        self.append("break off")


def test_a_host_numbers_its_members():
    hosts = ("a", "b", "a", "a", "b")
    places = [Members(rank, 5, hosts) for rank in range(5)]
    assert [one.local_rank for one in places] == [0, 0, 1, 2, 1]
    assert [one.local_size for one in places] == [3, 2, 3, 3, 2]


def test_members_of_a_host_take_different_devices():
    places = [Members(rank, 4, ("a", "a", "b", "a")) for rank in range(4)]
    assert [one.device(["4", "5"]) for one in places] == [0, 1, 0, 0]
    assert [one.device(["6"]) for one in places] == [0, 0, 0, 0]  # the launcher chose
    assert places[0].device(()) is None


def test_all_members_are_known_once_they_have_come():
    assert assemble(Comm(), "") == Members(0, 2, (socket.gethostname(), "b"))


def test_one_member_alone_needs_no_communicator():
    assert assemble(None, "") == Members(0, 1, (socket.gethostname(),))


def test_nobody_goes_on_if_another_member_cannot():
    with pytest.raises(InputError, match="training on b: no Horovod"):
        assemble(Comm(other=("b", "no Horovod")), "")


def test_a_member_that_is_done_closes_after_all_have_met():
    log = Log()
    with parting(log, log):
        log.append("work")
    assert log == ["work", "meet", "barrier", "close"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_member_that_fails_breaks_off_and_waits_for_nobody(error):
    log = Log()
    with pytest.raises(error), parting(log, log):
        raise error
    assert log == ["break off"]


@pytest.mark.parametrize("where", ["meet", "Barrier"])
def test_a_member_that_is_done_fails_with_the_others(where, monkeypatch):
    def missed():
        raise OSError("another member failed")

    log = Log()
    monkeypatch.setattr(log, where, missed, raising=True)
    with pytest.raises(OSError, match="another member failed"), parting(log, log):
        pass
    assert log[-1] == "break off"
    assert "close" not in log


def test_an_average_counts_each_member_by_its_weight():
    sums = averaged({"a": 2.0, "b": math.nan}, 3, list)
    assert sums["a"] == 2.0
    assert math.isnan(sums["b"])
    assert averaged({"a": math.nan}, 0, lambda mine: [mine[0] + 2, mine[1] + 8]) == {"a": 4.0}


def test_an_average_of_nothing_is_nan():
    assert math.isnan(averaged({"a": 1.0}, 0, list)["a"])


def test_the_failure_of_a_peer_can_be_sent():
    error = pickle.loads(pickle.dumps(PeerFailed("Horovod", RuntimeError("shut down\n"))))
    assert str(error).endswith("its error says why (shut down)")


def test_members_of_one_host_meet_on_its_loopback():
    place = find_place(None, Members(0, 1, ("a",)))
    with place.listener:
        assert place.address == LOOPBACK
        assert place.listener.getsockname() == (LOOPBACK, place.port)
        assert place.interface


def test_the_first_address_that_all_reach_is_chosen():
    members = Members(0, 1, ("a",))
    foreign, other = "192.0.2.77", "127.0.0.2"  # the first one is for documents: nobody has it
    place = find_place(None, members, [foreign, other, LOOPBACK])
    with place.listener:
        assert place.address == other


def test_no_name_is_looked_up(monkeypatch):
    def look_up(*_):
        raise AssertionError("a name was looked up")

    for function in ("gethostbyname", "gethostbyaddr", "getfqdn", "getnameinfo"):
        monkeypatch.setattr(socket, function, look_up)
    find_place(None, Members(0, 1, ("a",))).listener.close()


def test_no_common_address_is_an_error_that_names_those_tried():
    with pytest.raises(InputError, match=r"rank 0 on a by one of its addresses \(127\.0\.0\.1\)"):
        find_place(Comm(other={}), Members(0, 2, ("a", "a")))
