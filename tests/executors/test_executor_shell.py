"""Commands in an isolated child."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.errors import InputError
from supervisor.core.executor import Seat
from supervisor.core.objective import Evaluation, Objective
from supervisor.executors import build
from supervisor.executors.context import Context
from supervisor.executors.template import render, template_names
from tests.contracts.executor import IsolatedExecutorContract, evaluate, metrics

COMMAND = r"""
case ${do} in
    square) echo '{"loss": '$((${x:-0} * ${x:-0}))'}' ;;
    raise)  echo "no luck" >&2; exit 1 ;;
    exit)   exit 3 ;;
    nan)    echo NaN ;;
    sleep)  sleep 60 ;;
esac
"""


@pytest.fixture
def objective(tmp_path):
    return Objective(
        run="shell",
        shell=COMMAND,
        metric="loss",
        source_dir=str(tmp_path),
        experiment_dir=str(tmp_path / "EXP"),
    )


@pytest.fixture
def make(objective):
    return lambda: build(objective, Seat(3))


class TestShell(IsolatedExecutorContract):
    pass


@pytest.fixture
def run(objective):
    """Evaluates one point of a command."""
    executors = []

    def run(command, values=None, *, attempt=1, **fields):
        executor = build(msgspec.structs.replace(objective, shell=command, **fields), Seat(0))
        executors.append(executor)
        return evaluate(executor, 0, values or {}, attempt=attempt)

    yield run
    for executor in executors:
        executor.close()


def context_in(folder: Path) -> Context:
    objective = Objective(run="shell", source_dir=".", experiment_dir=str(folder))
    return Context(Evaluation(7, "A/RUN7", {"x": 1}, seed=5, attempt=2), objective)


def shown(script: str) -> list[str]:
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


class TestResults:
    def test_the_last_line_that_is_json_counts(self, run):
        lines = ["loss is 7", '{"loss": 1}', '{"loss": 2, "ok": true}', "[3]", "done {", ""]
        result = run(f"printf '%s\\n' {' '.join(map(repr, lines))}")
        assert metrics(result) == {"loss": 2.0, "ok": True}

    @pytest.mark.parametrize("text", ["nan", "NaN", '{"loss": NaN}', '{"loss": "NaN"}'])
    def test_nan_is_a_number_however_it_is_written(self, run, text):
        assert math.isnan(metrics(run(f"echo '{text}'"))["loss"])

    def test_the_error_stream_is_no_result(self, run, tmp_path):
        failure = run("echo 1; echo 2 >&2; echo text", metric=None).failure
        assert failure is None
        failure = run("echo 2 >&2").failure
        assert failure.kind == "invalid"
        assert "no line" in failure.message
        assert failure.details.endswith("2\n")
        assert "2" in (tmp_path / "EXP/runs/RUN000000/log.txt").read_text()

    def test_a_file_in_the_run_directory_is_the_result(self, run, tmp_path):
        command = 'echo \'{"loss": 4, "more": [1]}\' > $SUPERVISOR_TASK_DIR/result.json'
        assert metrics(run(command, result="result.json")) == {"loss": 4.0, "more": [1]}
        folder = tmp_path / "EXP/runs/RUN000000"
        assert (folder / "result.json").read_text() == '{"loss": 4, "more": [1]}\n'
        assert (folder / "params.json").exists()

    def test_the_file_of_an_earlier_attempt_is_not_a_result(self, run):
        run("echo 1 > ${task.dir}/out", result="out")
        failure = run("true", result="out", attempt=2).failure
        assert failure.kind == "invalid"
        assert "No such file" in failure.message

    def test_garbage_in_the_file_is_shown(self, run):
        failure = run("echo '[1, 2' > ${task.dir}/out", result="out").failure
        assert failure.kind == "invalid"
        assert "'[1, 2'" in failure.message

    def test_a_result_without_the_metric_is_invalid(self, run):
        failure = run("echo '{\"accuracy\": 1}'").failure
        assert failure.message == "the result has no metric 'loss'; it holds accuracy"


class TestEnds:
    @pytest.mark.parametrize(
        ("command", "kind", "message"),
        [
            ("no-such-command", "exited", "exited with code 127: the command was not found"),
            ("/etc/passwd", "exited", "exited with code 126: the command cannot be executed"),
            ("exit 255", "exited", "exited with code 255"),
            ("kill -SEGV $$", "signal", "killed by signal 11 (SIGSEGV)"),
            ("bash -c 'kill -9 $$'; exit $?", "signal", "killed by signal 9 (SIGKILL), perhaps"),
            ("kill 0", "signal", "killed by signal 15 (SIGTERM)"),
            ("echo ${missing}", "invalid", "objective.shell: this point has no 'missing'"),
        ],
    )
    def test_a_command_that_fails_says_how(self, run, command, kind, message):
        failure = run(command).failure
        assert failure.kind == kind
        assert failure.message.startswith(message)

    def test_what_stays_in_the_background_is_killed(self, run):
        before = time.monotonic()
        command = (
            "sleep 60 & a=$!; setsid sleep 60 & b=$!; echo '{\"loss\": 0, \"pids\": ['$a,$b']}'"
        )
        pids = metrics(run(command))["pids"]
        assert time.monotonic() - before < 10
        assert [pid for pid in pids if psutil.pid_exists(pid)] == []

    def test_a_command_that_closes_its_output_is_waited_for(self, run, tmp_path):
        run("echo 1; exec >&- 2>&-; sleep 0.3; touch ended")
        assert (tmp_path / "ended").exists()

    def test_much_output_is_bounded(self, run):
        failure = run("yes", output_limit_mb=1).failure
        assert failure.kind == "output"

    def test_it_starts_beside_the_workflow_with_the_point_in_its_environment(self, run, tmp_path):
        command = 'echo \'{"loss": 0, "env": "\'$SUPERVISOR_POINT $SUPERVISOR_SEED $PWD\'"}\''
        assert metrics(run(command))["env"] == f"0 1000 {tmp_path}"
        command = "echo $SUPERVISOR_PARAMS > seen; echo 0"
        run(command, {"a": [1, 2], "b": math.inf})
        assert json.loads((tmp_path / "seen").read_text()) == {"a": [1, 2], "b": "Infinity"}


class TestTemplates:
    def test_names_are_those_that_need_a_value(self):
        command = "$HOME ${a} $${b} \\${c} ${d:-1} '${e}' ${f%.*} # ${g}\n ${task.dir}"
        assert template_names(command) == {"a", "d", "e", "task.dir"}

    def test_fields_of_the_task(self, tmp_path):
        text = render(
            "${task.id} ${task.name} ${task.seed} ${task.attempt}", {}, context_in(tmp_path)
        )
        assert text == "7 A/RUN7 5 2"
        assert not (tmp_path / "runs").exists()
        text = render("${task.dir} ${task.checkpoint_dir}", {}, context_in(tmp_path))
        assert text == f"{tmp_path}/runs/A/RUN7 {tmp_path}/runs/A/RUN7/checkpoint"
        assert (tmp_path / "runs/A/RUN7/checkpoint").is_dir()

    def test_a_field_that_the_task_does_not_have(self, tmp_path):
        with pytest.raises(InputError, match=r"Did you mean 'task\.dir'"):
            render("${task.dirs}", {}, context_in(tmp_path))

    @pytest.mark.parametrize(
        ("value", "text"),
        [(1e-5, "1e-05"), (True, "true"), (None, "null"), ([1000, 500], "'1000 500'"), ("", "''")],
    )
    def test_values_in_words(self, tmp_path, value, text):
        assert render("--x ${x}", {"x": value}, context_in(tmp_path)) == f"--x {text}"

    def test_defaults_and_what_the_shell_keeps(self, tmp_path):
        script = render("${y:-a b} $${x} $HOME $(date)", {"x": 1}, context_in(tmp_path))
        assert script == "a b ${x} $HOME $(date)"

    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    def test_no_value_can_inject(self, tmp_path_factory, value):
        context = context_in(tmp_path_factory.getbasetemp())
        places = ["${x}", '"${x}"', "'${x}'", '"a$(printf %s ${x})"', "$(printf '%s.' \"${x}\")"]
        script = render(
            f"printf '%s\\0' {places[0]} {places[1]} {places[2]}", {"x": value}, context
        )
        assert shown(script) == [value] * 3
        script = render(f"printf '%s\\0' {places[3]} \"{places[4]}\"", {"x": value}, context)
        assert shown(script) == ["a" + value.rstrip("\n"), value + "."]


def test_a_nested_launcher_works(run):
    mpiexec = Path(sys.executable).parent / "mpiexec"
    if not mpiexec.exists():
        pytest.skip("no mpiexec beside this Python")
    model = "from mpi4py.MPI import COMM_WORLD as c; n = c.allreduce(1); c.rank or print(n)"
    result = run(f"{mpiexec} -n 2 {sys.executable} -c '{model}'")
    assert metrics(result) == {"loss": 2.0}
