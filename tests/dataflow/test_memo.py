"""Results that survive runs."""

import pickle
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import supervisor
from supervisor import AppFailed, File, app, shell
from supervisor.dataflow.memo import canonical
from tests.launching import environment, run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def note(what="x"):
    with Path("log").open("a") as file:
        file.write(f"{what}\n")


def runs():
    return len(Path("log").read_text().split()) if Path("log").exists() else 0


@app(memo=True)
def square(x, offset=0):
    note()
    return x * x + offset


@app(memo=True)
def measure(files, *, unit=1):
    note()
    return sum(len(one.path.read_text()) for one in files) * unit


@app(memo=True, outputs=["out"])
def make(out, text):
    note()
    Path(out).write_text(text)
    return "made"


@shell(memo=True)
def sort(file, *, stdout):
    return f"echo x >> log; sort {file}"


@app(memo=True, run="process")
def isolated(x):
    note()
    return {"x": x}


def again(call):
    """Return the value of a call in a run of its own."""
    with supervisor.flow():
        return call().result()


def stored():
    return sorted(Path(".supervisor-memo").rglob("*/*/*"))


def test_320_calls_run_320_times_and_then_none(capfd):
    for _ in range(3):
        with supervisor.flow():
            assert list(square.map(range(300))) == [x * x for x in range(300)]
            assert [one.result() for one in [square(x) for x in range(300, 320)]][-1] == 319**2
        assert runs() == 320
    assert len(stored()) == 320
    assert capfd.readouterr().err == ""


def test_arguments_count_and_not_how_they_are_given():
    assert [again(lambda: square(3)), again(lambda: square(3, 0))] == [9, 9]
    assert again(lambda: square(x=3, offset=0)) == 9
    assert runs() == 1
    assert again(lambda: square(3, offset=1)) == 10
    assert again(lambda: square(3.0)) == 9
    assert runs() == 3


def test_futures_count_as_their_values():
    assert again(lambda: square(square(2))) == 16
    assert runs() == 2
    assert again(lambda: square(4)) == 16
    assert runs() == 2


def test_files_count_by_their_content(folder):
    (folder / "a").write_text("one")
    assert again(lambda: measure([File("a")])) == 3
    (folder / "b").write_text("one")
    assert again(lambda: measure([File("b")])) == 3
    assert runs() == 1
    (folder / "a").write_text("three")
    assert again(lambda: measure([File("a")])) == 5
    assert runs() == 2


def test_isolated_calls_are_kept_too():
    assert again(lambda: isolated(1)) == again(lambda: isolated(1)) == {"x": 1}
    assert runs() == 1


def test_outputs_must_be_as_the_call_left_them(folder):
    def call():
        return make(File("out"), "text")

    assert again(call) == again(call) == "made"
    assert runs() == 1
    (folder / "out").write_text("changed")
    again(call)
    assert ((folder / "out").read_text(), runs()) == ("text", 2)
    (folder / "out").unlink()
    again(call)
    assert ((folder / "out").read_text(), runs()) == ("text", 3)
    again(lambda: make(File("other"), "text"))
    assert runs() == 4


def test_commands_are_kept_with_their_files(folder):
    (folder / "in").write_text("b\na\n")
    for _ in range(2):
        made = again(lambda: sort(File("in"), stdout="out"))
        assert made.path.read_text() == "a\nb\n"
    assert runs() == 1
    made.path.unlink()
    again(lambda: sort(File("in"), stdout="out"))
    assert runs() == 2


def test_code_counts_but_not_its_comments(folder):
    def version(body):
        path = folder / "version.py"
        path.write_text(f"def f(x):\n{body}\n")
        space = {"__name__": "version"}
        exec(compile(path.read_text(), str(path), "exec"), space)
        return app(memo=True)(space["f"])

    import linecache

    values = []
    for body in ("    return x + 1", "    # more\n    return (x  + 1)", "    return x + 2"):
        linecache.clearcache()
        chosen = version(body)
        values.append(again(lambda chosen=chosen: chosen(1)))
    assert values == [2, 2, 3]
    assert len(stored()) == 2


def test_what_a_function_closes_over_counts():
    def times(factor):
        @app(memo=True)
        def f(x):
            note()
            return x * factor

        return f

    assert [again(lambda: times(2)(5)), again(lambda: times(3)(5))] == [10, 15]
    assert again(lambda: times(2)(5)) == 10
    assert runs() == 2


def test_a_folder_can_be_chosen(folder):
    @app(memo="kept/here")
    def f(x):
        return x

    again(lambda: f(1))
    assert len(list((folder / "kept/here/f").rglob("*/*"))) == 1


