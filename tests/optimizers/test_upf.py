"""Unrolled parameter files."""

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.errors import InputError
from supervisor.core.space import Space
from supervisor.optimizers import Recipe
from supervisor.optimizers.designs.upf import check_upf, read_upf
from supervisor.optimizers.programs.adapt import adapt
from tests.contracts.optimizer import StreamContract

FIELD = Path(__file__).parents[3] / "shared" / "data" / "candle" / "upf"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "upf.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


class TestUpf(StreamContract):
    @pytest.fixture
    def make(self, write):
        path = write("".join(f'{{"id": "RUN{i:03}", "epochs": {i}}}\n' for i in range(50)))
        return lambda seed: adapt(read_upf(path))

    def problem(self, values):
        return "" if list(values) == ["id", "epochs"] else "not of the file"


@pytest.mark.skipif(not FIELD.is_dir(), reason="the files of the field are not at hand")
@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("upf-1.txt", ["RUN000", "RUN001", "RUN002"]),
        ("cp1-upf.txt", [str(index) for index in range(25)]),
        ("demo-1.json", ["test1", "test2", "test3"]),
        ("cmp-cv-upf-1.txt", ["RUN001"]),
    ],
)
def test_files_of_the_field_are_read(name, ids):
    assert [task["id"] for task in read_upf(FIELD / name)] == ids
    assert check_upf(FIELD / name) == len(ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id": "a", "x": 1}', [{"id": "a", "x": 1}]),
        ('\n  \n{"x": 1}\n\n\t{"x": 2}  \n', [{"id": "0", "x": 1}, {"id": "1", "x": 2}]),
        ('# head\n  # more {"x": 1}\n{"x": 1}', [{"id": "0", "x": 1}]),
        ('{"x": "a # b"}  # a note', [{"id": "0", "x": "a # b"}]),
        ('{"x": 1}# a note', [{"id": "0", "x": 1}]),
        (b'\xef\xbb\xbf{"x": 1}\r\n\r\n{"x": 2}\r\n', [{"id": "0", "x": 1}, {"id": "1", "x": 2}]),
        ('{"x": 1, "id": 7}', [{"id": "7", "x": 1}]),
        ('{"id": "a/b-1/c", "x": [1, 2]}', [{"id": "a/b-1/c", "x": [1, 2]}]),
        ('{"id": "é run", "x": null}', [{"id": "é run", "x": None}]),
        ('{"x": "tab\\t \\u00e9 \\"\'\'\'"}', [{"id": "0", "x": "tab\t é \"'''"}]),
        ('{"x": "2000 2000", "y": true}', [{"id": "0", "x": "2000 2000", "y": True}]),
        ('{"x": {"a": 1, "b": {"a": 1}}}', [{"id": "0", "x": {"a": 1, "b": {"a": 1}}}]),
        ("{}", [{"id": "0"}]),
    ],
)
def test_lines_become_tasks(write, text, expected):
    tasks = list(read_upf(write(text)))
    assert tasks == expected
    assert [next(iter(task)) for task in tasks] == ["id"] * len(tasks)


