"""The state is what the events amount to."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.core.errors import SupervisorError
from supervisor.experiment.events import (
    Asked,
    AskedPoint,
    Closed,
    Failed,
    Finished,
    Interrupted,
    Opened,
    Recommended,
    Reported,
    Session,
    Waited,
)
from supervisor.experiment.state import State, replay


def opened(name="digits"):
    return Opened(
        name=name, seed=1, metric="loss", maximize=False,
        source="w.yaml", source_dir=".", time_s=0.0,
    )  # fmt: skip


def session(number):
    return Session(number=number, time_s=0.0, ranks=4, workers=2, servers=1, hosts=["a"])


def asked(*ids):
    points = [AskedPoint(id=id, name=f"RUN{id:06d}", values={"x": id}) for id in ids]
    return Asked(n=len(ids), points=points, time_s=0.0)


def finished(point, loss=0.5, attempt=1, seconds=1.0, note=""):
    return Finished(
        point=point, attempt=attempt, loss=loss, metrics={"loss": loss}, rank=1, host="a",
        start_s=10.0, end_s=10.0 + seconds, note=note,
    )  # fmt: skip


def failed(point, attempt=1, final=False, kind="raised", loss=None, seconds=1.0):
    return Failed(
        point=point, attempt=attempt, kind=kind, message="ValueError: x", details="Traceback",
        rank=2, host="b", start_s=10.0, end_s=10.0 + seconds, final=final,
        loss=loss,
    )  # fmt: skip


def recommended(point):
    return Recommended(point=point, loss=0.25, time_s=0.0)


def test_a_recommendation_holds_until_more_points_are_asked():
    state = replay([asked(0, 1), finished(0), finished(1), recommended(1)])
    assert state.recommended == recommended(1)
    assert state.best() == 0
    state.apply(asked(2))
    assert state.recommended is None


def test_a_point_that_was_never_asked_cannot_be_recommended():
    with pytest.raises(SupervisorError, match="'recommended' of point 7, which was never asked"):
        replay([asked(0), finished(0), recommended(7)])


def test_a_point_is_open_until_it_finished():
    state = replay([asked(0, 1), finished(1)])
    assert list(state.open) == [0]
    assert state.counts() == {"open": 1, "finished": 1, "failed": 0}
    assert state.asked == 2
    assert state.points[1].status == "finished"
    assert state.points[1].metrics == {"loss": 0.5}


def test_a_failed_attempt_leaves_a_point_open_until_the_policy_gives_up():
    state = replay([asked(0), failed(0)])
    assert list(state.open) == [0]
    assert state.points[0].kind == "raised"
    state.apply(failed(0, attempt=2, final=True))
    assert state.counts() == {"open": 0, "finished": 0, "failed": 1}
    assert state.points[0].attempts == state.points[0].failures == 2


def test_a_point_may_finish_after_failed_attempts():
    state = replay([asked(0), failed(0), finished(0, attempt=2, note="stopped early")])
    point = state.points[0]
    assert (point.status, point.attempts, point.failures) == ("finished", 2, 1)
    assert (point.kind, point.message, point.rank, point.host) == ("", "stopped early", 1, "a")


def test_a_cancelled_attempt_is_not_a_failure_of_the_point():
    state = replay([asked(0), failed(0, kind="cancelled")])
    assert (state.points[0].attempts, state.points[0].failures) == (1, 0)


def test_closed_points_forget_their_values_and_open_ones_keep_theirs():
    events = [asked(0, 1, 2), finished(0), failed(1, final=True), failed(2)]
    state = replay(events)
    assert [point.values for point in state.points.values()] == [None, None, {"x": 2}]
    assert state.points[1].details == ""


def test_values_and_details_are_kept_on_request():
    state = replay([asked(0, 1), finished(0), failed(1, final=True)], keep_values=True)
    assert [point.values for point in state.points.values()] == [{"x": 0}, {"x": 1}]
    assert state.points[1].details == "Traceback"


def test_the_best_point_has_the_lowest_loss_and_then_the_lowest_id():
    losses = {0: math.nan, 1: 0.5, 3: 0.25, 2: 0.25, 4: None}
    state = replay([asked(0, 1, 2, 3, 4, 5), *(finished(i, loss) for i, loss in losses.items())])
    assert state.best() == 2


def test_nothing_is_best_before_there_is_a_loss():
    state = replay([asked(0, 1, 2), finished(0, math.nan), finished(1, None)])
    assert state.best() is None
    state.apply(finished(2, math.inf))
    assert state.best() == 2


def test_an_imputed_loss_is_kept_and_never_best():
    state = replay([asked(0, 1), failed(0, final=True, loss=-1.0), finished(1, 5.0)])
    assert state.points[0].loss == -1.0
    assert state.best() == 1


@pytest.mark.parametrize("first", [finished(0, 0.5), failed(0, final=True)])
@pytest.mark.parametrize("late", [finished(0, 0.1, attempt=2), failed(0, attempt=2, final=True)])
def test_a_late_result_of_a_closed_point_is_dropped(first, late):
    once, twice = replay([asked(0), first]), replay([asked(0), first, late])
    assert once.points == twice.points
    assert (once.counts(), once.best(), once.busy_s) == (
        twice.counts(),
        twice.best(),
        twice.busy_s,
    )
    assert twice.duplicates == 1


@pytest.mark.parametrize(
    "event",
    [finished(7), failed(7), Reported(point=7, attempt=1, step=0, metrics={}, time_s=0.0)],
    ids=lambda event: type(event).__name__,
)
def test_an_event_of_an_unknown_point_is_an_error_that_names_it(event):
    with pytest.raises(SupervisorError, match=f"'{type(event).__name__.lower()}' of point 7"):
        replay([asked(0), event])


def test_asking_a_point_twice_or_opening_twice_is_an_error():
    with pytest.raises(SupervisorError, match="point 1 twice"):
        replay([asked(0, 1), asked(1)])
    with pytest.raises(SupervisorError, match="'digits' twice"):
        replay([opened(), opened()])


def test_times_add_up():
    waits = [Waited(seconds=0.5, time_s=0.0), Waited(seconds=0.25, time_s=0.0)]
    ends = [failed(0, seconds=2.0), finished(0, attempt=2, seconds=3.0)]
    state = replay([asked(0, 1), *ends, *waits])
    assert (state.busy_s, state.waited_s) == (5.0, 0.75)


def test_a_clock_that_went_back_does_not_count_negative_time():
    assert replay([asked(0), finished(0, seconds=-5.0)]).busy_s == 0.0


def test_the_last_report_of_an_open_point_is_known():
    reports = [Reported(point=0, attempt=1, step=s, metrics={"x": s}, time_s=0.0) for s in (1, 2)]
    state = replay([asked(0), *reports])
    assert state.points[0].step == 2
    state.apply(finished(0))
    state.apply(reports[0])
    assert state.points[0].step == 2


def test_a_new_session_forgets_the_interruption():
    events = [opened(), session(0), Interrupted(reason="walltime", time_s=1.0)]
    state = replay(events)
    assert state.interrupted == "walltime"
    state.apply(session(1))
    assert (state.interrupted, len(state.sessions)) == (None, 2)
    state.apply(Closed(reason="done", time_s=2.0))
    assert state.closed == "done"
    assert state.opening == opened()


outcomes = st.sampled_from(["finish", "fail", "give up", "nan"])


def history(steps):
    """Return a valid history: points are asked, then things happen to some of them."""
    events = [asked(*range(8))]
    for point, outcome, loss in steps:
        match outcome:
            case "finish":
                events.append(finished(point, loss))
            case "nan":
                events.append(finished(point, math.nan))
            case "fail":
                events.append(failed(point))
            case "give up":
                events.append(failed(point, final=True))
    return events


steps = st.lists(st.tuples(st.integers(0, 7), outcomes, st.sampled_from([0.0, 1.0, -1.0])))


@settings(deadline=None)
@given(steps)
def test_every_point_has_one_status_at_all_times(steps):
    state = State()
    for event in history(steps):
        state.apply(event)
        by_status = dict.fromkeys(("open", "finished", "failed"), 0)
        for id, point in state.points.items():
            by_status[point.status] += 1
            assert (point.status == "open") == (id in state.open) == (point.values is not None)
        assert state.counts() == by_status
        losses = {
            id: point.loss
            for id, point in state.points.items()
            if point.status == "finished" and not math.isnan(point.loss)
        }
        assert state.best() == min(losses, key=lambda id: (losses[id], id), default=None)


@settings(deadline=None)
@given(steps)
def test_what_closed_a_point_is_its_first_closing_event(steps):
    events = history(steps)
    state = replay(events)
    closing = {}
    for event in events[1:]:
        if isinstance(event, Finished) or event.final:
            closing.setdefault(event.point, event)
    assert set(closing) == set(state.points) - set(state.open)
    for id, event in closing.items():
        expected = "finished" if isinstance(event, Finished) else "failed"
        assert state.points[id].status == expected
