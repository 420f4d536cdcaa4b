"""Commands in containers, by every runtime that works here."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from supervisor.core.executor import Seat
from supervisor.core.mpiexec import find_mpiexec
from supervisor.core.objective import Bind, Container, Objective
from supervisor.core.task import Gang
from supervisor.dataflow.action import call_shell
from supervisor.executors import build
from supervisor.executors.failures import TaskError
from tests.contracts.executor import evaluate, metrics, task


class Runtime:
    """A runtime of this host that works."""

    def __init__(self, name: str, options: list[str]) -> None:
        self.name = name
        self.options = options


PROBES = {
    "charliecloud": (["ch-run"], []),
    "podman": (["podman", "run", "--rm", "--cgroups=disabled", "--network=host"], ["--rootfs"]),
    "apptainer": (["apptainer", "exec"], []),
    "singularity": (["singularity", "exec"], []),
}
SPECIAL = {
    "podman": ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"],
    "apptainer": ["--userns"],
    "singularity": ["--userns"],
}
"""What root needs where it has not all of its rights."""


@pytest.fixture(scope="session")
def image(tmp_path_factory) -> Path:
    """Return the root of a file system that is made of the host's own programs."""
    root = tmp_path_factory.mktemp("image")
    for folder in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (root / folder).mkdir()
    for file in ("passwd", "group"):
        (root / "etc" / file).touch()
    for name in ("sh", "sleep", "cat"):
        program = Path(shutil.which(name) or name).resolve()
        shutil.copy(program, root / "bin" / name)
        shown = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
        for library in (word for word in shown.stdout.split() if word.startswith("/")):
            target = root / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
    return root


@pytest.fixture(scope="session", params=PROBES)
def runtime(request, image) -> Runtime:
    """Return each runtime that can start something here."""
    begin, end = PROBES[request.param]
    if shutil.which(begin[0]) is None:
        pytest.skip(f"there is no {begin[0]}")
    separator = ["--"] if request.param == "charliecloud" else []
    root = f"{image}:O" if request.param == "podman" else str(image)
    environment = {"USER": "nobody", **os.environ}
    for options in ([], SPECIAL.get(request.param, [])):
        line = [*begin, *options, *end, root, *separator, "/bin/sh", "-c", "exit 0"]
        tried = subprocess.run(line, capture_output=True, text=True, env=environment)
        if tried.returncode == 0:
            return Runtime(request.param, options)
    pytest.skip(f"{begin[0]} does not work here: {tried.stderr.strip()[-200:]}")


@pytest.fixture
def place():
    """Return a directory that containers do not see by themselves, as they see /tmp."""
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix="containers-") as name:
        (Path(name) / "workflow").mkdir()
        yield Path(name)


@pytest.fixture
def start(runtime, image, place, monkeypatch):
    """Return executors of commands in a container."""
    monkeypatch.delenv("USER", raising=False)
    executors = []

    def start(command, *, binds=(), **fields):
        box = Container(
            image=str(image), runtime=runtime.name, binds=binds, options=tuple(runtime.options)
        )
        known = {"run": "shell", "metric": "loss", "experiment_dir": str(place / "EXP")} | fields
        source = str(place / "workflow")
        objective = Objective(shell=command, source_dir=source, container=box, **known)
        executors.append(build(objective, Seat(0)))
        return executors[-1]

    yield start
    for executor in executors:
        executor.close()