def test_nan_is_a_value(write):
    (task,) = read_upf(write('{"x": NaN, "y": -Infinity}'))
    assert task["x"] != task["x"]
    assert task["y"] == float("-inf")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": 1}\n{"x": }', r":2: not JSON: Expecting value at column 7"),
        ('  {"x": 1', r":1: not JSON: .* at column 10"),
        ("epochs,batch\n1,2", r":1: not JSON: Expecting value at column 1"),
        ("1,2", r":1: ',2' after the task, at column 2"),
        ("[1]", r":1: a task is a JSON object, .* not \[1\]"),
        ('"x"', r":1: a task is a JSON object"),
        ('{"x": 1} {"x": 2}', r""":1: '\{"x": 2\}' after the task, at column 10"""),
        ('{"x": 1, "x": 2}', r":1: the key 'x' is there twice"),
        ('{"y": {"x": 1, "x": 2}}', r":1: the key 'x' is there twice"),
        ('{"id": "a"}\n# note\n{"id": "a"}', r":3: the id 'a' is that of line 1 already"),
        ('{"id": "1"}\n{"x": 1}', r":2: the id '1' is that of line 1 already"),
        ('{"x": 1}\n{"id": 0}', r":2: the id '0' is that of line 1 already"),
        (b'{"x": 1}\n{"x": "\xff"}', r":2: byte 0xff at column 8 is not UTF-8"),
        ('{"x": 1}'.encode("utf-16"), r":1: byte 0xff at column 1 is not UTF-8"),
        ('{"x": "\\ud800"}', r":1: a value cannot be used"),
        ('{"x": 99999999999999999999999}', r":1: a value cannot be used"),
        ('{"x": %s}' % ("9" * 5000), r":1: "),
        ('{"x": %s}' % ("[" * 100_000), r":1: "),
        ("", r"upf.txt: there is no task"),
        ("# nothing\n\n", r"upf.txt: there is no task"),
    ],
)
def test_a_wrong_line_is_located(write, text, message):
    path = write(text)
    with pytest.raises(InputError, match=message) as caught:
        list(read_upf(path))
    assert str(caught.value).startswith(str(path))
    with pytest.raises(InputError, match=message):
        check_upf(path)


@pytest.mark.parametrize(
    "name",
    [
        *("", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/-b", "a/~"),
        *("a\\b", "a\x00", "a\n", "\x7f", "-rf", "~root", "x" * 201),
        *(True, None, 1.5, [1], {}, -1),
    ],
)
def test_an_id_that_is_not_safe_is_refused(write, name):
    with pytest.raises(InputError, match=r":2: the id "):
        list(read_upf(write('{"x": 1}\n' + json.dumps({"id": name}))))


def test_a_long_id_is_fine(write):
    assert check_upf(write(json.dumps({"id": "x" * 200}))) == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "missing.txt"):
        with pytest.raises(InputError, match=rf"^{path}: cannot be read: "):
            check_upf(path)


def test_a_hash_that_two_ids_share_does_not_make_them_one(write, monkeypatch):
    monkeypatch.setattr("supervisor.optimizers.designs.upf.hash", lambda name: 0, raising=False)
    assert check_upf(write('{"id": "a"}\n{"id": "b"}\n{"id": "c"}')) == 3
    with pytest.raises(InputError, match=":3: the id 'b' is that of line 2"):
        check_upf(write('{"id": "a"}\n{"id": "b"}\n{"id": "b"}'))


def test_a_file_is_a_kind_of_optimizer(write):
    path = write('{"x": 1}\n{"x": 2}')
    optimizer = Recipe(
        "upf", {"file": str(path)}, Space({}), lambda *path: "here", path.parent
    ).build()
    assert optimizer.ask(9) == [{"id": "0", "x": 1}, {"id": "1", "x": 2}]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab#"), inner, max_size=3),
    max_leaves=5,
)
tasks = st.dictionaries(st.text("xyz#é \"'", max_size=4), values, max_size=4)
between = st.sampled_from(["", "\n", "# note\n", "  \r\n", '\t# {"x": 1}\n'])


@given(st.lists(st.tuples(between, tasks, st.sampled_from(["", " ", " # note", "#"])), min_size=1))
def test_what_is_written_is_read(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "generated.txt"
    text = "".join(f"{gap}{json.dumps(task)}{note}\n" for gap, task, note in lines)
    path.write_text(text, newline="")
    expected = [{"id": str(index), **task} for index, (_, task, _) in enumerate(lines)]
    assert list(read_upf(path)) == expected
    assert check_upf(path) == len(lines)


@given(st.binary(max_size=60) | st.text('{}[]":,1a#\\\n ', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    try:
        assert check_upf(path) > 0
    except InputError as error:
        assert str(error).startswith(str(path))


def test_a_hundred_thousand_lines_are_never_held(tmp_path):
    path = tmp_path / "large.txt"
    with path.open("w") as file:
        for index in range(100_000):
            file.write(json.dumps({"id": f"RUN{index}", "note": f"{index:0200}"}) + "\n")
    tracemalloc.start()
    number = check_upf(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert number == 100_000
    assert peak < path.stat().st_size  # 23 MB; as objects, the tasks take twice as much or more
