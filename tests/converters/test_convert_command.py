"""``supervisor convert``: what it prints is a workflow once it has an objective."""

import json
from pathlib import Path

import pytest

from supervisor.cli import execute
from supervisor.converters.write import METRIC, MODULE
from supervisor.dataflow.workflow import load_workflow

FIELD = Path(__file__).parents[3] / "shared" / "data" / "candle"

GA = json.dumps(
    [
        {"name": "rate", "type": "float", "lower": 1e-6, "upper": 0.1, "sigma": 0.01},
        {"name": "size", "type": "ordered", "values": [32, 64]},
        {"name": "epochs", "type": "int", "lower": 5, "upper": 5},
    ]
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Let commands run in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(capsys):
    """Return a function that runs a command and returns what it prints."""

    def run(*arguments, code=0):
        assert execute(["convert", *map(str, arguments)]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


@pytest.fixture
def loaded(folder):
    """Return a function that puts an objective into a workflow and loads it."""

    def load(text):
        (folder / "model.py").write_text("def run(params):\n    return 1.0\n")
        path = folder / "workflow.yaml"
        path.write_text(text.replace(MODULE, "model:run").replace(METRIC, "y"))
        return load_workflow(path)

    return load


field = pytest.mark.skipif(not FIELD.is_dir(), reason="the files of the field are not at hand")

LEARNING = {"float": [1e-6, 0.1]}
SIZES = {"ordered": [32, 64, 128, 256, 512, 1024, 2048]}


@field
@pytest.mark.parametrize(
    ("name", "space", "optimizer"),
    [
        ("ga/oned.json", {"x": {"float": [0.0, 20.0]}}, {"sigma": {"x": 3}}),
        (
            "ga/graphdrp-1.json",
            {"learning_rate": LEARNING, "batch_size": SIZES, "epochs": 5},
            {"sigma": {"learning_rate": 0.01, "batch_size": 1}},
        ),
        (
            "ga/cmp.json",
            {"noise": {"float": [0.0, 55]}, "layer_force": {"int": [500, 1000]}},
            {"kind": "genetic", "population": 16, "generations": 5},
        ),
        (
            "ga/random.json",
            {
                "learning_rate": LEARNING,
                "batch_size": SIZES,
                "epochs": 5,
                "crash_probability": 0.25,
            },
            {"kind": "genetic"},
        ),
        (
            "mlrmbo/p1b1_restart_params.R",
            {"batch_size": {"ordered": [16, 32, 64, 128, 256, 512]}, "epochs": {"int": [5, 50]}},
            {"kind": "bayes", "evaluations": 36},
        ),
        ("mlrmbo/oned.R", {"x": {"float": [1, 20]}}, {}),
        (
            "mlrmbo/nt3_nightly.R",
            {
                "batch_size": {"ordered": [16, 32]},
                "epochs": {"int": [2, 5]},
                "optimizer": {"choice": ["adam", "sgd"]},
                "dropout": {"float": [0, 0.9]},
                "learning_rate": {"float": [1e-5, 0.1]},
            },
            {},
        ),
        (
            "sweep/random-settings.json",
            {
                "epochs": {"int": [4, 8]},
                "batch_size": {"int": [30, 40]},
                "N1": 1500,
                "NE": 600,
                "latent_dim": {"int": [2, 64]},
                "learning_rate": {"float": [1e-5, 0.1]},
            },
            {"kind": "random", "evaluations": 120},
        ),
        (
            "model/mnist_params.txt",
            {"epochs": 20, "batch_size": 128, "activation": "relu", "optimizer": "rmsprop"},
            {"kind": "grid"},
        ),
    ],
)
def test_files_of_the_field_become_workflows(say, loaded, name, space, optimizer):
    workflow = loaded(say(FIELD / name))
    assert workflow.document.data["space"] == space
    assert workflow.document.data["optimizer"].items() >= optimizer.items()
    assert list(workflow.space.parameters) == list(space)


@field
def test_a_grid_of_the_field_has_its_points(say, loaded):
    assert loaded(say(FIELD / "sweep/grid-settings.json")).expected == 120


@field
@pytest.mark.parametrize(("name", "count"), [("p1b1", 25), ("nt3", 32)])
def test_model_files_of_the_field_are_one_point(say, loaded, name, count):
    workflow = loaded(say(FIELD / f"model/{name}_default_model.txt"))
    (point,) = workflow.optimizer().ask(5)
    assert len(point) == count
    if name == "p1b1":
        assert point["learning_rate"] is None
        assert point["dense"] == [2000, 600]
        assert point["timeout"] == 3600  # of the second section


@field
@pytest.mark.parametrize(
    ("name", "count"),
    [("upf-1.txt", 3), ("demo-1.json", 3), ("cmp-cv-upf-1.txt", 1), ("cp1-upf.txt", 25)],
)
def test_given_points_of_the_field_are_named(say, loaded, name, count):
    workflow = loaded(say(FIELD / "upf" / name))
    assert workflow.points_count == count
    assert workflow.space is None


@field
def test_the_malformed_file_of_the_field_is_an_error_with_its_line(say):
    path = FIELD / "mlrmbo/p2b1_parameter_set_malformed.R"
    error = say(path, code=2)
    assert error == (
        f"supervisor: {path}:8: the parenthesis '(' of makeDiscreteParam is never closed before "
        "'makeDiscreteParam' of line 9; a ')' is missing\n"
    )


@field
def test_a_restart_file_of_the_field_is_for_an_optimizer(say):
    assert "optimizer: {initial: restart-combo.csv}" in say(
        FIELD / "mlrmbo/restart-combo.csv", code=2
    )


def test_warnings_are_apart_from_the_workflow(folder, capsys):
    (folder / "space.json").write_text(GA)
    assert execute(["convert", "space.json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == (
        "supervisor: warning: space.json:1: epochs: both bounds are 5; it is a constant now\n"
    )
    assert printed.out.startswith("# From space.json: CANDLE parameter space.\nname: space\n")


def test_a_file_is_written_and_never_over_another(folder, say):
    (folder / "space.json").write_text(GA)
    printed = say("space.json")
    assert say("space.json", "-o", "workflow.yaml") == ""
    assert (folder / "workflow.yaml").read_text() == printed
    error = say("space.json", "-o", "workflow.yaml", code=2)
    assert "-o workflow.yaml: exists already, perhaps with an objective" in error
    assert "-o no/w.yaml: cannot be written: No such" in say(
        "space.json", "-o", "no/w.yaml", code=2
    )


def test_given_points_are_named_from_the_folder_of_the_workflow(folder, say):
    (folder / "upf.txt").write_text('{"x": 1}\n')
    (folder / "sub").mkdir()
    assert "\npoints: upf.txt\n" in say("upf.txt")
    say("upf.txt", "-o", "sub/workflow.yaml")
    assert '\npoints: "../upf.txt"\n' in (folder / "sub" / "workflow.yaml").read_text()


def test_given_points_are_checked(folder, say):
    (folder / "upf.txt").write_text('{"id": "a"}\n{"id": "a"}\n')
    assert "upf.txt:2: the id 'a' is that of line 1 already" in say("upf.txt", code=2)


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [
        ("random", {"kind": "random", "evaluations": 40, "seed": 1}),
        ("grid", {"kind": "grid", "steps": 5}),
        ("genetic", None),
    ],
)
def test_another_optimizer_can_be_chosen(folder, say, loaded, kind, optimizer):
    (folder / "space.json").write_text(GA)
    found = loaded(say("space.json", "--to", kind)).document.data["optimizer"]
    assert found == optimizer or (optimizer is None and found["sigma"] == {"rate": 0.01})


def test_sigmas_that_are_lost_are_told(folder, capsys):
    (folder / "space.json").write_text(GA)
    assert execute(["convert", "space.json", "--to", "random"]) == 0
    assert "--to random: the sigmas of the mutations are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["space.json", "--to", "rnadom"], "Did you mean 'random'?"),
        (["space.json", "--to", "upf"], "'upf' needs the setting 'file'"),
        (["space.json", "--from", "model"], "space.json:1: text before the first section"),
        (["upf.txt", "--to", "grid"], "--to grid: has no use for given points; leave it out"),
        (["missing.json"], "missing.json: cannot be read: No such file"),
        (["."], ".: cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_done_is_an_error(folder, say, arguments, message):
    (folder / "space.json").write_text(GA)
    (folder / "upf.txt").write_text('{"x": 1}\n')
    assert message in say(*arguments, code=2)
