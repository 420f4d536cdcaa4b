"""Python workflows under real launchers: what they do, and how they end."""

import re
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.launching import REPOSITORY, environment, finish, run, start

SCRIPTS = Path(__file__).with_name("scripts")
BEHAVIOURS = SCRIPTS / "flow_behaviours.py"
DATA = SCRIPTS / "data_behaviours.py"
ENDINGS = SCRIPTS / "flow_endings.py"


@pytest.fixture
def ending(mpich, tmp_path):
    """Return a function that runs one of the endings on 4 ranks."""

    def run_it(what, *options, ranks=4):
        command = [*mpich.mpiexec(ranks), *mpich.supervisor, "run", str(ENDINGS)]
        return run([*command, "--what", what, *options], tmp_path)

    return run_it


@pytest.mark.parametrize(("ranks", "servers"), [(4, 1), (8, 2)])
@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_workflows_do_what_users_of_swift_rely_on(name, ranks, servers, tmp_path):
    mpi = environment(name)
    command = [*mpi.mpiexec(ranks), *mpi.supervisor, "run", str(BEHAVIOURS)]
    done = run([*command, "--servers", str(servers)], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") >= 20


@pytest.mark.parametrize(("ranks", "servers"), [(4, 1), (8, 2)])
@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_arrays_counters_files_and_memo_do_what_they_rely_on(name, ranks, servers, tmp_path):
    mpi = environment(name)
    script = shutil.copy(DATA, tmp_path)  # results are kept beside it
    command = [*mpi.mpiexec(ranks), *mpi.supervisor, "run", script]
    done = run([*command, "--servers", str(servers)], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 10


@pytest.mark.parametrize("servers", ["1", "2"])
def test_what_depends_on_itself_is_reported_by_its_name(ending, servers):
    done = ending("an_array_waits_for_itself", "--servers", servers, ranks=5)
    assert done.returncode == 1
    assert "it waits for a member of an array that nobody writes" in done.stderr
    assert "x[0]" in done.stderr


def test_a_second_write_fails_the_run_and_names_the_member(ending):
    done = ending("a_member_is_written_twice")
    assert done.returncode == 1
    assert "x['k'] was written already" in done.stderr


def test_the_layout_is_printed_unless_it_is_to_be_quiet(ending):
    done = ending("nothing_fails", "--n", "10")
    assert (done.returncode, done.stderr) == (0, "")
    layout, line = done.stdout.splitlines()
    assert layout.startswith("4 ranks on ")
    assert line == "sum 45"
    assert ending("nothing_fails", "--n=10", "--quiet").stdout == "sum 45\n"


def test_a_trace_tells_when_calls_begin_and_how_they_end(ending):
    done = ending("a_chain_fails", "--trace", "--quiet")
    assert done.returncode == 1
    lines = [re.sub(r"^ +\d+\.\d{3}  |:\d+\)", "", one) for one in done.stdout.splitlines()]
    assert lines[:4] == ["fail (flow_endings.py called", *["add (flow_endings.py called"] * 3]
    assert sorted(lines[4:]) == [
        *["add (flow_endings.py failed: fail (flow_endings.py failed: ValueError: the root"] * 3,
        "fail (flow_endings.py failed: ValueError: the root",
    ]
    done = ending("a_kind_has_workers", "--workers", "gpu=1", "--trace")
    assert len(re.findall(r"where \(.*\) finished on rank 2 in \d\.\d{3} s", done.stdout)) == 20
    done = ending("calls_of_calls", "--trace")
    assert re.search(r"outer \(.*\) ran on rank [12] and waits for calls of its own", done.stdout)
    assert re.search(r"outer \(.*\) has its value\n", done.stdout)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_few_ranks_are_enough(ending, ranks):
    done = ending("nothing_fails", "--n", "10", ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("sum 45\n")


def test_run_starts_mpiexec_itself(mpich, tmp_path):
    command = [*mpich.supervisor, "run", "-n", "4", str(ENDINGS), "--what", "nothing_fails"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 ranks on ")
    assert done.stdout.endswith("sum 3\n")


def test_large_workflows_are_right_and_take_little_memory_on_rank_0(mpich, tmp_path):
    script = REPOSITORY / "benchmarks" / "performance" / "flows.py"
    done = run([*mpich.mpiexec(4), *mpich.supervisor, "run", str(script), "--quiet"], tmp_path)
    assert done.returncode == 0, done.stderr
    grown = [int(one) for one in re.findall(r"rank 0 grew by (\d+) MiB", done.stdout)]
    assert len(grown) == 4
    assert max(grown) < 100


def test_calls_are_made_even_if_nobody_keeps_their_futures(ending, tmp_path):
    done = ending("futures_are_dropped", "--n", "20")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("left-*"))) == 20


def test_a_main_that_raises_shows_its_own_traceback(ending):
    done = ending("main_raises")
    assert done.returncode == 1
    assert 'flow_endings.py", line ' in done.stderr
    assert "in main_raises" in done.stderr
    assert done.stderr.endswith("RuntimeError: main itself is wrong\n")
    assert "supervisor/cli" not in done.stderr
    assert "rank 0 failed" not in done.stderr


def test_a_failure_shows_app_cause_and_dependents(ending):
    done = ending("a_chain_fails")
    assert done.returncode == 1
    assert "fail (flow_endings.py:" in done.stderr
    assert "ValueError: the root" in done.stderr
    assert "in fail" in done.stderr, "the traceback of the worker"
    assert done.stderr.count("needed by add (flow_endings.py:") == 3
    assert "in a_chain_fails" in done.stderr, "who asked for it"


def test_failures_that_nobody_asked_for_are_shown_and_fail_the_run(ending):
    done = ending("failures_are_unheard", "--n", "7")
    assert done.returncode == 1
    assert "main is through" in done.stdout
    assert "whose values nobody asked for" in done.stderr
    assert "ValueError: number " in done.stderr
    assert "and 3 more" in done.stderr  # 7 and the one that is needed; 5 are shown


def test_failures_that_somebody_heard_of_do_not_fail_the_run(ending):
    done = ending("failures_are_heard", "--n", "7")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("heard 7\n")


@pytest.mark.parametrize("what", ["a_kind_is_missing", "a_kind_is_missing_on_a_worker"])
def test_a_kind_without_workers_is_refused_with_its_name_and_the_setting(ending, what):
    done = ending(what, "--workers", "gpu=1")
    assert done.returncode != 0
    assert "kind 'gpo'" in done.stderr
    assert "--workers gpo=N" in done.stderr
    assert "Did you mean 'gpu'?" in done.stderr or "Known: work, gpu" in done.stderr


def test_a_kind_runs_on_its_own_workers(ending):
    done = ending("a_kind_has_workers", "--workers", "gpu=1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("ranks {'2'}\n")


def test_an_app_cannot_wait(ending):
    done = ending("apps_wait")
    assert done.returncode == 0, done.stderr
    for app in ("waits", "maps", "waits_for_some"):
        assert f"{app} (flow_endings.py:" in done.stdout
    assert "add.map waits for values, which only main() can do" in done.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--waht", "x"], ["'--waht'", "Did you mean '--what'?", "Those of main: --n, --what"]),
        (["--what=x", "--sevrers", "2"], ["'--sevrers'", "Did you mean '--servers'?"]),
        (["--what"], ["--what needs a value"]),
        (["--what", "nothing_fails", "--n", "ten"], ["--n", "'ten'", "int"]),
        (["stray"], ["'stray'", "--what"]),
        ([], ["needs --what"]),
    ],
)
def test_bad_options_are_refused_before_anything_runs(mpich, tmp_path, options, told):
    command = [*mpich.supervisor, "run", str(ENDINGS), *options]
    done = run(command, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in told), done.stderr
    assert "Traceback" not in done.stderr


def test_an_import_that_fails_is_told_by_the_lines_of_the_user_alone(mpich, tmp_path):
    (tmp_path / "script.py").write_text("import inner\n")
    (tmp_path / "inner.py").write_text(
        "try:\n    import innermost\nexcept ValueError as error:\n"
        "    raise KeyError('outer') from error\n"
    )
    (tmp_path / "innermost.py").write_text("raise ValueError('no good')\n")
    (tmp_path / "typo.py").write_text("def main(:\n    pass\n")
    done = run([*mpich.supervisor, "run", "script.py"], tmp_path)
    assert done.returncode == 2
    lines = re.findall(r'File "(.*)", line (\d+)', done.stderr)
    shown = [(Path(file).name, int(line)) for file, line in lines]
    assert shown == [("inner.py", 2), ("innermost.py", 1), ("script.py", 1), ("inner.py", 4)]
    assert done.stderr.startswith("supervisor: script.py: cannot be imported: Traceback")
    assert done.stderr.endswith("KeyError: 'outer'\n")
    done = run([*mpich.supervisor, "run", "typo.py"], tmp_path)
    assert "Traceback" not in done.stderr and 'typo.py", line 1' in done.stderr
    assert done.stderr.endswith("SyntaxError: invalid syntax\n")


def test_scripts_that_cannot_be_run_are_refused(mpich, tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "not-a-name.py").write_text("def main(): pass\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "json.py").write_text("def main(): pass\n")
    for name, told in (
        ("missing.py", "there is no such file"),
        ("broken.py", "No module named 'no_such_module'"),
        ("empty.py", "has no function main()"),
        ("not-a-name.py", "its name must be that of a module"),
        ("elsewhere/json.py", "another module 'json' hides it"),
    ):
        done = run([*mpich.supervisor, "run", name], tmp_path)
        assert done.returncode == 2, name
        assert f"{name}: " in done.stderr
        assert told in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["mpich", "openmpi"])
def test_a_signal_ends_a_workflow_and_leaves_no_process(name, number, tmp_path):
    done, _ = interrupted(environment(name), number, "calls_are_made_for_ever", tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_signal_ends_what_apps_have_put(mpich, tmp_path):
    done, seconds = interrupted(mpich, signal.SIGTERM, "apps_have_made_many_calls", tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert seconds < 2


def interrupted(mpi, number, what, folder):
    """Send a signal to a workflow that has begun; return how it ended, and after what time."""
    process = start([*mpi.supervisor, "run", "-n", "4", str(ENDINGS), "--what", what], folder)
    assert process.stdout is not None
    while "begun" not in process.stdout.readline():
        assert process.poll() is None
    family = psutil.Process(process.pid).children(recursive=True)
    time.sleep(0.3)
    process.send_signal(number)
    began = time.monotonic()
    done = finish(process, limit_s=30)
    seconds = time.monotonic() - began
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    return done, seconds