def test_failures_are_not_kept():
    @app(memo=True)
    def fails(x):
        note()
        raise ValueError("no luck")

    for times in (1, 2):
        with pytest.raises(AppFailed, match="no luck"):
            again(lambda: fails(1))
        assert runs() == times


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:60] + b"?" + data[61:],
        lambda data: b"nonsense",
    ],
)
def test_a_corrupt_entry_is_made_anew_with_a_note(damage, capfd):
    again(lambda: square(3))
    [path] = stored()
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert again(lambda: square(3)) == 9
    assert (runs(), path.read_bytes()) == (2, good)
    text = f"supervisor: {path.absolute()}, a result of square, is made anew: it is not as it was"
    assert text in capfd.readouterr().err
    assert again(lambda: square(3)) == 9
    assert runs() == 2


def test_an_entry_whose_class_is_gone_is_made_anew(capfd):
    @app(memo=True)
    def f(x):
        note()
        return Path(x)

    again(lambda: f("a"))
    [path] = stored()
    from supervisor.dataflow import memo

    body = pickle.dumps(((), b"cno_such_module\nThing\n."), protocol=5)
    path.write_bytes(memo.MAGIC + memo.hashlib.sha256(body).digest() + body)
    assert again(lambda: f("a")) == Path("a")
    assert "ModuleNotFoundError" in capfd.readouterr().err


def test_a_result_that_finds_no_place_is_a_result_all_the_same(folder, capfd):
    (folder / ".supervisor-memo").write_text("in the way")
    assert again(lambda: square(3)) == 9
    assert "supervisor: a result of square is not kept: " in capfd.readouterr().err


def test_folders_count_by_all_that_is_in_them(folder):
    @app(memo=True)
    def size(where):
        note()
        return sum(one.stat().st_size for one in where.path.rglob("*") if one.is_file())

    (folder / "d/e").mkdir(parents=True)
    (folder / "d/e/in").write_text("x")
    assert again(lambda: size(File("d"))) == again(lambda: size(File("d"))) == 1
    assert runs() == 1
    (folder / "d/more").write_text("xy")
    assert again(lambda: size(File("d"))) == 3


def test_what_cannot_be_kept_is_an_error_that_names_the_app():
    @app(memo=True)
    def locks(x):
        return threading.Lock()

    @app(memo=True)
    def forwards(x):
        return square(x)

    with pytest.raises(AppFailed, match="locks: memo keeps pickles of results, and this one has"):
        again(lambda: locks(1))
    with pytest.raises(AppFailed, match="forwards: memo keeps values, and it returned a future"):
        again(lambda: forwards(1))
    with pytest.raises(AppFailed, match="square: memo compares calls by their pickles, and an ar"):
        again(lambda: square(Odd(3)))


class Odd(int):
    """A number that can be an argument, and has no pickle from the second time on."""

    def __reduce__(self):
        if hasattr(self, "sent"):
            raise TypeError("once is enough")
        return sent, (int(self),)


def sent(number):
    odd = Odd(number)
    odd.sent = True
    return odd


def values(floats):
    """Return a strategy of values at any depth, whose numbers are drawn from ``floats``."""
    plain = st.none() | st.booleans() | st.integers() | floats | st.text() | st.binary()
    hashable = plain | st.tuples(plain, plain)
    return st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(), inner, max_size=4)
            | st.frozensets(hashable, max_size=4)
            | st.sets(hashable, max_size=4)
            | st.tuples(inner, inner)
        ),
        max_leaves=12,
    )


anything = values(st.floats())
equal_to_itself = values(st.floats(allow_nan=False))  # with NaN, equal sets compare as different


@given(anything)
def test_the_same_value_has_the_same_key_wherever_it_comes_from(value):
    copied = pickle.loads(pickle.dumps(value))
    assert canonical(copied) == canonical(value)
    assert canonical([value, value]) == canonical([value, copied])
    assert canonical(pickle.loads(pickle.dumps([value, value]))) == canonical([value, copied])


@given(equal_to_itself, equal_to_itself)
def test_different_values_have_different_keys(one, other):
    if repr(one) != repr(other) and one != other:
        assert canonical(one) != canonical(other)


def test_a_value_that_contains_itself_has_a_key():
    value = [1]
    value.append(value)
    assert canonical(value) == canonical(pickle.loads(pickle.dumps(value)))


SCRIPT = """
from pathlib import Path
from supervisor import app

@app(memo=True)
def f(x):
    with open("log", "a") as file:
        file.write("x\\n")
    return x + 1

def main():
    print("sum", sum(f.map(range(160))) + sum(one.result() for one in map(f, range(160, 320))))
"""


def test_on_four_ranks_320_calls_run_320_times_and_then_none(tmp_path):
    mpi = environment("mpich")
    (tmp_path / "script.py").write_text(SCRIPT)
    for _ in range(2):
        done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "script.py"], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"sum {sum(range(1, 321))}" in done.stdout
        assert len((tmp_path / "log").read_text().split()) == 320
