"""Looking at experiments: plan, status, table, why, doctor."""

import csv
import io
import json

import pytest

from supervisor.cli import execute

WORKFLOW = """
name: look
objective: {python: "model:run", minimize: y}
space: {x: {ordered: [1, 2, 3, 4]}, word: fixed}
optimizer: {kind: grid}
"""

MODEL = """
def run(params, task):
    print("about to look at", params["x"])
    if params["x"] == 3:
        raise ValueError("three is too much")
    task.report(1, {"y": 10.0})
    return {"y": 1 / params["x"], "note": "fine"}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder in which a search of four points, one of them bad, has run."""
    folder = tmp_path_factory.mktemp("look")
    (folder / "workflow.yaml").write_text(WORKFLOW)
    (folder / "model.py").write_text(MODEL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert execute(["run", "workflow.yaml", "--quiet"]) == 0
    return folder


@pytest.fixture
def say(folder, monkeypatch, capsys):
    """Return a function that runs a command there and returns what it prints."""
    monkeypatch.chdir(folder)

    def run(*arguments, code=0):
        assert execute(arguments) == code
        return capsys.readouterr().out

    return run


def test_status_counts_and_names_the_best(say):
    lines = say("status").splitlines()
    assert lines[0] == "experiments/look/EXP000: complete"
    assert lines[1].startswith("3 finished, 1 failed, 0 open; ")
    assert lines[1].endswith("in 1 session")
    assert lines[2] == "best: RUN000003  y 0.25, note fine"
    assert lines[3] == "      x 4, word fixed"


@pytest.mark.parametrize("name", ["EXP000", "look/EXP000", "look", "experiments/look/EXP000"])
def test_an_experiment_can_be_named_in_many_ways(say, name):
    assert "complete" in say("status", name)


def test_why_tells_all_that_is_known_of_a_failure(say):
    text = say("why", "RUN000002")
    assert "look/EXP000 RUN000002 (point 2): failed" in text
    assert "parameters: x 3, word fixed" in text
    assert "attempt 1 failed (raised): ValueError: three is too much" in text
    assert 'raise ValueError("three is too much")' in text, "the traceback"
    assert "about to look at 3" in text, "the output"
    assert "log.txt" in text
    assert text == say("why", "look/EXP000", "2")


def test_why_tells_what_a_point_reported(say):
    text = say("why", "0")
    assert "attempt 1, step 1: y 10" in text
    assert "attempt 1 finished: y 1, note fine" in text


def test_why_of_an_unknown_point_names_the_nearest(say, capsys):
    say("why", "RUN000009", code=2)


def test_the_table_is_csv_or_json(say, folder):
    table = list(csv.DictReader(io.StringIO(say("table"))))
    assert [row["status"] for row in table] == ["finished", "finished", "failed", "finished"]
    assert [row["y"] for row in table] == ["1.0", "0.5", "", "0.25"]
    assert json.loads(say("table", "--format", "json"))[1]["x"] == 2
    say("table", "-o", "copy.csv")
    assert (folder / "copy.csv").read_text() == (
        folder / "experiments/look/EXP000/results.csv"
    ).read_text()


def test_parquet_is_not_for_a_screen(say):
    say("table", "--format", "parquet", code=2)


def test_the_table_can_be_parquet(say, folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    say("table", "--format", "parquet", "-o", "table.parquet")
    assert parquet.read_table(folder / "table.parquet").num_rows == 4


def test_plan_prints_the_layout_and_the_first_points(say, folder):
    before = sorted(folder.rglob("*"))
    lines = say("plan", "-n", "8", "workflow.yaml").splitlines()
    assert lines[0] == "look: grid, 4 points, minimize y"
    assert lines[1] == "8 ranks: campaign 0, workers 1-6 (6), server 7"
    assert lines[2].startswith("points: 4; ")
    assert lines[3] == "  x 1, word fixed"
    assert sorted(folder.rglob("*")) == before


def test_the_experiment_folder_holds_what_it_should(folder):
    experiment = folder / "experiments/look/EXP000"
    assert {path.name for path in experiment.iterdir()} == {
        "workflow.yaml",
        "provenance.json",
        "journal.jsonl",
        "results.csv",
        "runs",
    }
    record = json.loads((experiment / "provenance.json").read_text())
    assert len(record["sessions"]) == 1
    text = (experiment / "provenance.json").read_text()
    for word in ("python", "msgspec", "command", "hosts", "seed"):
        assert word in text


def test_overrides_are_kept_with_the_experiment(say, folder):
    say("run", "workflow.yaml", "--quiet", "--set", "name=other", "--set", "space.word=changed")
    assert "word: changed" in (folder / "experiments/other/EXP000/workflow.yaml").read_text()
    assert "word changed" in say("status", "other")
    say("run", "workflow.yaml", "--quiet", "--set", "name=other")
    assert "EXP001" in say("status", "other")


def test_doctor_tries_what_is_there(say):
    text = say("doctor")
    assert "ok      mpi4py: " in text
    assert "ok      mpiexec: " in text
