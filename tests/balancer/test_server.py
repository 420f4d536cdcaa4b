"""A server alone: messages in, sends out."""

import msgspec
import pytest

from supervisor.balancer.credit import Credit
from supervisor.balancer.layout import split
from supervisor.balancer.messages import (
    Assign,
    Cancel,
    Drain,
    Finished,
    Inquire,
    Load,
    Progress,
    Put,
    Ready,
    Recall,
    Reported,
    Reprioritise,
    Returned,
    Stop,
    Withdraw,
)
from supervisor.balancer.server import Server
from supervisor.balancer.talk import (
    Census,
    Halt,
    Quiet,
    Tally,
)
from supervisor.balancer.termination import CensusTaker
from supervisor.core.errors import ProtocolError
from supervisor.core.task import Failure, Report, Result
from tests.balancer.units import tasks

LAYOUT = split(5, 1)  # client 0, workers 1 to 3, server 4


@pytest.fixture
def server():
    one = Server(4, LAYOUT)
    yield one
    one.check()


def result(task_id, seconds=1.0):
    return Result(task_id, b"", rank=1, start_s=0.0, end_s=seconds)


def test_a_waiting_worker_gets_a_task_at_once(server):
    assert server.handle(Ready([], True), 2, 0.0) == []
    assert server.handle(Put(tasks(7)), 0, 0.0) == [(2, Assign(tasks(7)))]


def test_workers_are_served_in_the_order_in_which_they_asked(server):
    for worker in (3, 1, 2):
        server.handle(Ready([], True), worker, 0.0)
    sends = server.handle(Put(tasks(0, 1)), 0, 0.0)
    assert [to for to, _ in sends] == [3, 1]


def test_results_go_to_the_client(server):
    server.handle(Ready([], True), 1, 0.0)
    server.handle(Put(tasks(0)), 0, 0.0)
    assert server.handle(Ready([result(0)], False), 1, 1.0) == [(0, Finished([result(0)]))]


def test_a_result_of_a_task_that_was_not_given_is_a_protocol_error(server):
    with pytest.raises(ProtocolError, match=r"rank 1 answers task 9, .* which it was not given"):
        server.handle(Ready([result(9)], True), 1, 0.0)


def test_a_message_for_another_role_is_a_protocol_error(server):
    with pytest.raises(ProtocolError, match="the server got Stop from rank 0"):
        server.handle(Stop(), 0, 0.0)


def test_tasks_after_the_drain_are_a_protocol_error(server):
    server.handle(Drain(), 0, 0.0)
    with pytest.raises(ProtocolError, match="after its drain"):
        server.handle(Put(tasks(1)), 0, 0.0)


def test_short_tasks_come_in_batches_and_unbegun_ones_are_recalled(server):
    for _ in range(60):
        server.dispatch.credits[0].learn(1e-5)
    server.handle(Put(tasks(*range(12))), 0, 0.0)
    [(_, assigned)] = server.handle(Ready([], True), 1, 0.0)
    assert len(assigned.tasks) == 2  # half of a fair share of 12 for 3 workers
    while server.dispatch.queues[0]:
        server.handle(Ready([], True), 2, 0.0)
    [*recalls] = server.handle(Ready([], True), 3, 0.0)
    assert (1, Recall(1)) in recalls
    assert server.handle(Returned([(1, 0, 1)]), 1, 0.0)[0] == (3, Assign(tasks(1)))


def test_long_tasks_are_handed_out_one_by_one(server):
    server.handle(Put(tasks(*range(100))), 0, 0.0)
    server.dispatch.credits[0].learn(10.0)
    [(_, assigned)] = server.handle(Ready([], True), 1, 0.0)
    assert len(assigned.tasks) == 1


def test_withdrawn_tasks_are_answered_or_cancelled(server):
    server.handle(Ready([], True), 1, 0.0)
    server.handle(Put(tasks(0, 1)), 0, 0.0)
    sends = server.handle(Withdraw([0, 1], running=True), 0, 0.0)
    assert (1, Cancel([0])) in sends
    [finished] = [message for _, message in sends if isinstance(message, Finished)]
    assert [one.id for one in finished.results] == [1]
    assert finished.results[0].failure.kind == "cancelled"


def test_withdrawing_can_spare_what_runs(server):
    server.handle(Ready([], True), 1, 0.0)
    server.handle(Put(tasks(0)), 0, 0.0)
    assert server.handle(Withdraw([0], running=False), 0, 0.0) == []


def test_reports_are_passed_on(server):
    reports = [Report(0, 1, b"")]
    assert server.handle(Progress(reports), 1, 0.0) == [(0, Reported(reports))]


def test_the_load_counts_the_time_that_workers_work(server):
    server.handle(Ready([], True), 1, 0.0)
    server.handle(Put(tasks(0, 1)), 0, 10.0)
    assert server.handle(Inquire(), 0, 13.0) == [(0, Load(1, 1, 3, 3.0, 13.0))]
    server.handle(Ready([result(0, 4.5)], False), 1, 15.0)
    assert server.handle(Inquire(), 0, 99.0) == [(0, Load(1, 0, 3, 4.5, 99.0))]


