"""Steps that run, in one process: what they are given, and in which order."""

import numpy as np
import pytest

from tests.dataflow import pipelines
from tests.dataflow.pipelines import NOTE, rows, run, statuses, values, write


@pytest.fixture(autouse=True)
def fresh_modules(monkeypatch):
    """Let each test have its own module ``work``."""
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("work", None)


def test_the_value_of_a_step_is_an_argument_of_another(tmp_path):
    write(
        tmp_path,
        "steps:\n"
        "  double: {python: 'work:double', with: {x: '${number}'}, task: {run: inline}}\n"
        "  number: {python: 'work:number', task: {run: inline}}\n",
        "def number(): return 21\ndef double(x): return 2 * x\n",
    )
    assert run(tmp_path) == 0
    assert values(tmp_path) == {"number": 21, "double": 42}


SOURCES = {
    "a list": ("[3, 1, 2]", [3, 1, 2]),
    "a range": ("{from: 1, to: 3}", [1, 2, 3]),
    "a range from 0": ("{to: 2}", [0, 1, 2]),
    "a range that goes down": ("{from: 5, to: 1, step: -2}", [5, 3, 1]),
    "a range of values": ("{to: '${three}'}", [0, 1, 2, 3]),
    "a list of values": ("['${three}', 4]", [3, 4]),
    "a glob": ("'data/*.csv'", ["data/a.csv", "data/b.csv"]),
    "the output of a step": ("'${listed}'", [7, 8]),
    "an expression": ("'${listed | sort(reverse=true)}'", [8, 7]),
    "constants": ("'${params.rates}'", [0.1, 0.2]),
    "nothing": ("[]", []),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_step_runs_once_for_each_item(case, tmp_path):
    source, wanted = SOURCES[case]
    (tmp_path / "data").mkdir()
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "data" / name).touch()
    write(
        tmp_path,
        "params: {rates: [0.1, 0.2]}\n"
        "steps:\n"
        "  three: {python: 'work:same', with: {x: 3}, task: {run: inline}}\n"
        "  listed: {python: 'work:same', with: {x: [7, 8]}, task: {run: inline}}\n"
        f"  each:\n    foreach: {{item: {source}}}\n"
        "    python: work:same\n    with: {x: '${item}'}\n    task: {run: inline}\n"
        "  all: {python: 'work:same', with: {x: '${each}'}, task: {run: inline}}\n",
        "def same(x): return x\n",
    )
    assert run(tmp_path) == 0
    assert values(tmp_path)["all"] == wanted


def test_several_variables_are_combined_the_last_one_fastest(tmp_path):
    write(
        tmp_path,
        "steps:\n  pair:\n    foreach: {a: [1, 2], b: [x, y]}\n    python: work:pair\n"
        "    with: {a: '${a}', b: '${b}'}\n    task: {run: inline}\n",
        "def pair(a, b): return f'{a}{b}'\n",
    )
    assert run(tmp_path) == 0
    assert list(values(tmp_path).values()) == ["1x", "1y", "2x", "2y"]
    third = rows(tmp_path)["pair[2]"]
    assert (third["a"], third["b"], third["value"]) == ("2", "x", "2x")


def test_a_text_around_references_is_a_text_and_a_reference_alone_keeps_its_type(tmp_path):
    write(
        tmp_path,
        "params: {n: 3}\nsteps:\n"
        "  show:\n    python: work:show\n    task: {run: inline}\n"
        "    with: {a: '${params.n}', b: 'n=${params.n}!', c: {d: ['${params.n + 1}']}, "
        "e: '$${n}'}\n",
        "def show(**named): return named\n",
    )
    assert run(tmp_path, "--set", "params.n=5") == 0
    assert values(tmp_path)["show"] == {"a": 5, "b": "n=5!", "c": {"d": [6]}, "e": "${n}"}


