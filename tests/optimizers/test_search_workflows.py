"""The workflows of searches find what their READMEs say."""

import csv
import math
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@pytest.fixture
def results(tmp_path):
    """Return a function that runs a workflow and returns the rows of its table."""

    def run(name, file="workflow"):
        command = [sys.executable, "-m", "supervisor", "run", "--quiet", "--out", str(tmp_path)]
        path = WORKFLOWS / name / f"{file}.yaml"
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        (table,) = tmp_path.rglob("results.csv")
        with table.open(newline="") as file:
            return list(csv.DictReader(file))

    return run


def column(rows, name):
    return [float(row[name]) for row in rows if row[name]]


@pytest.mark.parametrize(
    ("name", "evaluations", "metric", "best"),
    [
        ("genetic", 3000, "cost", 9000),
        ("cmaes", 1500, "error", 1e-3),
        ("optuna", 150, "error", 0.25),
        ("deap-map", None, "height", 0.01),
        ("eqpy", 120, "value", -0.8569),
    ],
)
def test_searches_come_near_the_optimum(results, name, evaluations, metric, best):
    rows = results(name)
    assert evaluations is None or len(rows) == evaluations
    losses = [loss for loss in column(rows, metric) if not math.isnan(loss)]
    assert min(losses) < best


@pytest.mark.parametrize(
    ("folder", "file", "evaluations", "metric", "best"),
    [
        ("svm", "bayes", 30, "error", 0.03),
        ("svm", "hyperspace", 40, "error", 0.03),
        ("svm", "grid", 20, "error", 0.03),
        ("learning-curves", "asha", 40, "val_loss", 0.2),
        ("learning-curves", "hyperband", 24, "val_loss", 0.2),
        ("learning-curves", "pbt", None, "val_loss", 0.2),
    ],
)
def test_searches_of_models_find_good_ones(results, folder, file, evaluations, metric, best):
    rows = results(folder, file)
    assert evaluations is None or len(rows) == evaluations
    assert min(column(rows, metric)) < best
    if file in ("asha", "pbt"):
        added, trained = column(rows, "added"), column(rows, "trained")
        assert any(0 < a < t for a, t in zip(added, trained, strict=True)), "some went on"


@pytest.mark.parametrize(("name", "evaluations", "mean"), [("lhs", 200, 3.5), ("sobol", 256, 1.0)])
def test_designs_give_the_mean(results, name, evaluations, mean):
    values = column(results(name), "y")
    assert len(values) == evaluations
    assert sum(values) / len(values) == pytest.approx(mean, rel=0.05)


def test_a_front_has_both_ends(results):
    rows = results("nsga2")
    weights, bends = column(rows, "weight_kg"), column(rows, "bend_mm")
    assert min(weights) < 0.2
    assert min(bends) < 0.06
    light_and_stiff = [w for w, b in zip(weights, bends, strict=True) if w < 1 and b < 1]
    assert len(light_and_stiff) > 10
