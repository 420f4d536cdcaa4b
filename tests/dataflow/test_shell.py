"""Apps that are commands."""

import shutil
from pathlib import Path

import pytest

import supervisor
from supervisor import AppFailed, File, shell
from supervisor.core.errors import InputError
from tests.launching import environment, run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with supervisor.flow():
        yield tmp_path


@shell
def plain(*words):
    return list(words)


@shell
def bash(script):
    return script


@shell(result="stdout")
def text(*words):
    return list(words)


@shell
def count(file, *, stdout="count.txt"):
    return ["wc", "-l", file]


@shell
def streams(*, stdin=None, stdout=None, stderr=None):
    return "cat; echo problem >&2"


def failure(future):
    with pytest.raises(AppFailed) as caught:
        future.result()
    return str(caught.value)


def test_the_value_is_the_exit_code():
    assert plain("true").result() == 0


def test_the_value_is_the_file_of_the_output(folder):
    (folder / "data").write_text("1\n2\n3\n")
    made = count(File("data")).result()
    assert isinstance(made, File)
    assert made == File("count.txt")
    assert made.path.read_text() == f"3 {folder}/data\n"


def test_the_value_is_the_text_of_the_output():
    assert text("echo", "grüße", 1, 2.5, Path("p")).result() == "grüße 1 2.5 p\n"


def test_a_text_is_for_bash_which_stops_at_the_first_failure():
    assert bash("echo a | grep -q a; [[ 1 == 1 ]]").result() == 0
    assert "exited with code 1" in failure(bash("false; true"))
    assert "exited with code 1" in failure(bash("false | true"))
    assert "UNSET: unbound variable" in failure(bash("echo $UNSET"))


def test_streams_are_files(folder):
    (folder / "in").write_text("hello\n")
    made = streams(stdin="in", stdout=File("out"), stderr="sub/err").result()
    assert made.path.read_text() == "hello\n"
    assert (folder / "sub/err").read_text() == "problem\n"


def test_output_and_errors_can_go_to_one_file(folder):
    (folder / "in").write_text("hello\n")
    streams(stdin=File("in"), stdout="all", stderr="all").result()
    assert (folder / "all").read_text() == "hello\nproblem\n"


def test_a_failure_names_the_command_its_exit_code_and_its_errors(folder):
    told = failure(bash("echo so much; echo 'no such thing' >&2; exit 3"))
    assert told.startswith("bash (test_shell.py:")
    command = "'echo so much; echo 'no such thing' >&2; exit 3'"
    assert f"failed: bash: {command} exited with code 3\n" in told
    assert "The end of its standard error:\nno such thing" in told
    assert "so much" in told
    told = failure(count.using(priority=1)("--nonsense"))
    assert "count: 'wc -l --nonsense' exited with code 1" in told
    assert "unrecognized option" in told
    assert not list(folder.iterdir()), "nothing half-written is left"


def test_errors_that_go_to_a_file_are_told_too(folder):
    @shell
    def fails(*, stderr):
        return "echo told >&2; exit 1"

    assert "The end of its standard error:\ntold" in failure(fails(stderr="err"))
    assert not (folder / "err").exists()


def test_a_command_that_is_killed(folder):
    assert "bash: 'kill -SEGV $$' was killed by signal 11 (SIGSEGV)" in failure(
        bash("kill -SEGV $$")
    )


def test_a_program_that_is_not_there_or_no_program(folder):
    assert "plain: the command 'wcx' was not found" in failure(plain("wcx", "-l"))
    assert "exited with code 127: the command was not found" in failure(bash("wcx -l"))
    (folder / "data").write_text("")
    told = failure(plain(folder / "data"))
    assert f"plain: the command '{folder}/data' cannot be executed: Permission denied" in told


def test_exit_codes_can_be_accepted():
    @shell(accept=(0, 1))
    def grep(word):
        return f"echo text | grep {word}"

    assert [grep("text").result(), grep("nothing").result()] == [0, 1]
    assert "exited with code 2" in failure(grep("'['"))

    @shell(accept=[1])
    def never(code):
        return f"exit {code}"

    assert never(1).result() == 1
    assert "exited with code 0, which it does not accept" in failure(never(0))


def test_a_function_that_returns_no_command():
    @shell
    def wrong(value):
        return value

    give = "give a list of arguments, or one text for bash"
    assert f"wrong: returned None; {give}" in failure(wrong(None))
    assert f"wrong: returned []; {give}" in failure(wrong([]))
    assert f"wrong: returned 3; {give}" in failure(wrong(3))
    told = failure(wrong(["ls", None]))
    assert "wrong: argument 1 of the command is None; give a text or a number" in told