def test_a_shell_step_gets_words_and_gives_its_last_line(tmp_path):
    write(
        tmp_path,
        "steps:\n"
        "  rows: {python: 'work:rows', task: {run: inline}}\n"
        "  count:\n    task: {run: inline}\n"
        "    shell: |\n"
        "      count() { echo $#; }\n"
        "      count ${rows | map(attribute='name') | join(' ')} ${rows[0].name} \"${rows}\"\n"
        "  told: {shell: 'echo hello; echo ${rows[1].name}', task: {run: inline}}\n"
        "  json:\n    task: {run: inline}\n    shell: |\n      echo '{\"a\": [1]}'\n"
        "  silent: {shell: 'true', task: {run: inline}}\n",
        "def rows(): return [{'name': 'a b; exit 3'}, {'name': \"it's\"}]\n",
    )
    assert run(tmp_path) == 0
    found = values(tmp_path)
    assert found["count"] == 4
    assert found["told"] == "it's"
    assert found["json"] == {"a": [1]}
    assert found["silent"] is None


def test_a_step_that_is_not_to_run_is_skipped_with_what_refers_to_it(tmp_path, capsys):
    write(
        tmp_path,
        "steps:\n"
        "  no: {python: 'work:one', when: '${1 > 2}', task: {run: inline}}\n"
        "  user: {python: 'work:one', with: {x: '${no}'}, task: {run: inline}}\n"
        "  later: {python: 'work:one', after: [no], task: {run: inline}}\n"
        "  some:\n    foreach: {i: [1, 2, 3]}\n    when: '${i != 2}'\n    python: work:one\n"
        "    with: {x: '${i}'}\n    task: {run: inline}\n"
        "  all: {python: 'work:one', with: {x: '${some}'}, task: {run: inline}}\n",
        "def one(x=0): return x\n",
    )
    assert run(tmp_path) == 0
    found = statuses(tmp_path)
    assert [found[name] for name in ("no", "user", "later")] == ["skipped", "skipped", "finished"]
    assert found["some[1]"] == "skipped"
    assert values(tmp_path)["all"] == [1, 3]
    assert rows(tmp_path)["user"]["message"] == "needs no, which was skipped"
    assert "3 skipped" in capsys.readouterr().out


def test_a_failed_step_fails_what_needs_it_and_nothing_else(tmp_path, capsys):
    write(
        tmp_path,
        "steps:\n"
        "  train:\n    foreach: {fold: [1, 2, 3]}\n    python: work:train\n"
        "    with: {fold: '${fold}'}\n    task: {run: inline}\n"
        "  best: {python: 'work:train', with: {fold: '${train}'}, task: {run: inline}}\n"
        "  after: {python: 'work:train', after: [best], with: {fold: 1}, task: {run: inline}}\n"
        "  other: {python: 'work:train', with: {fold: 1}, task: {run: inline}}\n",
        "def train(fold):\n    if fold == 2:\n        raise ValueError('no such fold')\n",
    )
    assert run(tmp_path) == 1
    found = statuses(tmp_path)
    assert found["train[0]"] == found["train[2]"] == found["other"] == "finished"
    assert found["train[1]"] == found["best"] == found["after"] == "failed"
    said = capsys.readouterr()
    assert "workflow.yaml:3 train[1] (fold=2): " in said.err
    assert "ValueError: no such fold" in said.err
    assert "not run, for want of these: best, after" in said.err


def test_a_reference_without_a_value_fails_its_step_with_the_reason(tmp_path, capsys):
    write(
        tmp_path,
        "steps:\n"
        "  one: {python: 'work:one', task: {run: inline}}\n"
        "  two: {python: 'work:one', with: {x: '${one.loss}'}, task: {run: inline}}\n"
        "  three: {python: 'work:one', foreach: {x: '${one}'}, task: {run: inline}}\n",
        "def one(x=0): return 1\n",
    )
    assert run(tmp_path) == 1
    said = capsys.readouterr().err
    assert "workflow.yaml:4 two: ${one.loss}: 'int object' has no attribute 'loss'" in said
    assert "workflow.yaml:5 three: ${one} gives 1, which is no list" in said


