"""Wrong workflow files of searches and ensembles: refused with where, what and what to do."""

import pytest

from tests.cli.good import GOOD

CASES = {
    "an unknown key": (
        GOOD + "tsak: {retries: 1}\n",
        "workflow.yaml:10 tsak: unknown key 'tsak'. Did you mean 'task'?",
    ),
    "an unknown key further in": (
        GOOD + "task:\n  retry: 1\n",
        "workflow.yaml:11 task.retry: unknown key 'retry'. Did you mean 'retries'?",
    ),
    "a wrong type": (
        GOOD + "task:\n  timeout_s: soon\n",
        "workflow.yaml:11 task.timeout_s: 'soon' is wrong here: expected `float",
    ),
    "a value out of range": (
        GOOD + "task: {retries: -1}\n",
        "workflow.yaml:10 task.retries: -1 is wrong here",
    ),
    "lower above upper": (
        GOOD.replace("[0, 1]", "[2, 1]"),
        "workflow.yaml:6 space.x.float: ",
    ),
    "an unknown kind of parameter": (
        GOOD.replace("float", "flaot"),
        "Did you mean 'float'?",
    ),
    "a missing module": (
        GOOD.replace("model:run", "nosuch:run"),
        "workflow.yaml:3 objective.python: there is no module 'nosuch'",
    ),
    "a missing function": (
        GOOD.replace("model:run", "model:rum"),
        "workflow.yaml:3 objective.python: unknown function in model.py 'rum'. "
        "Did you mean 'run'?",
    ),
    "a tab": (GOOD.replace("  python", "\tpython"), "workflow.yaml:3: a tab"),
    "text that is not YAML": (GOOD + "a: [1, 2\n", "workflow.yaml:1"),
    "a key twice": (GOOD + "name: again\n", "workflow.yaml:10: "),
    "an empty file": ("", "workflow.yaml:1: a workflow is a mapping"),
    "a list": ("- 1\n", "workflow.yaml:1: a workflow is a mapping"),
    "no objective": ("name: x\n", "the key 'objective' is missing"),
    "nothing to optimise": (GOOD.replace("  minimize: y\n", ""), "minimize: METRIC"),
    "two directions": (
        GOOD.replace("  minimize: y\n", "  minimize: y\n  maximize: y\n"),
        "the metric 'y' is there twice",
    ),
    "two objectives": (
        GOOD.replace("  minimize", "  shell: ls\n  minimize"),
        "exactly one of 'python' and 'shell'",
    ),
    "no space": (GOOD.replace("space:\n  x: {float: [0, 1]}\n", ""), "'space' is missing"),
    "an unknown optimizer": (
        GOOD.replace("random", "randon"),
        "workflow.yaml:8 optimizer.kind: unknown",
    ),
    "an unknown setting": (
        GOOD + "  sede: 1\n",
        "workflow.yaml:10 optimizer.sede: unknown setting",
    ),
    "no number of evaluations": (GOOD.replace("  evaluations: 3\n", ""), "'evaluations'"),
    "no evaluations": (
        GOOD.replace("evaluations: 3", "evaluations: 0"),
        "workflow.yaml:9 optimizer.evaluations: 0 is wrong here",
    ),
    "an unknown placeholder": (
        GOOD.replace("python: model:run", "shell: 'echo ${y}'"),
        "workflow.yaml:3 objective.shell: unknown parameter",
    ),
    "an executor that cannot run it": (
        GOOD + "task: {run: shell}\n",
        "workflow.yaml:10 task.run: 'shell' cannot run an objective given as 'python:'",
    ),
    "an executor that does not exist": (
        GOOD + "task: {run: proces}\n",
        "workflow.yaml:10 task.run: unknown value 'proces'. Did you mean 'process'? "
        "Known: group, inline, launch, process, shell",
    ),
    "several ranks": (
        GOOD + "task: {size: 2}\n",
        "workflow.yaml:10 task.size: 2: a function on several workers needs 'run: group'",
    ),
    "an empty UPF": (
        "objective: {python: 'model:run'}\npoints: empty.txt\n",
        "empty.txt: there is no task in it",
    ),
    "a missing UPF": (
        "objective: {python: 'model:run'}\npoints: nosuch.txt\n",
        "workflow.yaml:2 points: there is no file",
    ),
    "a broken UPF": (
        "objective: {python: 'model:run'}\npoints: broken.txt\n",
        "broken.txt:2: not JSON",
    ),
    "points and a space": (
        "objective: {python: 'model:run'}\npoints: broken.txt\nspace: {x: 1}\n",
        "workflow.yaml:3 space: has no use beside 'points'",
    ),
    "a kind without workers": (
        GOOD + "task:\n  kind: gpu\n",
        "workflow.yaml:11 task.kind: no worker takes tasks of kind 'gpu'; give it some with "
        "--workers gpu=N, or 'workers: {gpu: N}' in the workflow. Known: work",
    ),
    "a misspelt kind": (
        GOOD + "task: {kind: gup}\nworkers: {gpu: 1}\n",
        "workflow.yaml:10 task.kind: no worker takes tasks of kind 'gup'; give it some with "
        "--workers gup=N, or 'workers: {gup: N}' in the workflow. Did you mean 'gpu'?",
    ),
    "more workers of a kind than there are": (
        GOOD + "workers:\n  gpu: 3\n  fpga: 2\ntask: {kind: gpu}\n",
        "workflow.yaml:10 workers: gpu=3, fpga=2 makes 5, but this run has ",
    ),
    "no workers of a kind": (
        GOOD + "workers:\n  gpu: 0\n",
        "workflow.yaml:11 workers.gpu: 0 is wrong here: give 1 or more workers",
    ),
    "half a worker": (
        GOOD + "workers:\n  gpu: 0.5\n",
        "workflow.yaml:10 workers: {'gpu': 0.5} is wrong here: expected `int`",
    ),
    "a kind that is a number": (
        GOOD + "workers: {1: 1}\n",
        "workflow.yaml:10 workers: {1: 1} is wrong here: expected `text`, got `int` for a key",
    ),
    "a kind that cannot be typed": (
        GOOD + "workers: {a=b: 1}\n",
        "workflow.yaml:10 workers.a=b: 'a=b' cannot name a kind; letters, digits",
    ),
    "a task of a kind that cannot be": (
        GOOD + "task: {kind: 'a b'}\n",
        "workflow.yaml:10 task.kind: 'a b' cannot name a kind; letters, digits",
    ),
    "an unsafe name": (GOOD.replace("name: good", "name: ../x"), "workflow.yaml:1 name"),
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("case", CASES)
def test_a_wrong_search(case, command, folder, refusal):
    text, message = CASES[case]
    (folder / "workflow.yaml").write_text(text)
    assert message in refusal(command, "workflow.yaml")
