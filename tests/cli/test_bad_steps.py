"""Wrong workflow files with steps: refused with where, what and what to do."""

import pytest

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
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("case", CASES)
def test_wrong_steps(case, command, folder, refusal):
    text, message = CASES[case]
    (folder / "workflow.yaml").write_text(text)
    assert message in refusal(command, "workflow.yaml")
