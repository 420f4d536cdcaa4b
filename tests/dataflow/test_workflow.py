"""Workflow files that are right: what they mean."""

import math

import pytest

from supervisor.dataflow.document import dotted, read_document
from supervisor.dataflow.source import check_function
from supervisor.dataflow.workflow import load_workflow

TEXT = """\
name: nice
objective:
  python: model:run
  maximize: score
space:
  rate: {float: [1e-4, 1], log: true}
  layers: [10, 20]       # a constant that is a list
  "no": {choice: [no, yes, 1, 1.5]}
optimizer:
  kind: random
  evaluations: 5
  seed: 3
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "model.py").write_text("run = lambda params: 0\n")
    path = tmp_path / "workflow.yaml"
    path.write_text(TEXT)
    return path


def test_a_document_knows_the_line_of_every_key(file):
    document = read_document(file)
    assert document.where("space", "rate", "float") == "workflow.yaml:6 space.rate.float"
    assert document.where("space", "no", "choice", 2) == "workflow.yaml:8 space.no.choice[2]"
    assert document.where("task", "retries") == "workflow.yaml:1 task.retries"
    assert dotted(("steps", 2, "after")) == "steps[2].after"


def test_words_and_numbers_are_what_they_look_like(file):
    data = read_document(file).data
    assert data["space"]["rate"]["float"] == [1e-4, 1]
    assert data["space"]["no"]["choice"] == ["no", "yes", 1, 1.5]
    assert type(data["optimizer"]["seed"]) is int


def test_an_override_takes_the_place_of_a_value_and_of_its_line(file):
    document = read_document(file)
    document.override("space.rate={float: [0.1, 0.2]}")
    assert document.data["space"]["rate"] == {"float": [0.1, 0.2]}
    assert document.where("space", "rate", "float") == "--set space.rate.float"
    document.override("task.timeout_s=1.5")
    assert document.data["task"] == {"timeout_s": 1.5}


def test_the_text_of_a_document_reads_back_as_the_same(file, tmp_path):
    document = read_document(file)
    document.override("task.timeout_s=1.5")
    (tmp_path / "again.yaml").write_text(document.text())
    assert read_document(tmp_path / "again.yaml").data == document.data


def test_what_is_not_said_has_a_default(file):
    workflow = load_workflow(file)
    assert workflow.metric == "score"
    assert workflow.run == "process"
    assert workflow.task.timeout_s is None
    assert workflow.task.on_failure == "fail"
    assert (workflow.evaluations, workflow.expected, workflow.seed) == (5, 5, 3)
    assert workflow.summary == "random, 5 points, maximize score"
    objective = workflow.executed(file.parent / "EXP", math.inf)
    assert objective.python == "model:run"
    assert objective.source_dir == str(file.parent)


def test_a_workflow_without_a_name_is_named_after_its_folder_or_file(file):
    nameless = TEXT.replace("name: nice\n", "")
    file.write_text(nameless)
    assert load_workflow(file).name == file.parent.name
    other = file.with_name("tune.yaml")
    other.write_text(nameless)
    assert load_workflow(other).name == "tune"


def test_an_optimizer_is_new_each_time(file):
    workflow = load_workflow(file)
    assert workflow.optimizer().ask(3) == workflow.optimizer().ask(3)


def test_a_grid_counts_its_points(file):
    file.write_text(
        TEXT.replace("kind: random", "kind: grid\n  steps: 3").replace("evaluations: 5", "")
    )
    assert load_workflow(file).expected == 12


def test_an_optimizer_of_the_users_own_lies_beside_the_workflow(file):
    (file.parent / "my_search.py").write_text(
        "def search(space, *, width: float):\n    yield [{'rate': width, 'no': 1}]\n"
    )
    file.write_text(TEXT.replace("kind: random", "kind: my_search:search\n  width: 0.5"))
    [point] = load_workflow(file).optimizer().ask(4)
    assert point == {"rate": 0.5, "no": 1}


@pytest.mark.parametrize(
    "source",
    [
        "def run(p): ...",
        "async def run(p): ...",
        "class run: ...",
        "run = 1",
        "from os.path import join as run",
        "try:\n    import nothing\nexcept ImportError:\n    def run(p): ...",
        "if True:\n    run = print",
        "with open('x') as run: pass",
        "from os.path import *",
        "def __getattr__(name): ...",
    ],
)
def test_a_function_is_found_without_importing_its_module(tmp_path, source):
    (tmp_path / "found_model.py").write_text(f"raise SystemExit  # not imported\n{source}\n")
    check_function("found_model:run", tmp_path, "here")


def test_a_function_of_an_installed_module_is_found(tmp_path):
    check_function("json.decoder:JSONDecoder", tmp_path, "here")
    check_function("math:sin", tmp_path, "here")
