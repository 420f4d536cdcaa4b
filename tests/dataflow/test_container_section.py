"""The section task.container: what it means, and what is refused."""

from __future__ import annotations

import pytest

from supervisor.core.errors import InputError
from supervisor.core.objective import Bind, Container
from supervisor.dataflow.load import load
from supervisor.dataflow.workflow import load_workflow

TEXT = """\
name: boxed
objective: {shell: "echo ${x}", minimize: loss}
space: {x: {float: [0, 1]}}
optimizer: {kind: random, evaluations: 2}
task:
"""


@pytest.fixture
def loaded(tmp_path):
    def read(task, text=TEXT):
        (tmp_path / "workflow.yaml").write_text(text + task)
        return load_workflow(tmp_path / "workflow.yaml")

    return read


def container(workflow):
    return workflow.executed(workflow.folder / "EXP", 0.0).container


def test_without_the_section_there_is_no_container(loaded):
    assert container(loaded("  retries: 1\n")) is None


def test_one_word_is_the_image(loaded, tmp_path):
    assert container(loaded("  container: images/model.sif\n")) == Container(
        image=str(tmp_path / "images/model.sif")
    )
    assert container(loaded("  container: docker://python:3.12-slim\n")) == Container(
        image="docker://python:3.12-slim"
    )


def test_all_keys_reach_the_worker(loaded, tmp_path):
    section = (
        "  container: {image: ./model, runtime: apptainer, devices: true, options: [--fakeroot],\n"
        "    bind: [/data, '../in:/in:ro', '/scratch/x:/x:rw']}\n"
    )
    assert container(loaded(section)) == Container(
        image=str(tmp_path / "model"),
        runtime="apptainer",
        binds=(
            Bind("/data", "/data"),
            Bind(str(tmp_path / "../in"), "/in", writable=False),
            Bind("/scratch/x", "/x"),
        ),
        devices=True,
        options=("--fakeroot",),
    )


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("container: ''", "workflow.yaml:6 task.container: names no image"),
        ("container: {}", "task.container: the key 'image' is missing"),
        ("container: {image: a, runtim: podman}", "unknown key 'runtim'. Did you mean 'runtime'?"),
        ("container: {image: a, runtime: podmann}", "Did you mean 'podman'?"),
        ("container: {image: a, bind: /data}", "'/data' is wrong here"),
        ("container: {image: a, bind: [':/x']}", "bind[0]: ':/x' is no bind; write SOURCE"),
        ("container: {image: a, bind: [/d, '/d:x']}", "bind[1]: '/d:x' is no bind"),
        ("container: {image: a, bind: ['/d:/x:rx']}", "'/d:/x:rx' is no bind"),
        ("container: {image: a, bind: ['/d:/x:ro:z']}", "'/d:/x:ro:z' is no bind"),
        ("container: {image: a, bind: ['/a,b']}", "no runtime binds a path with a comma"),
        (
            "container: {image: m.sif, runtime: podman}",
            "task.container.runtime: podman cannot run the image file",
        ),
        (
            "container: {image: 'model:1', runtime: apptainer}",
            "podman or charliecloud can; write docker://NAME, or ./NAME for a path",
        ),
        (
            "container: {image: ./m, runtime: podman}\n  run: launch",
            "use charliecloud, apptainer, singularity",
        ),
        ("container: 'model:1'\n  run: launch\n  size: 2", None),
    ],
)
def test_what_cannot_be_is_refused(loaded, task, message):
    if message is None:
        assert container(loaded(f"  {task}\n")).image == "model:1"
        return
    with pytest.raises(InputError) as caught:
        loaded(f"  {task}\n")
    assert message in str(caught.value)
    assert str(caught.value).startswith("workflow.yaml:6 ")


def test_a_python_objective_has_no_container(loaded, tmp_path):
    (tmp_path / "model.py").write_text("run = lambda params: 0\n")
    text = TEXT.replace('shell: "echo ${x}"', '"python": "model:run"')
    with pytest.raises(InputError) as caught:
        loaded("  container: model.sif\n", text)
    assert str(caught.value) == (
        "workflow.yaml:6 task.container: is for commands, as a container has a Python of its own; "
        'write e.g. shell: "python3 model.py" as objective'
    )


STEPS = """\
steps:
  make:
    shell: "make > made.txt"
    task: {container: CONTAINER}
"""


def test_commands_that_are_steps_have_containers(tmp_path):
    path = tmp_path / "workflow.yaml"
    path.write_text(STEPS.replace("CONTAINER", "{image: ./model, bind: [data]}"))
    action = load(path).steps["make"].action
    data = str(tmp_path / "data")
    assert action.container == Container(image=str(tmp_path / "model"), binds=(Bind(data, data),))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("CONTAINER", "{image: ''}", "steps.make.task.container: names no image"),
        ("CONTAINER", "{image: m, bind: [':']}", r"workflow.yaml:4 .*bind.*is no bind"),
        ("CONTAINER}", "m, run: inline}", "needs 'run: process' beside it"),
        ('shell: "make > made.txt"', 'python: "json:dumps"', "for steps given as 'shell:'"),
    ],
)
def test_containers_of_steps_that_cannot_be_are_refused(tmp_path, old, new, message):
    path = tmp_path / "workflow.yaml"
    path.write_text(STEPS.replace(old, new).replace("CONTAINER", "m"))
    with pytest.raises(InputError, match=message):
        load(path)
