"""What ``supervisor submit`` or a scheduler refuses leaves nothing behind."""

from __future__ import annotations

import re

import pytest

from tests.sites.cases import LSF, ONE_EACH, PBS, POLARIS
from tests.sites.conftest import WORKFLOW

each_scheduler = pytest.mark.parametrize("case", ONE_EACH, ids=lambda case: case.site)


@pytest.mark.parametrize("case", [PBS, LSF], ids=lambda case: case.site)
def test_a_job_that_is_to_wait_for_none_is_refused(machine, case):
    here = machine(case.scheduler)
    said = here.refusal(*case.words, "--after", case.unknown, "workflow.yaml", code=1)
    assert "failed with exit code" in said
    assert re.search("Unknown Job Id|No matching job", said)


@each_scheduler
def test_what_the_scheduler_refuses_leaves_nothing(machine, case):
    here = machine(case.scheduler)
    command = "bsub" if case.scheduler == "lsf" else "qsub"
    here.add(command, "#!/bin/sh\necho 'the machine is closed today' >&2\nexit 4\n")
    said = here.refusal(*case.words, "workflow.yaml", code=1)
    assert "the machine is closed today" in said and "exit code 4" in said


@pytest.mark.parametrize(
    ("case", "words"),
    [(PBS, "Unknown queue"), (LSF, "nowhere: No such queue. Job not submitted.")],
    ids=["pbs", "lsf"],
)
def test_a_queue_that_only_the_scheduler_knows(machine, case, words):
    here = machine(case.scheduler)
    assert words in here.refusal(*case.words, "--queue", "nowhere", "workflow.yaml", code=1)


@each_scheduler
def test_a_scheduler_that_is_not_there(machine, case):
    here = machine("none")
    said = here.refusal(*case.words, "workflow.yaml", code=1)
    command = "bsub" if case.scheduler == "lsf" else "qsub"
    assert f"{command} is not on this machine" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--site", "nowhere"], "unknown site 'nowhere'"),
        (["--site", "thetas"], "Did you mean 'theta'?"),
        (["--site", "./my.sh"], "--site ./my.sh: there is no such file"),
        ([*POLARIS.words, "--queue", "debugg"], "--queue: unknown queue 'debugg'. Did you mean"),
        ([*POLARIS.words, "--nodes", "3"], "--nodes: the queue 'debug' takes 2 nodes at most"),
        (["--site", "theta", "--project", "P", "--nodes", "2"], "takes 128 nodes or more, not 2"),
        (
            [*POLARIS.words, "--walltime", "01:00:01"],
            "--walltime: the queue 'debug' lets jobs run",
        ),
        ([*POLARIS.words, "--walltime", "soon"], "--walltime: 'soon' is not of the form hh:mm:ss"),
        ([*POLARIS.words, "--gpus-per-node", "5"], "--gpus-per-node: a node of polaris has 4"),
        ([*POLARIS.words, "--ranks-per-node", "33"], "--ranks-per-node: a node of polaris has 32"),
        (["--site", "polaris", "--queue", "debug"], "--project: polaris runs jobs of a project"),
        ([*PBS.words, "--workers", "gpu=5"], "this run has 1 worker"),
        (["--site", "local", "--nodes", "2"], "--nodes: local is one machine"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_leaves_nothing(machine, words, said):
    assert said in machine("pbs").refusal(*words, "workflow.yaml")


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ('walltime: "1 hour"', "workflow.yaml:6 resources.walltime: '1 hour' is not of the form"),
        (
            'walltime: "02:00:00"',
            "workflow.yaml:6 resources.walltime: the queue 'debug' lets jobs",
        ),
        ("nodes: 9", "workflow.yaml:6 resources.nodes: the queue 'debug' takes 2 nodes at most"),
        ("gpus_per_node: 9", "workflow.yaml:6 resources.gpus_per_node: a node of polaris has 4"),
        ("ranks_per_node: 99", "workflow.yaml:6 resources.ranks_per_node: a node of polaris"),
        ("queue: bugs", "workflow.yaml:6 resources.queue: unknown queue 'bugs'"),
        ("node: 1", "workflow.yaml:6 resources.node"),
    ],
    ids=lambda value: value.partition(":")[0],
)
def test_what_the_workflow_asks_for_is_refused_by_its_line(machine, resources, said):
    here = machine("pbs")
    queue = "" if "queue" in resources else "queue: debug, "
    here.write("workflow.yaml", WORKFLOW + f"resources: {{{queue}project: P, {resources}}}\n")
    assert said in here.refusal("--site", "polaris", "workflow.yaml")


def test_a_task_that_is_too_wide_for_the_ranks(machine):
    here = machine("pbs")
    wide = WORKFLOW.replace("{run: inline}", "{run: group, size: 4}")
    here.write("workflow.yaml", wide)
    said = here.refusal(*PBS.words, "workflow.yaml")
    assert "workflow.yaml:5 task.size" in said


def test_a_script_cannot_be_a_chain(machine):
    here = machine("pbs")
    here.write("good.py", "def main():\n    pass\n")
    assert "--chain: good.py is a script" in here.refusal(*PBS.words, "--chain", "2", "good.py")
    assert "there is no such file" in here.refusal(*PBS.words, "bad.py")


def test_a_workflow_that_is_wrong_is_refused(machine):
    here = machine("pbs")
    here.write("workflow.yaml", WORKFLOW.replace("evaluations: 3", "evaluation: 3"))
    assert "workflow.yaml:4" in here.refusal(*PBS.words, "workflow.yaml")
    assert "name a workflow file" in here.refusal(*PBS.words)
