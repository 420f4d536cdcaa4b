"""What users of Swift rely on of arrays, counters, files and memo; run by test_scripts.py."""

import tempfile
import time
from collections import Counter as Multiset
from pathlib import Path

from supervisor import App, Array, Counter, File, app, glob, repeat, shell


@app
def increase(x):
    return x + 1


@app
def add(*numbers):
    return sum(numbers)


@app
def fill(array, keys):
    for key in keys:
        array[key] = increase(key)


@app
def fold(counter, what, number):
    getattr(counter, what)(number)


@app
def fold_many(counter, number):
    for _ in range(number):
        fold(counter, "increase", 1)


@app(memo=True)
def f(x, calls):
    note(calls, "f")
    return x + 1


@app(memo=True)
def g(x, calls):
    note(calls, "g")
    return 2 * x


@app(memo=True)
def h(x, calls):
    note(calls, "h")
    return x - 1


def note(calls, word):
    (Path(calls) / f"{word}{time.monotonic_ns()}").touch()


@shell
def count(file, *, stdout):
    return ["wc", "-l", file]


@shell
def missing():
    return ["no-such-program-anywhere", "x"]


@app(outputs=["out"])
def write(lines, out):
    out.path.write_text("line\n" * lines)


def arrays_are_sparse_and_fill_in_any_order():
    array = Array("A")
    total = add(array[0], array[6])
    fill(array, [6, 5])
    fill(array, [1, 0])
    array.close()
    assert array.all().result() == {0: 1, 1: 2, 5: 6, 6: 7}
    assert total.result() == 8


def maps_are_nested_and_keyed_by_text():
    array = Array("B")
    array["hello world"], array["goodbye"] = 1, increase(1)
    array["one"][1][1.0] = 1
    array.close()
    assert array.all().result() == {"hello world": 1, "goodbye": 2, "one": {1: {1.0: 1}}}


def a_wavefront_reaches_its_corner_through_an_array():
    for size, corner in ((4, 66), (5, 360), (7, 10836)):
        cells = Array("A")
        for i in reversed(range(size)):
            for j in reversed(range(size)):
                if i and j:
                    cells[i][j] = add(cells[i][j - 1], cells[i - 1][j], cells[i - 1][j - 1])
                else:
                    cells[i][j] = i + j
        assert cells[size - 1][size - 1].result() == corner


def a_second_write_names_the_member_and_waiting_in_vain_the_call():
    array = Array("x")
    array["k"] = 1
    never = increase(array["other"])
    array.close()
    text = str(never.exception())
    assert text.startswith("x['other'] was never written: ")
    assert "needed by increase (data_behaviours.py:" in text


def updateables_fold_what_they_are_given():
    smallest, total, product = Counter(100), Counter(1), Counter(200)
    fold(smallest, "minimum", 125)
    for number in (1, 200, -10):
        fold(total, "increase", number)
    fold(product, "scale", 0.5)
    for one in (smallest, total, product):
        one.close()
    assert [one.value().result() for one in (smallest, total, product)] == [100, 192, 100]


def a_hundred_increments_at_once_make_a_hundred():
    counter = Counter()
    for _ in range(10):
        fold_many(counter, 10)
    counter.close()
    assert counter.value().result() == 100


def a_loop_carries_its_state():
    assert repeat(increase, increase(0), lambda x: x >= 30).result() == 30


def kept_results_are_not_made_again():
    with tempfile.TemporaryDirectory() as calls:
        expected = {"f": 103, "g": 101, "h": 101}
        for _ in range(2):
            values = [h(g(f(i, calls), calls), calls) for i in range(101)]
            more = [f(x, calls) for x in (200, 201)]
            assert [one.result() for one in values] == [2 * (i + 1) - 1 for i in range(101)]
            assert [one.result() for one in more] == [201, 202]
            words = Multiset(path.name[0] for path in Path(calls).iterdir())
            assert words == expected


def a_file_holds_what_the_command_wrote():
    with tempfile.TemporaryDirectory() as folder:
        lines, counted = File(f"{folder}/lines.txt"), f"{folder}/count.txt"
        write(3, lines)
        assert count(lines, stdout=counted).result().path.read_text().split()[0] == "3"
        assert [Path(file.name).name for file in glob(f"{folder}/*.txt")] == [
            "count.txt",
            "lines.txt",
        ]
        assert len(glob(f"{folder}/*.none")) == 0


def a_missing_program_is_named():
    assert "no-such-program-anywhere" in str(missing().exception())


def main(only: str = ""):
    for name, behaviour in list(globals().items()):
        if isinstance(behaviour, App) or not callable(behaviour) or "_" not in name:
            continue
        if getattr(behaviour, "__module__", "") == __name__ and only in name:
            behaviour()
            print("ok", name, flush=True)
