"""What a search recommends: in its journal, at its end, in its status, and after a resumption."""

import json
import subprocess
import sys

import pytest

WORKFLOW = """
name: noisy
objective: {python: "roof:run", minimize: height}
space:
  x: {int: [-10, 10]}
  y: {int: [-10, 10]}
optimizer: {kind: KIND, evaluations: 14}
task: {run: inline}
"""
MODEL = """
import random

def run(params):
    luck = random.Random(f"{params['x']} {params['y']}").gauss(0, 0.3)
    return {"height": (abs(params["x"] - 3) + abs(params["y"] + 4)) / 10 + luck}
"""
SEARCH = """
from supervisor.optimizers.protocol import Recommendation

class Cautious:
    def __init__(self, space, evaluations):
        self.points = [{"x": n % 7, "y": n // 7 - 5} for n in range(evaluations)]
    def ask(self, n):
        points, self.points = self.points[:n], self.points[n:]
        return points
    def tell(self, results): pass
    def recommend(self, points):
        second = sorted(points, key=lambda one: one.loss)[1]
        return Recommendation(second.id, second.loss + 0.125)
"""
JOURNAL = "experiments/noisy/EXP000/journal.jsonl"


@pytest.fixture
def supervisor(tmp_path):
    """Return a function that runs a command in a folder with a model, and returns its lines."""
    (tmp_path / "roof.py").write_text(MODEL)
    (tmp_path / "cautious.py").write_text(SEARCH)

    def run(*arguments, kind=None):
        if kind is not None:
            (tmp_path / "workflow.yaml").write_text(WORKFLOW.replace("KIND", kind))
        command = [sys.executable, "-m", "supervisor", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def read(journal):
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_a_search_ends_with_what_its_optimizer_recommends(supervisor, tmp_path):
    shown = supervisor("run", "--quiet", "workflow.yaml", kind="cautious:Cautious")
    whole = read(tmp_path / JOURNAL)
    (advice,) = [event for event in whole if event["event"] == "recommended"]
    losses = {event["point"]: event["loss"] for event in whole if event["event"] == "finished"}
    second = sorted(losses, key=losses.get)[1]
    assert (advice["point"], advice["loss"]) == (second, losses[second] + 0.125)
    assert whole[-1]["event"] == "closed"
    assert shown[3:5] == [
        f"by the model: RUN{second:06d}  height {losses[second] + 0.125:.5g} expected",
        f"      x {second % 7}, y {second // 7 - 5}",
    ]
    assert supervisor("status")[-2:] == shown[3:5]


def test_a_resumed_search_recommends_the_same(supervisor, tmp_path):
    supervisor("run", "--quiet", "workflow.yaml", kind="bayes")
    journal = tmp_path / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    advised = [index for index, line in enumerate(lines) if '"event":"recommended"' in line]
    journal.write_text("".join(lines[: advised[0]]) + lines[advised[0]][:20])
    supervisor("run", "--quiet", "--resume", str(journal.parent))
    before = json.loads(lines[advised[0]])
    (after,) = [event for event in read(journal) if event["event"] == "recommended"]
    assert (after["point"], after["loss"]) == (before["point"], before["loss"])


def test_a_recommendation_is_shown_only_where_it_is_not_the_best(supervisor, tmp_path):
    shown = supervisor("run", "--quiet", "workflow.yaml", kind="bayes")
    (advice,) = [event for event in read(tmp_path / JOURNAL) if event["event"] == "recommended"]
    is_best = shown[1].startswith(f"best: RUN{advice['point']:06d} ")
    assert any("by the model: " in line for line in shown) != is_best