def test_the_end_comes_only_after_everything_is_finished_and_stopped(server):
    for worker in (1, 2, 3):
        server.handle(Ready([], True), worker, 0.0)
    server.handle(Put(tasks(0)), 0, 0.0)
    assert server.handle(Drain(), 0, 0.0) == []
    sends = server.handle(Ready([result(0)], True), 1, 0.0)
    assert (4, Quiet()) in sends
    assert server.handle(Quiet(), 4, 0.0) == [(4, Census(1))]
    [(_, tally)] = server.handle(Census(1), 4, 0.0)
    assert tally == Tally(1, True, 0, {}, {})
    assert server.handle(tally, 4, 0.0) == [(4, Halt())]
    assert server.handle(Halt(), 4, 0.0) == [(1, Stop()), (2, Stop()), (3, Stop())]


def test_a_server_is_not_idle_before_all_its_workers_have_asked(server):
    server.handle(Ready([], True), 1, 0.0)
    assert server.handle(Drain(), 0, 0.0) == []
    server.handle(Ready([], True), 2, 0.0)
    assert server.handle(Ready([], True), 3, 0.0) == [(4, Quiet())]


def test_a_census_that_finds_work_does_not_end_the_run():
    taker = CensusTaker([8, 9])
    assert not taker.wanted(8), "the other one has not been idle yet"
    assert taker.wanted(9)
    assert not taker.wanted(8), "one round at a time"
    assert not taker.add(8, Tally(1, False, 0, {}, {}))
    assert not taker.add(9, Tally(1, True, 0, {}, {}))
    assert taker.again(), "something changed during the round"
    assert not taker.add(8, Tally(1, True, 0, {}, {})), "an answer of an old round"
    assert not taker.add(8, Tally(2, True, 0, {9: 3}, {9: 1}))
    assert taker.add(9, Tally(2, True, 0, {8: 1}, {8: 3}))


def test_a_message_under_way_does_not_end_the_run():
    taker = CensusTaker([8, 9])
    assert [taker.wanted(one) for one in (8, 9)] == [False, True]
    taker.add(8, Tally(1, True, 0, {9: 3}, {}))
    assert not taker.add(9, Tally(1, True, 0, {}, {8: 2}))


def test_equal_sums_over_different_pairs_do_not_end_the_run():
    taker = CensusTaker([7, 8, 9])
    assert [taker.wanted(one) for one in (7, 8, 9)] == [False, False, True]
    taker.add(7, Tally(1, True, 0, {8: 1}, {}))
    taker.add(8, Tally(1, True, 0, {}, {9: 1}))
    assert not taker.add(9, Tally(1, True, 0, {}, {})), "one sent, one received, but not the same"


def test_credit_ends_the_batches_after_one_long_task():
    credit = Credit(2)
    for _ in range(200):
        credit.learn(1e-6)
    assert credit.share(10_000) > 100
    credit.learn(1.0)
    assert credit.share(10_000) == 1
    assert credit.share(1) == 1


@pytest.mark.parametrize("running", [True, False])
def test_a_withdrawn_task_that_fails_is_not_tried_again(server, running):
    for worker in (1, 2):
        server.handle(Ready([], True), worker, 0.0)
    server.handle(Put(tasks(7, attempts=2)), 0, 0.0)
    server.handle(Withdraw([7], running), 0, 0.0)
    failed = Result(7, b"", Failure("raised", "no"), rank=1)
    assert server.handle(Ready([failed], True), 1, 0.0) == [(0, Finished([failed]))]


@pytest.mark.parametrize("running", [True, False])
def test_a_withdrawn_task_that_a_worker_gives_back_is_answered(server, running):
    for _ in range(60):
        server.dispatch.credits[0].learn(1e-5)
    server.handle(Put(tasks(*range(12))), 0, 0.0)
    server.handle(Ready([], True), 1, 0.0)
    while server.dispatch.queues[0]:
        server.handle(Ready([], True), 2, 0.0)
    server.handle(Ready([], True), 3, 0.0)
    server.handle(Withdraw([1], running), 0, 0.0)
    [(to, finished)] = server.handle(Returned([(1, 0, 1)]), 1, 0.0)[:1]
    assert to == 0
    assert [one.failure.kind for one in finished.results] == ["cancelled"]


def test_patience_goes_on_when_a_priority_is_changed(server):
    server.handle(Put(tasks(7, patience_s=1.0)), 0, 0.0)
    server.handle(Reprioritise([7], 3), 0, 0.9)
    [(_, finished)] = server.handle(Ready([], True), 1, 1.5)
    assert finished.results[0].failure.kind == "late"


def test_what_is_late_is_answered_when_the_client_asks_how_things_are(server):
    server.handle(Put(tasks(7, patience_s=1.0)), 0, 0.0)
    assert [type(message) for _, message in server.handle(Inquire(), 0, 0.9)] == [Load]
    (_, (to, finished)) = server.handle(Inquire(), 0, 1.1)
    assert to == 0
    assert [(one.id, one.failure.kind) for one in finished.results] == [(7, "late")]


def test_when_everything_is_withdrawn_what_tasks_put_later_does_not_run(server):
    server.handle(Ready([], True), 1, 0.0)
    server.handle(Put(tasks(7, 8)), 0, 0.0)
    (_, ended), cancel = server.handle(Withdraw([], running=True, every=True), 0, 0.1)
    assert cancel == (1, Cancel([7]))
    assert [one.id for one in ended.results] == [8]
    last = msgspec.structs.replace(result(7), tasks=tuple(tasks(9)))
    sends = server.handle(Ready([last], True), 1, 0.2)
    told = {one.id: one.failure for to, sent in sends for one in sent.results}
    assert told[7] is None and told[9].kind == "cancelled"
    assert server.dispatch.queued == 0
