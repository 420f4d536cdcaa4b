"""Files as arguments and results: there before a call starts, and only when it succeeded."""

import os
import pickle
from pathlib import Path

import pytest

import supervisor
from supervisor import AppFailed, File, app, gather, glob, shell
from supervisor.core.errors import InputError, UnknownName
from tests.launching import environment, run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with supervisor.flow():
        yield tmp_path


@app
def read(file):
    return Path(file).read_text()


@app
def join(files, between=""):
    return between.join(one.path.read_text() for one in files["all"])


@app(outputs=["out"])
def make(out, text, *, fail=False):
    Path(out).write_text(text)
    if fail:
        raise ValueError("after it was written")
    return out


@shell(outputs=["out"])
def copy(source, out):
    return ["cp", source, out]


@app(outputs=["out"])
def forget(out):
    return None


@app(outputs=["first", "second"])
def pair(first, second=None):
    for one in (first, second):
        if one is not None:
            Path(one).write_text(str(one.path.suffix))


@app
def remove(file):
    file.path.unlink()


def failure(future):
    with pytest.raises(AppFailed) as caught:
        future.result()
    return str(caught.value)


# --- inputs -----------------------------------------------------------------------------------


def test_a_file_is_its_path_wherever_it_is_opened(folder):
    (folder / "data").write_text("x")
    file = File("data")
    assert read(file).result() == "x"
    assert f"{file}" == str(file.path) == os.fspath(file) == str(folder / "data")
    assert file == File(folder / "data") == File(file)
    assert {file: 1}[File("data")] == 1
    assert repr(file) == "File('data')"
    assert pickle.loads(pickle.dumps(file)) == file


def test_an_input_that_is_missing_is_an_error_before_anything_starts(folder):
    text = (
        r"^read \(test_files.py:\d+\): the input file .*/nothing does not exist, and no call "
        r"makes it \(for an output, give the same File object\)$"
    )
    with pytest.raises(InputError, match=text):
        read(File("nothing"))
    (folder / "data").write_text("x")
    with pytest.raises(InputError, match=r"^join \(test_files"):
        join({"all": [File("data"), File("nothing")]})
    with pytest.raises(InputError, match=r"^File\('nothing'\): the input file"):
        gather([File("nothing")])


def test_items_of_a_map_are_inputs_too(folder):
    for name in "ab":
        (folder / name).write_text(name)
    assert list(read.map([File("a"), File("b")])) == ["a", "b"]
    with pytest.raises(InputError, match=r"the input file .*/nothing does not exist"):
        list(read.map([File("a"), File("nothing")]))


def test_an_input_that_vanishes_is_a_failure_before_the_app_runs(folder):
    (folder / "data").write_text("x")
    gone = remove(File("data"))
    later = join({"all": [File("data")]}, gone)
    told = failure(later)
    assert told.startswith("join (test_files.py:")
    assert f"failed: join: the input file {folder}/data does not exist" in told
    assert "Traceback" not in told


def test_of_a_map_only_the_call_fails_whose_input_vanished(folder):
    for name in "abc":
        (folder / name).write_text(name)

    @app
    def use(item):
        if item[0] == 0:
            (folder / "b").unlink()
        return item[1].path.read_text()

    # Parts are pickled by sixteen calls: these are two parts.
    items = [(number, File("a")) for number in range(16)] + [(16, File("b")), (17, File("c"))]
    values = use.map(items)
    assert [next(values) for _ in range(16)] == ["a"] * 16
    text = rf"a call of use.map failed:\nuse: the input file {folder}/b does not exist"
    with pytest.raises(AppFailed, match=text):
        next(values)


# --- outputs ----------------------------------------------------------------------------------


def test_an_output_is_there_when_its_app_has_succeeded(folder):
    out = File("deep/er/made.txt")
    value = make(out, "text").result()
    assert value == out
    assert (folder / "deep/er/made.txt").read_text() == "text"
    assert [one.name for one in (folder / "deep/er").iterdir()] == ["made.txt"]


def test_outputs_may_be_named_by_text_and_left_out(folder):
    pair("a.npy").result()
    assert (folder / "a.npy").read_text() == ".npy", "the ending is that of the final name"
    pair(Path("b.npy"), second="c.txt").result()
    assert {one.name for one in folder.iterdir()} == {"a.npy", "b.npy", "c.txt"}


def test_after_a_failure_nothing_is_left(folder):
    assert "ValueError: after it was written" in failure(make(File("out"), "text", fail=True))
    assert not list(folder.iterdir())


def test_a_failure_leaves_what_was_there_before(folder):
    (folder / "out").write_text("old")
    failure(make("out", "new", fail=True))
    assert (folder / "out").read_text() == "old"
    make("out", "new").result()
    assert (folder / "out").read_text() == "new"


