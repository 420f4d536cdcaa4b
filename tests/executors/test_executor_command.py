"""Running one command: streams, exit codes, and what it leaves behind."""

import os
import time

import psutil
import pytest

from supervisor.executors.command import Pipe, check, run_command
from supervisor.executors.failures import TaskError


@pytest.fixture
def pipe():
    with Pipe(None, most=1000) as pipe:
        yield pipe


def bash(script, **streams):
    return run_command(["/bin/bash", "-c", script], **streams)


def test_the_end_of_a_stream_is_kept_and_all_of_it_counted(pipe):
    assert bash("head -c 5000 /dev/zero; echo end", stdout=pipe) == 0
    assert pipe.size == 5004
    assert len(pipe.kept) == 1000
    assert pipe.text().endswith("end\n")


def test_a_stream_can_be_passed_on(tmp_path):
    with (tmp_path / "copy").open("wb") as copy, Pipe(copy.fileno(), most=0) as pipe:
        assert bash("echo one; echo two >&2; exit 7", stdout=pipe, stderr=pipe.sink) == 7
    assert (tmp_path / "copy").read_text() == "one\ntwo\n"


def test_a_command_that_closes_its_streams_runs_on(pipe, tmp_path):
    assert bash(f"exec >&- 2>&-; sleep 0.2; echo x > {tmp_path}/late", stdout=pipe) == 0
    assert (tmp_path / "late").exists()


def test_background_processes_are_killed_and_do_not_hold_it_up(pipe, tmp_path):
    before = time.monotonic()
    assert bash(f"echo begun; sleep 50 & echo $! > {tmp_path}/pid", stdout=pipe) == 0
    assert time.monotonic() - before < 10
    assert pipe.text() == "begun\n"
    pid = int((tmp_path / "pid").read_text())
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def test_one_that_leaves_the_group_and_floods_does_not_hold_it_up(pipe, tmp_path):
    script = f"setsid bash -c 'echo $$ > {tmp_path}/pid; exec yes' & sleep 0.3"
    assert bash(script, stdout=pipe) == 0
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_a_program_that_is_not_there_raises():
    with pytest.raises(FileNotFoundError):
        run_command(["/no/such/program"])


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (3, "exited", "exited with code 3"),
        (127, "exited", "exited with code 127: the command was not found"),
        (-11, "signal", "killed by signal 11 (SIGSEGV)"),
        (128 + 15, "signal", "killed by signal 15 (SIGTERM)"),
    ],
)
def test_exit_codes_in_words(code, kind, text):
    with pytest.raises(TaskError) as caught:
        check(code)
    assert (caught.value.failure.kind, caught.value.failure.message) == (kind, text)
    with pytest.raises(TaskError, match=r"^'wc x' (was )?" + text.split("(")[0]):
        check(code, "'wc x'")
    check(0)
