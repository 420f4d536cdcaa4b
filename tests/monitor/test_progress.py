"""What people see while a campaign runs, and at its end."""

import io
import math

import msgspec
import pytest

from supervisor.balancer.messages import Load
from supervisor.core.duration import clock
from supervisor.core.errors import Interrupted
from supervisor.experiment.events import Asked, AskedPoint, Failed, Finished, Opened, Recommended
from supervisor.experiment.folder import Experiment
from supervisor.experiment.journal import Journal
from supervisor.experiment.state import State
from supervisor.monitor.display import Display
from supervisor.monitor.progress import Progress, best_lines
from supervisor.monitor.text import count, number, pairs


@pytest.fixture
def experiment(tmp_path):
    return Experiment.create(tmp_path, "search")


@pytest.fixture
def state(experiment):
    """Return the state of a search of which three of five points are closed."""
    points = [AskedPoint(id=i, name=f"RUN{i:06d}", values={"x": 0.5 * i}) for i in range(5)]
    circumstances = {"attempt": 1, "rank": 1, "host": "a", "start_s": 0.0, "end_s": 4.0}
    events = [
        Opened(
            name="search",
            seed=1,
            metric="y",
            maximize=False,
            source="w",
            source_dir="d",
            time_s=0.0,
        ),
        Asked(n=5, points=points, time_s=0.0),
        Finished(point=0, loss=2.0, metrics={"y": 2.0}, **circumstances),
        Finished(point=1, loss=0.125, metrics={"y": 0.125, "z": 7}, **circumstances),
        Failed(point=2, kind="raised", message="no", final=True, **circumstances),
    ]
    journal = Journal.create(experiment.journal)
    folded = State()
    for event in events:
        journal.append(event)
        folded.apply(event)
    journal.close()
    return folded


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def show(state, *, width=None, quiet=False):
    """Return a progress that began before the state's points, its clock and its stream."""
    stream, time_s = io.StringIO(), Clock()
    progress = Progress(Display(stream, width=width, quiet=quiet, time_s=time_s))
    progress.begin(["2 ranks", "begins"], State(), workers=2, total=5)
    progress._state = state
    return progress, time_s, stream


LOADS = [Load(1, 1, 1, 6.0, 12.0), Load(0, 1, 1, 12.0, 12.0)]


def test_a_plain_line_an_interval(state):
    progress, time_s, stream = show(state)
    for second in range(1, 22):
        time_s.now = float(second)
        progress.update(LOADS)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["2 ranks", "begins"]
    assert lines[2:] == [
        "00:00:10  2 of 5 done, 1 failed, 2 running, 1 queued; workers 75 % busy, "
        "about 00:00:07 left, best y 0.125 (RUN000001)",
        "00:00:20  2 of 5 done, 1 failed, 2 running, 1 queued; workers 75 % busy, "
        "about 00:00:13 left, best y 0.125 (RUN000001)",
    ]


def test_a_terminal_shows_a_bar_that_is_rewritten(state):
    progress, time_s, stream = show(state, width=80)
    time_s.now = 10.0
    progress.update(LOADS)
    text = stream.getvalue()
    assert "2 of 5 done" in text
    assert "\x1b[" in text
    assert "━" in text


def test_the_end_names_the_best_point_the_results_and_the_failure(state, experiment):
    progress, time_s, stream = show(state)
    time_s.now = 8.0
    progress.end(experiment, None)
    assert stream.getvalue().splitlines()[2:] == [
        "3 points: 2 finished, 1 failed, in 00:00:08; workers 75 % busy",
        "best: RUN000001  y 0.125, z 7",
        "      x 0.5",
        f"results: {experiment.results}",
        f"why a point failed: supervisor why {experiment.path} RUN000002",
    ]


@pytest.mark.parametrize(("maximize", "shown"), [(False, "0.0625"), (True, "-0.0625")])
def test_what_the_model_recommends_stands_below_the_best_if_it_is_another(
    state, experiment, maximize, shown
):
    best = ["best: RUN000001  y 0.125, z 7", "      x 0.5"]
    state.opening = msgspec.structs.replace(state.opening, maximize=maximize)
    state.apply(Recommended(point=1, loss=0.1, time_s=0.0))
    assert best_lines(state, experiment) == best
    state.apply(Recommended(point=0, loss=0.0625, time_s=0.0))
    assert best_lines(state, experiment) == [
        *best,
        f"by the model: RUN000000  y {shown} expected",
        "      x 0",
    ]


def test_an_interruption_says_how_to_go_on(state, experiment):
    progress, time_s, stream = show(state, quiet=True)
    time_s.now = 8.0
    progress.end(experiment, Interrupted("terminated (SIGTERM)"))
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("3 points")
    assert lines[-1] == (
        f"terminated (SIGTERM); go on with: supervisor run --resume {experiment.path}"
    )


def test_numbers_and_times_are_short():
    assert clock(3725.4) == "01:02:05"
    assert clock(math.nan) == "--:--:--"
    assert number(0.1 + 0.2) == "0.3"
    assert pairs({"a": 1, "b": 2.0, "c": "x"}) == "a 1, b 2, c x"
    assert [count(n, "point") for n in (0, 1, 2)] == ["0 points", "1 point", "2 points"]