def test_an_output_that_was_not_made_is_a_failure(folder):
    told = failure(forget(File("out")))
    assert f"failed: forget succeeded, but its output {folder}/out does not exist" in told


def test_an_app_that_crashes_leaves_no_temporaries(folder):
    @app(run="process", outputs=["out"])
    def crash(out):
        Path(out).write_text("half")
        os._exit(3)

    assert "exited with code 3" in failure(crash(File("out")))
    assert not list(folder.iterdir())


def test_a_folder_can_be_an_output(folder):
    @app(outputs=["out"])
    def fill(out):
        out.path.mkdir()
        (out.path / "inside").write_text("x")

    fill(File("made")).result()
    assert (folder / "made/inside").read_text() == "x"


def test_what_is_no_output():
    assert "make: the output 'out' is 3; give a File" in failure(make(3, "text"))
    with pytest.raises(UnknownName, match=r"among the outputs 'oot'\. Did you mean 'out'"):
        app(outputs=["oot"])(lambda out: None)
    with pytest.raises(InputError, match="outputs='out' is one text; give a list of parameters"):
        app(outputs="out")(lambda out: None)


# --- waiting ----------------------------------------------------------------------------------


def test_a_call_that_is_given_an_output_waits_for_it():
    first, second = File("first"), File("second")
    make(first, "text")
    copy(first, second)
    assert join({"all": [second, first]}).result() == "texttext"


def test_a_failure_travels_with_the_file():
    out = File("out")
    make(out, "text", fail=True)
    told = failure(read(out))
    assert "ValueError: after it was written" in told
    assert "read (test_files.py" in told


def test_two_calls_cannot_make_one_file():
    out = File("out")
    make(out, "text").result()
    with pytest.raises(InputError, match=r"File\('out'\) is made by another call; two cannot"):
        make(out, "text")


def test_a_file_that_is_not_there_yet_cannot_be_an_item_of_a_map():
    out = File("out")
    made = make(out, "text")
    with pytest.raises(TypeError, match=r"File\('out'\) is not there yet; give it to an app"):
        list(read.map([out]))
    made.result()
    assert list(read.map([out])) == ["text"]


def test_outputs_can_be_items_of_a_map(folder):
    @app(outputs=["out"])
    def touch(out):
        out.path.touch()

    assert touch.foreach([File("a"), File("b")]) == 2
    assert {one.name for one in folder.iterdir()} == {"a", "b"}


@app
def pipeline(text):
    out = File("inner")
    make(out, text)
    return read(out)


@app
def maker(name):
    out = File(name)
    make(out, "text")
    return {"it is": out}


def test_apps_make_and_wait_for_files_too():
    assert pipeline("nested").result() == "nested"
    assert pipeline.using(run="process")("nested").result() == "nested"
    value = maker("made")
    assert value.result() == {"it is": File("made")}
    assert value.result()["it is"].path.read_text() == "text"


def test_a_glob_is_sorted_and_may_be_empty(folder):
    for name in ("b.csv", "a.csv", "sub/c.csv", "d.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "e.csv").mkdir()
    assert glob("*.csv") == [File("a.csv"), File("b.csv")]
    assert glob("**/*.csv") == [File("a.csv"), File("b.csv"), File("sub/c.csv")]
    assert glob(f"{folder}/*.txt") == [File("d.txt")]
    assert glob("*.nothing") == []


SCRIPT = """
from pathlib import Path
from supervisor import File, app

@app(outputs=["out"])
def make(out, number):
    Path(out).write_text(str(number))

@app(run="process", outputs=["out"])
def add(files, out):
    Path(out).write_text(str(sum(int(one.path.read_text()) for one in files)))

def main(depth: int = 5):
    row = [File(f"made/{i}") for i in range(2 ** depth)]
    for i, file in enumerate(row):
        make(file, i)
    level = 0
    while len(row) > 1:
        level += 1
        above = [File(f"made/{level}-{i}") for i in range(len(row) // 2)]
        for i, file in enumerate(above):
            add(row[2 * i : 2 * i + 2], file)
        row = above
    row[0].made_by.result()
    print("sum", row[0].path.read_text())
"""


def test_on_four_ranks_files_carry_the_dataflow(tmp_path):
    mpi = environment("mpich")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "script.py"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sum 496" in done.stdout
    assert len(list((tmp_path / "made").iterdir())) == 63


def test_on_four_ranks_a_missing_input_ends_main(tmp_path):
    mpi = environment("mpich")
    text = "from supervisor import File, app\n\n@app\ndef f(x): return x\n\n"
    (tmp_path / "script.py").write_text(f"{text}def main():\n    f(File('nothing'))\n")
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "script.py"], tmp_path)
    assert done.returncode != 0
    assert f"f (script.py:7): the input file {tmp_path}/nothing does not exist" in done.stderr
