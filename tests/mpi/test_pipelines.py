"""Pipelines on real ranks: the same values as alone, and after being killed at any moment."""

import collections
import csv
import itertools
import json
import shutil
import signal
import time

import pytest

from supervisor.experiment.journal import read_journal
from supervisor.experiment.step_events import StepFinished
from supervisor.experiment.steps import named
from tests.launching import REPOSITORY, finish, kill, run
from tests.watching import start_until, starts

EXAMPLE = REPOSITORY / "workflows" / "steps"

MODULE = """
import time


def note(word):
    with open("starts", "a") as file:
        file.write(word + "\\n")


def split(folds):
    note("split")
    return [{"fold": number} for number in range(folds)]


def train(fold, rate):
    note(f"train-{fold['fold']}-{rate}")
    time.sleep(0.05)
    return {"loss": (fold["fold"] - 3) ** 2 + rate, "set": {fold["fold"]}}


def best(runs):
    note("best")
    return min(run["loss"] for run in runs)
"""

WORKFLOW = """
name: folds
steps:
  split: {python: "folds:split", with: {folds: 12}}
  train:
    foreach: {fold: "${split}", rate: [0.1, 0.2, 0.3]}
    python: folds:train
    with: {fold: "${fold}", rate: "${rate}"}
  best: {python: "folds:best", with: {runs: "${train}"}}
  told:
    shell: "echo told >> starts; echo ${best} ${train | map(attribute='loss') | join(' ')} > told.txt"
    outputs: [told.txt]
"""  # noqa: E501 -- a command is one line


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folds.py").write_text(MODULE)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    return tmp_path


def finished(experiment):
    """Return the instances with a value in the journal."""
    events = read_journal(experiment / "journal.jsonl")
    return [named(event) for event in events if isinstance(event, StepFinished)]