class TestInside:
    def test_a_command_writes_its_result_to_its_directory(self, start, place):
        (place / "workflow/data.txt").write_text("40")
        script = "read n < data.txt; echo $((n + ${x})) > ${task.dir}/out; pwd"
        executor = start(script, result="out")
        assert metrics(evaluate(executor, 3, {"x": 2})) == {"loss": 42.0}
        folder = place / "EXP/runs/RUN000003"
        assert (folder / "out").stat().st_uid == os.getuid()
        assert (folder / "log.txt").read_text().endswith(f"{place / 'workflow'}\n")

    def test_a_directory_inside_the_folder_of_the_workflow_can_be_written(self, start, place):
        experiment = str(place / "workflow/experiments/EXP000")
        executor = start("echo 5 > ${task.dir}/out", result="out", experiment_dir=experiment)
        assert metrics(evaluate(executor, 0, {})) == {"loss": 5.0}

    def test_nothing_else_of_the_host_is_there(self, start, place):
        (place / "secret").touch()
        hidden = f"[ -e {place}/secret ] && exit 1; [ -e /usr/bin/env ] && exit 2"
        executor = start(f"{hidden}; [ -e {place}/workflow ] && echo 1")
        assert metrics(evaluate(executor, 0, {})) == {"loss": 1.0}

    def test_the_folder_of_the_workflow_is_for_reading(self, start, place, runtime):
        if runtime.name == "charliecloud":
            pytest.skip("ch-run has no binds for reading only")
        assert evaluate(start("echo 1; echo 1 > file"), 0, {}).failure.kind == "exited"
        assert list((place / "workflow").iterdir()) == []

    def test_binds_of_the_user_win(self, start, place):
        (place / "mine").mkdir()
        folder = str(place / "workflow")
        executor = start("echo 2 > file; cat file", binds=(Bind(folder, folder),))
        assert metrics(evaluate(executor, 0, {})) == {"loss": 2.0}
        executor = start(
            "echo 3 > /tmp/file; cat /tmp/file", binds=(Bind(f"{place}/mine", "/tmp"),)
        )
        assert metrics(evaluate(executor, 0, {})) == {"loss": 3.0}
        assert (place / "mine/file").exists()

    def test_further_directories_are_bound(self, start, place):
        (place / "data").mkdir()
        (place / "data/n").write_text("7")
        binds = (Bind(str(place / "data"), "/mnt/data"),)
        executor = start("read n < /mnt/data/n; echo $n; echo 8 > /mnt/data/m", binds=binds)
        assert metrics(evaluate(executor, 0, {})) == {"loss": 7.0}
        assert (place / "data/m").read_text() == "8\n"

    def test_variables_of_the_task_get_in_and_those_of_the_host_do_not(self, start, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        monkeypatch.setenv("PYTHONPATH", "/of/the/host")
        script = '[ -z "$PYTHONPATH" ] && echo $((OMP_NUM_THREADS * SUPERVISOR_POINT))'
        assert metrics(evaluate(start(script), 5, {})) == {"loss": 15.0}

    def test_values_arrive_as_they_are(self, start, place):
        text = "a, 'b' \"c\" $HOME `id` \\n"
        script = 'cd ${task.dir}; printf %s ${text} > text; printf %s "$SUPERVISOR_PARAMS" > all'
        assert evaluate(start(f"{script}; echo 1"), 0, {"text": text}).failure is None
        folder = place / "EXP/runs/RUN000000"
        assert (folder / "text").read_text() == text
        assert json.loads((folder / "all").read_text()) == {"text": text}


class TestEnds:
    @pytest.mark.parametrize(
        ("script", "kind", "message"),
        [
            ("exit 7", "exited", "exited with code 7"),
            ("kill -SEGV $$", "signal", "killed by signal 11 (SIGSEGV)"),
            ("no-such-program", "exited", "exited with code 127: the command was not found"),
            ("echo text", "invalid", "no line of the standard output is"),
        ],
    )
    def test_the_way_a_command_ended_is_told(self, start, script, kind, message):
        failure = evaluate(start(f"echo of the container >&2; {script}"), 0, {}).failure
        assert (failure.kind, failure.message[: len(message)]) == (kind, message)
        assert "of the container" in failure.details

    def test_what_it_leaves_in_the_background_is_killed(self, start):
        executor = start("sleep 8125 > /dev/null 2>&1 & echo 1")
        assert metrics(evaluate(executor, 0, {})) == {"loss": 1.0}
        assert sleepers("8125") == []

    def test_a_time_limit_ends_all_that_is_inside(self, start):
        script = "case ${do} in hang) trap '' TERM; sleep 8126 & sleep 8126;; esac; echo 1"
        executor = start(script)
        before = time.monotonic()
        failure = evaluate(executor, 0, {"do": "hang"}, timeout_s=2.0).failure
        assert failure.kind == "timeout"
        assert time.monotonic() - before < 10
        assert sleepers("8126") == []
        assert metrics(evaluate(executor, 1, {"do": "go on"})) == {"loss": 1.0}

    def test_nothing_is_left_when_the_worker_gives_up(self, start):
        executor = start("sleep 8127 & sleep 8127")
        executor.start(task(0, {}))
        end = time.monotonic() + 30
        while not sleepers("8127") and time.monotonic() < end:
            executor.poll()
            time.sleep(0.02)
        assert len(sleepers("8127")) == 2
        executor.close()
        assert sleepers("8127") == []
        assert metrics(evaluate(start("echo 1"), 1, {})) == {"loss": 1.0}


def test_a_step_of_a_pipeline_writes_to_the_folder_of_the_workflow(runtime, image, place):
    folder = place / "workflow"
    (folder / "in").write_text("40\n")
    box = Container(image=str(image), runtime=runtime.name, options=tuple(runtime.options))
    script = "read n < in; echo $((n + 2)) > out; [ -e /usr/bin ] || echo alone"
    assert call_shell(script, str(folder), ["in"], ["out"], box) == "alone"
    assert (folder / "out").read_text() == "42\n"
    with pytest.raises(TaskError, match="exited with code 7"):
        call_shell("exit 7", str(folder), [], [], box)


def sleepers(seconds: str) -> list[psutil.Process]:
    """Return the processes of the host that sleep so long."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if (one.info["cmdline"] or [])[-2:] == ["sleep", seconds]
    ]


def test_a_launcher_starts_a_container_for_each_process(start, runtime, place):
    if find_mpiexec() is None:
        pytest.skip("there is no mpiexec")
    host = socket.gethostname()
    gang = Gang(2, joint=False, number=1, team=(0, 1), hosts=(host, host))
    executor = start("echo here; echo $((${x} + 1))", run="launch")
    result = evaluate(executor, 0, {"x": 1}, gang=gang)
    if runtime.name == "podman":
        assert "podman cannot run the processes of 'run: launch'" in result.failure.message
        return
    assert metrics(result) == {"loss": 2.0}
    assert (place / "EXP/runs/RUN000000/log.txt").read_text().count("here") == 2
