"""CANDLE's fault-injection model: a search of which every fourth evaluation crashes."""

import csv
import json

import pytest

from tests.launching import run

SPACE = [
    {"name": "learning_rate", "type": "float", "lower": 1e-6, "upper": 0.1, "sigma": 0.01},
    {
        "name": "batch_size",
        "type": "ordered",
        "element_type": "int",
        "values": [32, 64, 128, 256, 512, 1024, 2048],
        "sigma": 1,
    },
    {"name": "epochs", "type": "constant", "value": 5},
    {"name": "crash_probability", "type": "constant", "value": 0.25},
]

MODEL = """
import ctypes, random

def run(params, task):
    dice = random.Random(task.seed)
    if dice.random() < params["crash_probability"]:
        if dice.random() < 0.2:
            ctypes.string_at(0)
        raise RuntimeError("crash_probability")
    return {"val_loss": 10 * dice.random()}
"""


@pytest.mark.parametrize("optimizer", ["genetic", "bayes"])
def test_every_point_is_accounted_for(mpi, optimizer, tmp_path):
    (tmp_path / "random.json").write_text(json.dumps(SPACE))
    (tmp_path / "faulty.py").write_text(MODEL)
    convert = ["convert", "random.json", "--to", optimizer, "-o", "workflow.yaml"]
    done = run([*mpi.supervisor, *convert], tmp_path)
    assert done.returncode == 0, done.stderr
    workflow = tmp_path / "workflow.yaml"
    text = workflow.read_text()
    assert "crash_probability: 0.25" in text
    text = text.replace("MODULE:FUNCTION", "faulty:run").replace("METRIC", "val_loss")
    workflow.write_text(text)
    settings = {"genetic": ["population=20", "generations=4"], "bayes": ["evaluations=80"]}
    options = [part for one in settings[optimizer] for part in ("--set", f"optimizer.{one}")]
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml", *options], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    experiment = next((tmp_path / "experiments").glob("*/EXP000"))
    journal = (experiment / "journal.jsonl").read_text()
    events = [json.loads(line) for line in journal.splitlines()]
    asked = [
        point["id"] for event in events if event["event"] == "asked" for point in event["points"]
    ]
    ends = [
        event["point"] for event in events if event["event"] in ("finished", "failed", "reused")
    ]
    assert sorted(ends) == sorted(asked) == [*range(len(asked))]
    with (experiment / "results.csv").open(newline="") as file:
        statuses = [row["status"] for row in csv.DictReader(file)]
    assert len(statuses) == len(asked) >= 30
    failed = statuses.count("failed")
    assert failed + statuses.count("finished") == len(asked)
    assert 0.05 * len(asked) < failed < 0.5 * len(asked)
    assert f"{len(asked)} points: {len(asked) - failed} finished, {failed} failed" in done.stdout