def results(experiment):
    """Return the table without who did it when."""
    with (experiment / "results.csv").open(newline="") as file:
        return [(row["name"], row["status"], row["value"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("ranks", "servers"), [(2, 1), (4, 1), (5, 2)])
def test_the_example_gives_the_same_on_any_number_of_ranks(mpi, ranks, servers, tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "example")
    command = [*mpi.supervisor, "run", "example/workflow.yaml", "--out"]
    done = run([*mpi.mpiexec(ranks), *command, "many", "--servers", str(servers)], tmp_path)
    assert done.returncode == 0, done.stderr
    alone = run([*command, "one"], tmp_path)
    assert alone.returncode == 0, alone.stderr
    many = results(tmp_path / "many" / "folds" / "EXP000")
    assert many == results(tmp_path / "one" / "folds" / "EXP000")
    assert len(many) == 13


@pytest.mark.parametrize("after", [0, 1, 9, 30, 37])
def test_a_killed_pipeline_goes_on_and_repeats_nothing_that_finished(mpi, folder, after):
    experiment = folder / "experiments" / "folds" / "EXP000"
    process = start_until(
        [*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml"],
        folder,
        experiment,
        StepFinished,
        after,
    )
    if after == 0:
        time.sleep(0.1)
    kill(process)
    before = finished(experiment)
    begun = starts(folder)
    again = run([*mpi.mpiexec(3), *mpi.supervisor, "run", "--resume"], folder)
    assert again.returncode == 0, again.stdout + again.stderr
    total = starts(folder)
    done = collections.Counter(finished(experiment))
    assert set(done.values()) == {1}, "an instance finished twice"
    assert len(done) == 1 + 36 + 1 + 1
    numbers = {f"train[{i}]": f"train-{i // 3}-{[0.1, 0.2, 0.3][i % 3]}" for i in range(36)}
    for name in before:
        word = numbers.get(name, name)
        assert total[word] == begun[word], f"{name} had finished, but ran again"
    assert max(total.values()) <= 2
    assert ("best", "finished", "0.1") in results(experiment)
    assert (folder / "told.txt").read_text().split()[0] == "0.1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_pipeline_resumably(mpi, folder, number):
    experiment = folder / "experiments" / "folds" / "EXP000"
    process = start_until(
        [*mpi.supervisor, "run", "-n", "4", "workflow.yaml"], folder, experiment, StepFinished, 5
    )
    process.send_signal(number)
    done = finish(process)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "supervisor run --resume experiments/folds/EXP000" in done.stdout
    assert 5 <= len(finished(experiment)) < 39
    status = run([*mpi.supervisor, "status"], folder)
    assert "interrupted" in status.stdout
    again = run([*mpi.supervisor, "run", "--resume"], folder)
    assert again.returncode == 0, again.stderr
    assert len(finished(experiment)) == 39


def test_steps_of_a_kind_run_only_on_its_workers(mpi, folder):
    (folder / "workflow.yaml").write_text(WORKFLOW.replace("rate: [0.1, 0.2, 0.3]", "rate: [1]"))
    text = (folder / "workflow.yaml").read_text()
    text = text.replace(
        "    python: folds:train", "    task: {kind: gpu}\n    python: folds:train"
    )
    (folder / "workflow.yaml").write_text(text)
    command = [*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml", "--workers", "gpu=1"]
    done = run(command, folder)
    assert done.returncode == 0, done.stderr
    with (folder / "experiments/folds/EXP000/results.csv").open(newline="") as file:
        ranks = {row["name"]: row["rank"] for row in csv.DictReader(file)}
    assert {ranks[name] for name in ranks if name.startswith("train")} == {"2"}
    assert ranks["split"] == ranks["best"] == "1"


def test_a_failure_is_told_with_its_step_its_values_and_its_line(mpi, folder):
    text = MODULE.replace("    time.sleep(0.05)\n", "    assert fold['fold'] != 4, 'four'\n")
    (folder / "folds.py").write_text(text)
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml"], folder)
    assert done.returncode == 1
    assert "workflow.yaml:5 train[12] (fold={'fold': 4}, rate=0.1): " in done.stderr
    assert "AssertionError: four" in done.stderr
    assert "not run, for want of these: best, told" in done.stderr
    assert "Traceback" not in done.stderr
    (folder / "folds.py").write_text(MODULE)
    again = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "--resume"], folder)
    assert again.returncode == 0, again.stderr
    assert starts(folder)["split"] == 1


def test_workers_of_a_pipeline_import_no_command_line_no_yaml_and_no_templates(mpi, tmp_path):
    (tmp_path / "look.py").write_text(
        "import json, sys\n"
        "def look(x):\n"
        "    with open('modules.json', 'w') as file:\n"
        "        json.dump(sorted(sys.modules), file)\n"
    )
    (tmp_path / "workflow.yaml").write_text(
        "steps:\n  look: {python: 'look:look', with: {x: '${1 + 1}'}, task: {run: inline}}\n"
    )
    done = run([*mpi.mpiexec(3), *mpi.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stderr
    modules = json.loads((tmp_path / "modules.json").read_text())
    banned = ("click", "rich", "ruamel", "jinja2", "supervisor.cli", "supervisor.optimizers")
    assert not [module for module in modules if module.startswith(banned)]


RANGES = {  # from, to and step to what is expected: the number of members and their sum
    "ten": ((1, 10, 1), 10, 55),
    "odd": ((1, 10, 2), 5, 25),
    "many": ((0, 1999, 1), 2000, 1999000),
    "over": ((-1, 12, 2), 7, 35),
    "empty": ((10, 1, 1), 0, 0),
    "one": ((3, 5, 3), 1, 3),
    "two": ((3, 6, 3), 2, 9),
    "pairs": ((15, 30, 1), 16, 360),
}


@pytest.mark.parametrize(("ranks", "servers"), [(4, 1), (8, 2)])
def test_steps_do_what_users_of_swift_rely_on(mpi, tmp_path, ranks, servers):
    (tmp_path / "work.py").write_text(
        "import time\n"
        "def same(x): return x\n"
        "def told(xs): return [len(xs), sum(xs)]\n"
        "def nap(after=()):\n"
        "    begun = time.time(); time.sleep(0.5); return [begun, time.time()]\n"
    )
    steps = ["steps:"]
    for name, ((first, last, step), _, _) in RANGES.items():
        values = f"{{from: {first}, to: {last}, step: {step}}}"
        steps += [
            f"  {name}: {{foreach: {{i: {values}}}, python: 'work:same', with: {{x: '${{i}}'}},"
            " task: {run: inline}}",
            f"  {name}_told: {{python: 'work:told', with: {{xs: '${{{name}}}'}}}}",
        ]
    steps += [
        "  first: {python: 'work:nap'}",
        "  second: {python: 'work:nap', with: {after: ['${first}']}}",
        "  third: {python: 'work:nap', after: [second]}",
        "  beside: {python: 'work:nap'}",
        "  missing: {shell: 'no-such-program-anywhere x'}",
        "  written: {shell: 'echo wrote > out.txt', outputs: [out.txt]}",
    ]
    (tmp_path / "workflow.yaml").write_text("\n".join(["name: swift", *steps]))
    command = [*mpi.mpiexec(ranks), *mpi.supervisor, "run", "workflow.yaml"]
    done = run([*command, "--servers", str(servers)], tmp_path)
    assert done.returncode == 1, "a missing program fails its step"
    assert "no-such-program-anywhere" in done.stderr
    events = read_journal(tmp_path / "experiments" / "swift" / "EXP000" / "journal.jsonl")
    values = {named(one): one.value for one in events if isinstance(one, StepFinished)}
    for name, (_, number, total) in RANGES.items():
        assert values[f"{name}_told"] == [number, total]
    chain = [values[name] for name in ("first", "second", "third")]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(chain))
    assert chain[2][1] - chain[0][0] >= 1.5
    assert (tmp_path / "out.txt").read_text() == "wrote\n"
    assert "missing" not in values
