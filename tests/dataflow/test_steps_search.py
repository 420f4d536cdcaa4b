"""Steps that are searches or ensembles, in one process."""

import pytest

from supervisor.experiment.events import Finished
from supervisor.experiment.journal import read_journal
from tests.dataflow.pipelines import newest, rows, run, statuses, values, write

TUNE = """
name: tune
objective:
  python: tuned:run
  minimize: loss
space:
  x: {float: [0.0, 1.0]}
optimizer: {kind: random, evaluations: 8, seed: 3}
"""

MODULE = """
def split():
    return [1, 2, 3]


def run(params):
    if params["fold"] == params.get("bad"):
        raise ValueError("no such fold")
    return {"loss": abs(params["x"] - params["fold"] / 4), "fold": params["fold"]}


def best(found):
    return min(found, key=lambda one: one["metrics"]["loss"])["metrics"]["fold"]


def number(found):
    return found["points"]
"""

STEPS = """
steps:
  split: {python: "tuned:split"}
  tune:
    foreach: {fold: "${split}"}
    search: tune.yaml
    with: {fold: "${fold}"}
  best:
    python: tuned:best
    with: {found: "${tune}"}
"""


def points(folder, instance):
    """Return the finished points of a search, with how often each finished."""
    journal = newest(folder) / "steps" / instance / "journal.jsonl"
    return [one.point for one in read_journal(journal) if isinstance(one, Finished)]


def test_a_search_runs_for_each_value_with_its_constants(tmp_path):
    write(tmp_path, STEPS, MODULE, name="tuned")
    (tmp_path / "tune.yaml").write_text(TUNE)
    assert run(tmp_path) == 0
    found = [values(tmp_path)[f"tune[{number}]"] for number in range(3)]
    assert [one["points"] for one in found] == [8, 8, 8]
    assert [one["metrics"]["fold"] for one in found] == [1, 2, 3]
    # The same seed gives the same points, so the best differ by their folds only.
    for one in found:
        assert one["metrics"]["loss"] == abs(one["parameters"]["x"] - one["metrics"]["fold"] / 4)
    losses = [one["metrics"]["loss"] for one in found]
    assert values(tmp_path)["best"] == 1 + losses.index(min(losses))
    assert (newest(tmp_path) / "steps" / "tune[1]" / "results.csv").is_file()


def test_finished_points_are_not_run_again(tmp_path):
    write(tmp_path, STEPS, MODULE, name="tuned")
    (tmp_path / "tune.yaml").write_text(TUNE)
    assert run(tmp_path) == 0
    expected = values(tmp_path)["best"]
    experiment = newest(tmp_path)
    journal = experiment / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if "tune" in line and "work_s" in line)
    journal.write_text("".join(lines[:cut]))  # as if it had been killed before that
    inner = experiment / "steps" / "tune[2]" / "journal.jsonl"
    lines = inner.read_text().splitlines(keepends=True)
    inner.write_text("".join(lines[: len(lines) // 2]))
    assert run(tmp_path, resume=True) == 0
    assert values(tmp_path)["best"] == expected
    for number in range(3):
        assert sorted(points(tmp_path, f"tune[{number}]")) == list(range(8))


def test_an_ensemble_is_a_step_too(tmp_path):
    steps = """
steps:
  all: {search: points.yaml, with: {fold: 2}}
  number: {python: "tuned:number", with: {found: "${all}"}}
"""
    write(tmp_path, steps, MODULE, name="tuned")
    text = "name: all\nobjective: {python: 'tuned:run'}\npoints: upf.txt\n"
    (tmp_path / "points.yaml").write_text(text)
    (tmp_path / "upf.txt").write_text('{"x": 0.1}\n{"x": 0.2}\n')
    assert run(tmp_path) == 0
    assert values(tmp_path)["number"] == 2


def test_a_search_without_a_result_fails_and_so_does_what_needs_it(tmp_path):
    write(
        tmp_path,
        STEPS.replace('fold: "${fold}"}', 'fold: "${fold}", bad: 2}'),
        MODULE,
        name="tuned",
    )
    (tmp_path / "tune.yaml").write_text(TUNE)
    assert run(tmp_path) == 1
    assert statuses(tmp_path) == {
        "split": "finished",
        "tune[0]": "finished",
        "tune[1]": "failed",
        "tune[2]": "finished",
        "best": "failed",
    }
    assert rows(tmp_path)["tune[1]"]["message"] == "none of its 8 points has a result"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("tune.yaml", "gone.yaml"), "workflow.yaml:7 steps.tune.search: there is no"),
        (('fold: "${fold}"}', "x: 1}"), "is a parameter of the space in tune.yaml too"),
        (("with: {fold", "task: {retries: 1}\n    with: {fold"), "has no use beside 'search'"),
    ],
)
def test_mistakes_are_found_before_anything_starts(tmp_path, capsys, change, told):
    write(tmp_path, STEPS.replace(*change), MODULE, name="tuned")
    (tmp_path / "tune.yaml").write_text(TUNE)
    assert run(tmp_path) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "experiments").exists()


def test_mistakes_in_the_search_are_located_in_its_file(tmp_path, capsys):
    write(tmp_path, STEPS, MODULE, name="tuned")
    (tmp_path / "tune.yaml").write_text(TUNE.replace("random", "randm"))
    assert run(tmp_path) == 2
    assert "tune.yaml:8" in capsys.readouterr().err


def test_a_constant_that_is_no_plain_value_is_refused(tmp_path):
    write(tmp_path, STEPS, MODULE.replace("[1, 2, 3]", "[{1, 2}]"), name="tuned")
    (tmp_path / "tune.yaml").write_text(TUNE)
    assert run(tmp_path) == 1
    assert "with.fold: is no plain value" in rows(tmp_path)["tune[0]"]["message"]
