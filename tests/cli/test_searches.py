"""Searches as users run them: what is written, what is printed, how it ends."""

import json

import pytest

from supervisor.cli import execute
from supervisor.experiment.events import Asked, Finished, Reused
from supervisor.experiment.journal import read_journal

MODEL = """
def run(params, task):
    return {"y": params["x"] ** 2, "z": 1 - params["x"], "seed": task.seed}

def train(params, task):
    state = task.checkpoint_dir / "state.txt"
    before = state.read_text() if state.exists() else ""
    state.write_text(before + params["name"])
    return {"y": 0.0, "seen": before + params["name"]}
"""

SEARCHES = """
from supervisor.optimizers.protocol import Continuation

def family(space):
    yield [{"name": "a"}, {"name": "b"}]
    yield [Continuation({"name": "c"}, parent=1)]
    yield [Continuation({"name": "d"}, parent=2), Continuation({"name": "a"}, parent=1)]

def crashing(space):
    yield [{"x": 0.5}]
    fit([1, 2])

def fit(points):
    raise FloatingPointError("the kernel is not positive definite")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "searches.py").write_text(SEARCHES)
    monkeypatch.chdir(tmp_path)

    def write(optimizer, **replaced):
        text = {
            "objective": '{python: "model:run", minimize: y}',
            "space": "{x: {float: [0, 1]}}",
            "optimizer": optimizer,
        } | replaced
        lines = [f"{key}: {value}\n" for key, value in text.items()]
        (tmp_path / "workflow.yaml").write_text("".join(lines))
        return tmp_path / "experiments" / tmp_path.name.lstrip("_") / "EXP000"

    return write


def events(experiment, kind):
    journal = read_journal(experiment / "journal.jsonl")
    return [event for event in journal if isinstance(event, kind)]


def test_a_program_in_another_language_searches(folder, tmp_path, capfd):
    (tmp_path / "search.sh").write_text(
        "read -r start; echo 'thinking aloud' >&2\n"
        'echo \'{"ask": [{"x": 0.5}, {"x": 0.25}]}\'; read -r told\n'
        'echo \'{"ask": [{"x": 0.125}]}\'; read -r told\n'
        "echo '{\"done\": {}}'\n"
    )
    experiment = folder('{command: "sh search.sh"}')
    assert execute(["run", "workflow.yaml"]) == 0
    out, err = capfd.readouterr()
    assert "3 points: 3 finished" in out
    assert "thinking aloud" in err
    asked = [point.values["x"] for event in events(experiment, Asked) for point in event.points]
    assert asked == [0.5, 0.25, 0.125]


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ('{command: "no-such-program"}', "workflow.yaml:3 optimizer.command: 'no-such-program'"),
        ('{command: "sh x.sh", kind: random}', "give 'kind', e.g. random, or 'command'"),
        ("{evaluations: 3}", "give 'kind', e.g. random, or 'command'"),
        ('{kind: "searches:famly"}', "Did you mean 'family'?"),
    ],
)
def test_an_optimizer_that_cannot_begin_leaves_nothing_behind(
    folder, tmp_path, capfd, optimizer, message
):
    folder(optimizer)
    assert execute(["run", "workflow.yaml"]) == 2
    assert message in capfd.readouterr().err
    assert not (tmp_path / "experiments").exists()


def test_a_crash_of_the_optimizer_ends_the_run_with_its_own_traceback(folder, capfd):
    experiment = folder('{kind: "searches:crashing"}')
    assert execute(["run", "workflow.yaml"]) == 1
    out, err = capfd.readouterr()
    assert "FloatingPointError: the kernel is not positive definite" in err
    assert "searches.py" in err and "in crashing" in err and "in fit" in err
    assert "1 point: 1 finished" in out
    assert execute(["status"]) == 0
    assert "stopped: optimizer" in capfd.readouterr().out
    assert (experiment / "results.csv").exists()


def test_points_go_on_from_the_checkpoints_of_others(folder, tmp_path, capfd):
    experiment = folder(
        '{kind: "searches:family"}',
        objective='{python: "model:train", minimize: y}',
        space="{name: {choice: [a, b, c, d]}}",
    )
    assert execute(["run", "workflow.yaml"]) == 0
    runs = experiment / "runs"
    seen = [
        json.loads((runs / f"RUN{i:06d}" / "result.json").read_text())["seen"] for i in range(5)
    ]
    assert seen == ["a", "b", "bc", "bcd", "ba"]
    assert (runs / "RUN000001" / "checkpoint" / "state.txt").read_text() == "b"
    capfd.readouterr()
    assert execute(["why", "RUN000003"]) == 0
    assert "goes on from the checkpoint of RUN000002" in capfd.readouterr().out


def test_the_front_of_several_objectives_is_shown(folder, capfd):
    folder(
        "{kind: random, evaluations: 6}",
        objective='{python: "model:run", minimize: [y], maximize: [z]}',
        space="{x: {ordered: [0.0, 0.5, 1.0]}}",
    )
    assert execute(["run", "workflow.yaml"]) == 0
    assert "minimize y, maximize z" in capfd.readouterr().out

    folder(
        "{kind: grid}",
        objective='{python: "model:run", minimize: [y, z]}',
        space="{x: {ordered: [0.0, 0.5, 1.0]}}",
    )
    assert execute(["run", "workflow.yaml"]) == 0
    out = capfd.readouterr().out
    assert "front: 3 points that no other beats in all objectives" in out
    assert "RUN000001  y 0.25, z 0.5" in out


def test_trials_that_are_to_be_stopped_do_not_run_inline(folder, tmp_path, capfd):
    folder("{kind: asha, evaluations: 3, max_resource: 9}", task="{run: inline}")
    assert execute(["run", "workflow.yaml"]) == 2
    assert "workflow.yaml:4 task.run: 'inline' trials cannot be stopped" in capfd.readouterr().err
    assert not (tmp_path / "experiments").exists()


def test_trials_are_stopped_by_the_metric_that_is_optimised(folder, tmp_path, capfd):
    (tmp_path / "model.py").write_text(
        "import time\n"
        "def run(params, task):\n"
        "    for epoch in range(9):\n"
        "        time.sleep(0.1)\n"
        "        score = params['x'] * (epoch + 1)\n"
        "        if task.report(epoch, {'score': score, 'cost': -score}):\n"
        "            break\n"
        "    return {'score': score, 'epochs': epoch + 1}\n"
    )
    experiment = folder(
        "{kind: asha, evaluations: 8, max_resource: 9, seed: 3}",
        objective='{python: "model:run", maximize: score}',
    )
    assert execute(["run", "workflow.yaml"]) == 0
    finished = events(experiment, Finished)
    asked = {p.id: p.values["x"] for event in events(experiment, Asked) for p in event.points}
    whole = [asked[event.point] for event in finished if event.metrics["epochs"] == 9]
    stopped = [asked[event.point] for event in finished if event.metrics["epochs"] < 9]
    assert stopped and max(asked.values()) in whole
    assert min(asked.values()) in stopped or asked[0] == min(asked.values())


def test_a_missing_second_objective_is_a_failure_that_names_it(folder, capfd):
    folder(
        "{kind: random, evaluations: 1}",
        objective='{python: "model:run", minimize: [y, size]}',
    )
    assert execute(["run", "workflow.yaml"]) == 0
    assert "1 failed" in capfd.readouterr().out
    assert execute(["why", "0"]) == 0
    assert "the result has no metric 'size'" in capfd.readouterr().out


def test_repeats_and_equal_points_are_explained(folder, capfd):
    experiment = folder(
        "{kind: random, evaluations: 8}",
        space="{x: {ordered: [0.0, 0.5]}}",
        task="{repeats: 2, run: inline}",
    )
    assert execute(["run", "workflow.yaml"]) == 0
    reused = events(experiment, Reused)
    assert len(reused) == 6
    capfd.readouterr()
    assert execute(["why", str(reused[0].of)]) == 0
    out = capfd.readouterr().out
    assert "repeat 0, attempt 1: " in out and "repeat 1, attempt 1: " in out
    assert "mean of 2 evaluations" in out
    assert execute(["why", str(reused[0].point)]) == 0
    assert "not evaluated: equals RUN00000" in capfd.readouterr().out


@pytest.mark.parametrize("way", ["inline", "group"])
def test_trials_that_hear_of_nothing_cannot_be_stopped(folder, way, capfd):
    space = "{x: {float: [0, 1]}, epochs: {int: [1, 9]}}"
    asha = "{kind: asha, evaluations: 9, resource: epochs, sampler: random}"
    experiment = folder(asha, space=space, task=f"{{run: {way}}}")
    assert execute(["run", "workflow.yaml"]) == 2
    assert (
        f"task.run: '{way}' trials cannot be stopped early, as asha does" in capfd.readouterr().err
    )
    assert not experiment.exists()