def test_files_order_steps_and_must_be_there(tmp_path, capsys):
    write(
        tmp_path,
        "steps:\n"
        "  read: {shell: 'cat part-1.txt part-2.txt', inputs: ['part-2.txt', 'part-1.txt'], "
        "task: {run: inline}}\n"
        "  write:\n    foreach: {i: [1, 2]}\n    shell: 'echo ${i} > part-${i}.txt'\n"
        "    outputs: ['part-${i}.txt']\n    task: {run: inline}\n"
        "  forget: {shell: 'true', outputs: [gone.txt], task: {run: inline}}\n",
    )
    assert run(tmp_path) == 1
    assert values(tmp_path)["read"] == 2
    assert "forget: " in (said := capsys.readouterr().err)
    assert "it ended without its output 'gone.txt'" in said


def test_values_that_json_cannot_hold_are_passed_on_and_kept(tmp_path):
    write(
        tmp_path,
        "steps:\n"
        "  make: {python: 'work:make', task: {run: inline}}\n"
        "  add: {python: 'work:add', with: {x: '${make}'}, task: {run: inline}}\n"
        "  keys: {python: 'work:keys', task: {run: inline}}\n"
        "  bad: {python: 'work:bad', with: {x: '${keys}', y: '${make.sum()}'}, "
        "task: {run: inline}}\n",
        "import numpy, os\n"
        "def make(): return numpy.arange(100000)\n"
        "def add(x): return int(x.sum())\n"
        "def keys(): return {1: (2, 3)}\n"
        "def bad(x, y):\n"
        "    assert x == {1: (2, 3)} and y == 4999950000\n"
        "    if not os.path.exists('good'): raise ValueError\n",
    )
    assert run(tmp_path) == 1
    assert values(tmp_path)["add"] == 4999950000
    stored = np.load(pipelines.newest(tmp_path) / "values" / "make.pickle", allow_pickle=True)
    assert stored.tolist() == list(range(100000))
    (tmp_path / "good").touch()
    assert run(tmp_path, resume=True) == 0


def test_resuming_runs_what_failed_and_nothing_that_finished(tmp_path):
    write(
        tmp_path,
        "steps:\n"
        "  a:\n    foreach: {f: '*.txt'}\n    python: work:a\n    with: {f: '${f}'}\n"
        "    task: {run: inline}\n"
        "  b: {python: 'work:a', with: {f: '${a | join}'}, task: {run: inline}}\n",
        NOTE + "import os\n"
        "def a(f):\n    note(f)\n"
        "    if f == 'y.txt' and not os.path.exists('good'): raise ValueError(f)\n"
        "    return f\n",
    )
    for name in ("x.txt", "y.txt", "z.txt"):
        (tmp_path / name).touch()
    assert run(tmp_path) == 1
    (tmp_path / "good").touch()
    (tmp_path / "w.txt").touch()  # what the glob found first stays what it found
    assert run(tmp_path, resume=True) == 0
    assert pipelines.calls(tmp_path) == ["x.txt", "y.txt", "z.txt", "y.txt", "x.txty.txtz.txt"]
    assert set(statuses(tmp_path).values()) == {"finished"}
    assert run(tmp_path, resume=True) == 0
    assert len(pipelines.calls(tmp_path)) == 5


def test_the_trace_tells_when_steps_wait_are_released_and_end(tmp_path, capsys):
    write(
        tmp_path,
        "steps:\n"
        "  one: {python: 'work:one', task: {run: inline}}\n"
        "  two: {python: 'work:one', after: [one], foreach: {i: [5]}, task: {run: inline}}\n",
        "def one(): return 1\n",
    )
    assert run(tmp_path, "--trace") == 0
    said = [line.split(maxsplit=1)[-1] for line in capsys.readouterr().out.splitlines()]
    assert "two waits for one" in said
    order = ["one released", "one finished", "two[0] (i=5) released", "two[0] (i=5) finished"]
    found = [next(i for i, line in enumerate(said) if line.startswith(text)) for text in order]
    assert found == sorted(found)
