"""workflows/pipeline, from data to a report, killed at a random moment and resumed."""

import collections
import random
import shutil
import time

import pytest

from supervisor.experiment.events import Finished
from supervisor.experiment.journal import read_journal
from supervisor.experiment.step_events import StepFinished
from supervisor.experiment.steps import named
from tests.launching import REPOSITORY, environment, kill, run, start

MEMBERS = ["split", "winner", "train", "infer", "evaluate"]
MEMBERS += [f"{step}[{fold}]" for step in ("preprocess", "tune") for fold in range(5)]


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("sklearn", reason="the workflow trains with scikit-learn")
    pytest.importorskip("matplotlib", reason="the workflow draws with matplotlib")
    shutil.copytree(REPOSITORY / "workflows" / "pipeline", tmp_path / "pipeline")
    return tmp_path / "pipeline"


def journals(folder):
    root = folder / "experiments" / "pipeline" / "EXP000"
    return sorted(root.glob("journal.jsonl")) + sorted(root.glob("steps/*/journal.jsonl"))


def finished(folder):
    """Return how often each instance and each point has finished."""
    counts = collections.Counter()
    for journal in journals(folder):
        for event in read_journal(journal):
            if isinstance(event, StepFinished):
                counts[named(event)] += 1
            elif isinstance(event, Finished):
                counts[journal.parent.name, event.point] += 1
    return counts


def table(folder):
    return (folder / "results" / "table.csv").read_text()


@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_the_pipeline_is_killed_and_repeats_nothing(name, folder):
    mpi = environment(name)
    command = [*mpi.mpiexec(4), *mpi.supervisor, "run"]
    process = start([*command, "workflow.yaml"], folder)
    while not any(isinstance(key, tuple) for key in finished(folder)):  # the searches go on
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(random.random() * 3)
    kill(process)
    before = finished(folder)
    again = run([*command, "--resume"], folder)
    assert again.returncode == 0, again.stdout + again.stderr
    after = finished(folder)
    assert set(after.values()) == {1}, f"something was repeated after {before}"
    assert before.keys() <= after.keys()
    assert {key for key in after if isinstance(key, str)} == {*MEMBERS}
    assert sum(isinstance(key, tuple) for key in after) == 5 * 8
    assert (folder / "results" / "roc.png").stat().st_size > 1000
    killed = table(folder)
    undisturbed = run([*command, "workflow.yaml", "--out", "other"], folder)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    assert table(folder) == killed
