"""Bad input: one message that says where, what and what to do; exit 2; nothing created."""

import subprocess
import sys

import pytest

from supervisor.cli import execute
from tests.launching import environment, run

GOOD = """\
name: good
objective:
  python: model:run
  minimize: y
space:
  x: {float: [0, 1]}
optimizer:
  kind: random
  evaluations: 3
"""

STEPS = """\
name: good
steps:
  split: {python: 'model:run', with: {params: 5}}
  train:
    foreach: {fold: '${split}'}
    with: {params: '${fold}'}
    task: {retries: 1}
    python: model:run
  best: {shell: 'echo ${train | join(" ")}', when: '${train | length > 0}'}
  #
"""

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
        GOOD.replace("  minimize: y\n", "  minimize: y\n  maximize: z\n"),
        "not both",
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
        "Known: inline, process, shell",
    ),
    "several ranks": (GOOD + "task: {size: 2}\n", "workflow.yaml:10 task.size: is 2"),
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
    "a misspelt key for steps": (
        STEPS.replace("steps:", "stpes:"),
        "workflow.yaml:2 stpes: unknown key 'stpes'. Did you mean 'steps'?",
    ),
    "steps and an optimizer": (
        STEPS + "optimizer: {kind: grid}\n",
        "workflow.yaml:11 optimizer: has no use beside 'steps'; remove one",
    ),
    "no steps": ("steps: {}\n", "workflow.yaml:1 steps: there is none; give one at least"),
    "an unknown key of a step": (
        STEPS.replace("when:", "whne:"),
        "workflow.yaml:9 steps.best.whne: unknown key 'whne'. Did you mean 'when'?",
    ),
    "an unknown key of a step's task": (
        STEPS.replace("retries", "retry"),
        "workflow.yaml:7 steps.train.task.retry: unknown key 'retry'. Did you mean 'retries'?",
    ),
    "a wrong type in a step": (
        STEPS.replace("retries: 1", "retries: often"),
        "workflow.yaml:7 steps.train.task.retries: 'often' is wrong here: expected `int`",
    ),
    "a step that is no mapping": (
        STEPS.replace("{python: 'model:run', with: {params: 5}}", "model:run"),
        "workflow.yaml:3 steps.split: 'model:run' is wrong here: expected `mapping`",
    ),
    "a step that does nothing": (
        STEPS + "  idle: {after: [best]}\n",
        "workflow.yaml:11 steps.idle: give exactly one of 'python' and 'shell'",
    ),
    "a step that does two things": (
        STEPS + "  busy: {shell: ls, python: 'model:run'}\n",
        "workflow.yaml:11 steps.busy: give exactly one of 'python' and 'shell'",
    ),
    "arguments of a command": (
        STEPS + "  list: {shell: ls, with: {a: 1}}\n",
        "workflow.yaml:11 steps.list.with: has no use beside 'shell'",
    ),
    "a name that cannot be in a reference": (
        STEPS + "  a-b: {shell: ls}\n",
        "workflow.yaml:11 steps.a-b: 'a-b' cannot be a name in references",
    ),
    "a variable with the name of a step": (
        STEPS.replace("foreach: {fold:", "foreach: {best:"),
        "workflow.yaml:5 steps.train.foreach.best: 'best' is the name of a step",
    ),
    "a reference to an unknown step": (
        STEPS.replace("'${split}'", "'${splti}'"),
        "workflow.yaml:5 steps.train.foreach.fold: unknown step or variable 'splti'. "
        "Did you mean 'split'?",
    ),
    "a reference to a variable of another step": (
        STEPS.replace("${train | length > 0}", "${fold > 0}"),
        "workflow.yaml:9 steps.best.when: unknown step or variable 'fold'",
    ),
    "an unknown step to come after": (
        STEPS + "  last: {shell: ls, after: [besst]}\n",
        "workflow.yaml:11 steps.last.after[0]: unknown step 'besst'. Did you mean 'best'?",
    ),
    "an unknown constant": (
        STEPS.replace("${fold}", "${params.rate}"),
        "workflow.yaml:6 steps.train.with.params: unknown constant in 'params' 'rate'",
    ),
    "a reference that is not closed": (
        STEPS.replace("${train | length > 0}", "${train"),
        "workflow.yaml:9 steps.best.when: '${train' has no closing brace",
    ),
    "an expression that is none": (
        STEPS.replace("${train | length > 0}", "${train | }"),
        "workflow.yaml:9 steps.best.when: ${train | }: ",
    ),
    "an unknown filter": (
        STEPS.replace("length", "lenght"),
        "workflow.yaml:9 steps.best.when: ${train | lenght > 0}: there is no filter 'lenght'. "
        "Did you mean 'length'?",
    ),
    "a condition that is a text": (
        STEPS.replace("${train | length > 0}", "train"),
        "workflow.yaml:9 steps.best.when: 'train' is no condition; write ${...}",
    ),
    "a variable of the shell in braces": (
        STEPS + "  home: {shell: 'ls ${HOME}'}\n",
        "workflow.yaml:11 steps.home.shell: unknown step or variable (a variable of the shell "
        "is written $HOME or $${HOME}) 'HOME'",
    ),
    "a script that bash cannot read": (
        STEPS + "  open: {shell: 'ls (${split}'}\n",
        "workflow.yaml:11 steps.open.shell: bash cannot read it: ",
    ),
    "a cycle": (
        STEPS + "  a: {shell: 'echo ${c}'}\n  b: {shell: ls, after: [a]}\n"
        "  c: {shell: ls, inputs: [b.txt]}\n  d: {shell: ls, outputs: [b.txt], after: [b]}\n",
        "a cycle: ",
    ),
    "a step that needs itself": (
        STEPS + "  a: {shell: 'echo ${a}'}\n",
        "workflow.yaml:11 steps.a: a cycle: a (workflow.yaml:11) needs a; remove one of them",
    ),
    "a missing module of a step": (
        STEPS + "  a: {python: 'nosuch:run'}\n",
        "workflow.yaml:11 steps.a.python: there is no module 'nosuch'",
    ),
    "a missing function of a step": (
        STEPS + "  a: {python: 'model:rum'}\n",
        "workflow.yaml:11 steps.a.python: unknown function in model.py 'rum'. Did you mean 'run'?",
    ),
    "a missing input": (
        STEPS + "  a: {shell: ls, inputs: [model.py, nosuch.csv]}\n",
        "workflow.yaml:11 steps.a.inputs[1]: there is no file 'nosuch.csv' in ",
    ),
    "a glob without files": (
        STEPS + "  a: {shell: ls, foreach: {f: '*.csv'}}\n",
        "workflow.yaml:11 steps.a.foreach.f: the glob '*.csv' matches no file in ",
    ),
    "one output for all instances": (
        STEPS + "  a: {shell: ls, foreach: {i: [1, 2]}, outputs: [x.txt]}\n",
        "workflow.yaml:11 steps.a.outputs[0]: all instances would write 'x.txt'; put ${i} into",
    ),
    "an output of two steps": (
        STEPS + "  a: {shell: ls, outputs: [x.txt]}\n  b: {shell: ls, outputs: [./x.txt]}\n",
        "workflow.yaml:12 steps.b.outputs[0]: './x.txt' is an output of step 'a' too",
    ),
    "a range without an end": (
        STEPS + "  a: {shell: ls, foreach: {i: {from: 1}}}\n",
        "workflow.yaml:11 steps.a.foreach.i: a range has the keys 'from', 'to'",
    ),
    "a range of nothing": (
        STEPS + "  a: {shell: ls, foreach: {i: {to: 1.5}}}\n",
        "workflow.yaml:11 steps.a.foreach.i: 'to' of a range is 1.5: give a whole number",
    ),
    "something that cannot be repeated for": (
        STEPS + "  a: {shell: ls, foreach: {i: 5}}\n",
        "workflow.yaml:11 steps.a.foreach.i: 5 is wrong here: give a list, a range",
    ),
    "a kind of a step without workers": (
        STEPS.replace("retries: 1", "kind: gpu"),
        "workflow.yaml:7 steps.train.task.kind: no worker takes tasks of kind 'gpu'",
    ),
    "a limit that nobody can enforce": (
        STEPS.replace("retries: 1", "run: inline, timeout_s: 5"),
        "workflow.yaml:7 steps.train.task.timeout_s: has no use beside 'run: inline'",
    ),
    "a reference in a constant": (
        STEPS + "params: {a: '${split}'}\n",
        "workflow.yaml:11 params.a: a constant holds no references",
    ),
    "an unsafe name": (GOOD.replace("name: good", "name: ../x"), "workflow.yaml:1 name"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text("def run(params):\n    return params['x']\n")
    (tmp_path / "empty.txt").write_text("# nothing\n\n")
    (tmp_path / "broken.txt").write_text('{"id": "a"}\n{"id": \n')
    (tmp_path / "workflow.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("case", CASES)
def test_a_wrong_workflow(case, command, folder, capsys):
    text, message = CASES[case]
    (folder / "workflow.yaml").write_text(text)
    before = sorted(folder.rglob("*"))
    assert execute([command, "workflow.yaml"]) == 2
    said = capsys.readouterr()
    assert message in said.err, said.err
    assert said.err.startswith("supervisor: ")
    assert said.err.count("\n") == 1, "one message"
    assert said.out == ""
    assert [path for path in sorted(folder.rglob("*")) if "__pycache__" not in str(path)] == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nosuch.yaml"], "nosuch.yaml: there is no such file"),
        (["run"], "name a workflow file"),
        (["run", "workflow.yaml", "--walltime", "soon"], "--walltime: 'soon'"),
        (["run", "workflow.yaml", "--set", "task"], "--set task: is not of the form key=value"),
        (["run", "workflow.yaml", "--set", "name.x=1"], "'name' is not a mapping"),
        (["run", "workflow.yaml", "--set", "task.retries=often"], "--set task.retries"),
        (["run", "workflow.yaml", "--workers", "gpu"], "--workers gpu: is not of the form"),
        (["run", "workflow.yaml", "--workers", "gpu=x"], "--workers gpu=x: is not of the form"),
        (["run", "workflow.yaml", "--workers", "gpu=0"], "--workers gpu=0: give 1 or more"),
        (["run", "workflow.yaml", "--workers", "=1"], "--workers =1: '' cannot name a kind"),
        (["run", "workflow.yaml", "--workers", "gpu=1"], "no worker takes tasks of kind 'work'"),
        (
            ["run", "-n", "4", "workflow.yaml", "--workers", "gpu=3"],
            "--workers: gpu=3 makes 3, but this run has 2 workers; use more ranks",
        ),
        (
            ["plan", "-n", "8", "workflow.yaml", "--workers", "work=2", "--workers", "gpu=1"],
            "--workers: work=2, gpu=1 makes 3, but this run has 6 workers; leave 'work' out",
        ),
        (
            ["run", "workflow.yaml", "--set", "task.kind=gpu"],
            "--set task.kind: no worker takes tasks of kind 'gpu'",
        ),
        (["run", "workflow.yaml", "--trace"], "--trace: is for workflows with steps"),
        (["plan", "workflow.yaml", "--dot"], "--dot: draws steps"),
        (["run", "--resume"], "no such experiment"),
        (["run", "--resume", "EXP007"], "no such experiment"),
        (["status"], "no such experiment"),
        (["why", "3"], "no such experiment"),
        (["table", "nosuch"], "no such experiment"),
    ],
)
def test_a_wrong_command_line(arguments, message, folder, capsys):
    before = sorted(folder.rglob("*"))
    assert execute(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err, said.err
    assert said.err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_an_unknown_option_is_bad_input(folder, capsys):
    assert execute(["run", "workflow.yaml", "--nosuch"]) == 2
    assert "--nosuch" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_under_a_launcher_it_is_said_once(name, folder):
    mpi = environment(name)
    (folder / "workflow.yaml").write_text(GOOD.replace("float", "flaot"))
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "workflow.yaml"], folder)
    assert done.returncode == 2
    assert done.stderr.count("supervisor: workflow.yaml:6") == 1
    assert "Traceback" not in done.stderr
    assert not (folder / "experiments").exists()


def test_with_n_it_is_said_before_mpiexec_starts(folder):
    command = [sys.executable, "-m", "supervisor", "run", "-n", "4", "workflow.yaml"]
    (folder / "workflow.yaml").write_text(GOOD.replace("float", "flaot"))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