def test_a_file_to_be_read_that_is_not_there(folder):
    told = failure(streams(stdin="nothing"))
    assert f"streams: the input file {folder}/nothing does not exist" in told
    assert "Traceback" not in told


def test_it_is_decorated_wrongly():
    def command(*, stdout=None):
        return ["ls"]

    with pytest.raises(InputError, match="@shell of command: result='text' is wrong here"):
        shell(result="text")(command)
    with pytest.raises(InputError, match="and its parameter stdout a file; choose one"):
        shell(result="stdout")(command)
    with pytest.raises(InputError, match="@shell of command: accept=1 is no list of exit codes"):
        shell(accept=1)(command)
    text = "@shell of command: a command runs in a process of its own; add run='process'"
    with pytest.raises(InputError, match=text):
        shell(run="inline")(command)
    with pytest.raises(InputError, match="dir='public' is wrong here: give 'private'"):
        shell(dir="public")(command)


def test_commands_run_in_the_folder_of_the_script(folder):
    assert text("pwd").result() == f"{folder}\n"


@shell(result="stdout", dir="private")
def privately(script):
    return script


def test_a_private_directory_is_fresh_and_is_removed(folder):
    first = privately("pwd; ls -A; touch made").result()
    assert first.startswith(f"{folder}/.supervisor-tasks/privately-")
    assert privately("ls -A; touch made").result() == ""
    assert not list(folder.iterdir())


def test_a_private_directory_is_kept_and_named_after_a_failure(folder):
    told = failure(privately("echo precious > made; exit 1"))
    [kept] = (folder / ".supervisor-tasks").iterdir()
    assert f"Its directory is kept: {kept}" in told
    assert (kept / "made").read_text() == "precious\n"


def test_a_private_directory_is_kept_if_the_command_hangs(folder):
    told = failure(privately.using(timeout_s=3)("touch made; sleep 60"))
    [kept] = (folder / ".supervisor-tasks").iterdir()
    assert f"Its directory is kept: {kept}" in told


def test_a_time_limit_kills_the_command_and_leaves_nothing_half_written(folder):
    @shell(timeout_s=0.7)
    def hang(*, stdout):
        return "echo begun; sleep 321 & sleep 321"

    assert "reached its time limit of 0.7 s and was killed" in failure(hang(stdout="out"))
    assert not list(folder.iterdir())


def test_a_text_that_is_too_long(monkeypatch):
    @shell(result="stdout")
    def flood():
        return "head -c 65000000 /dev/zero"

    told = failure(flood())
    assert "flood wrote more than 64 MB of standard output; give it a parameter stdout" in told


def test_commands_do_not_see_the_launcher(monkeypatch):
    monkeypatch.setenv("PMI_RANK", "3")
    assert text("bash", "-c", "echo ${PMI_RANK-none}").result() == "none\n"


SCRIPT = """
from supervisor import File, glob, shell

@shell
def split(file, *, stdout): return ["sort", file]

@shell(attempts=3)
def flaky(name):
    return f"echo x >> {name}; test $(wc -l < {name}) -ge 3"

@shell(result="stdout")
def total(files): return ["cat", *files]

def main():
    made = []
    for file in glob("*.txt"):
        out = File(file.name + ".sorted")
        split(file, stdout=out)
        made.append(out)
    print("total", total(made).result().split())
    print("flaky", flaky("tries").result())
"""


@pytest.mark.skipif(shutil.which("sort") is None, reason="needs sort")
def test_on_four_ranks_commands_wait_for_files_and_are_tried_again(tmp_path):
    mpi = environment("mpich")
    script = tmp_path / "elsewhere"
    script.mkdir()
    (script / "script.py").write_text(SCRIPT)
    for number in range(4):
        (script / f"{number}.txt").write_text(f"b{number}\na{number}\n")
    command = [*mpi.mpiexec(4), *mpi.supervisor, "run", "elsewhere/script.py"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    words = [f"{letter}{number}" for number in range(4) for letter in "ab"]
    assert f"total {words}" in done.stdout
    assert "flaky 0" in done.stdout
    assert (script / "tries").read_text() == "x\n" * 3
    left = {one.name for one in script.iterdir()} - {"__pycache__", "script.py", "tries"}
    assert left == {f"{i}.txt{end}" for i in range(4) for end in ("", ".sorted")}
