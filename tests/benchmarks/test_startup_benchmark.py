"""The benchmark of starts: its counting, and one small run."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys

import pytest

from tests.launching import REPOSITORY, run

PERFORMANCE = REPOSITORY / "benchmarks" / "performance"


@pytest.fixture(scope="module")
def startup():
    sys.path.insert(0, str(PERFORMANCE))  # the scripts there import each other
    try:
        found = importlib.util.spec_from_file_location("startup", PERFORMANCE / "startup.py")
        module = importlib.util.module_from_spec(found)
        sys.modules["startup"] = module
        found.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(PERFORMANCE))
        del sys.modules["startup"]


TRACE = """\
7 1.0 execve("/shared/bin/python", ["python"], 0x7ffd /* 9 vars */) = 0
7 2.0 openat(AT_FDCWD</shared/flow>, "/shared/lib/a.pyc", O_RDONLY) = 3</shared/lib/a.pyc>
7 2.1 newfstatat(3</shared/lib/a.pyc>, "", {st_mode=S_IFREG}, AT_EMPTY_PATH) = 0
7 2.2 openat(AT_FDCWD</shared/flow>, "model.py", O_RDONLY <unfinished ...>
8 2.3 stat("/usr/lib/b.so", 0x7ffd) = -1 ENOENT (No such file or directory)
7 2.4 <... openat resumed>) = 4</shared/flow/model.py>
7 2.5 getdents64(5</shared/lib>, 0x5581 /* 12 entries */, 32768) = 400
7 2.6 newfstatat(6</shared/lib>, "../../usr/c", 0x7ffd, 0) = -1 ENOENT (No such file or directory)
7 2.7 openat(AT_FDCWD</shared/flow>, "/sharedby/all", O_RDONLY) = 3</sharedby/all>
"""


def test_calls_are_counted_by_kind_and_place(startup, tmp_path):
    (tmp_path / "trace").write_text(TRACE)
    lines = startup.lines_of(tmp_path / "trace")
    calls = startup.counted(lines, ["/shared/"], "/shared/flow")
    assert calls.shared == {"execs": 1, "opens": 2, "lookups": 1}
    assert calls.elsewhere == {"lookups": 2, "opens": 1}
    assert calls.names == {"/shared/lib/a.pyc": 1, "/shared/flow/model.py": 1}


@pytest.mark.parametrize(
    ("ranks", "roles"),
    [(1, {0: 1}), (2, {0: 1, 1: 1}), (3, {0: 1, 1: 1, 2: 1}), (64, {0: 1, 1: 62, 63: 1})],
)
def test_one_rank_of_each_role_is_traced_and_stands_for_the_others(startup, ranks, roles):
    assert startup.traced(startup.split(ranks)) == roles


def test_all_ranks_are_started_in_order(startup, mpich):
    layout = startup.split(6)
    traces = {rank: f"{rank}.strace" for rank in startup.traced(layout)}
    words = startup.command(mpich.bin.parent, layout, traces)
    assert words[0] == str(mpich.bin / "mpiexec")
    parts = [part.split() for part in " ".join(words[1:]).split(" : ")]
    assert [part[:2] for part in parts] == [["-n", "1"], ["-n", "1"], ["-n", "3"], ["-n", "1"]]
    assert ["strace" in part for part in parts] == [True, True, False, True]


def test_the_calls_of_a_start_are_measured(mpich, tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    script = [str(mpich.bin / "python"), str(PERFORMANCE / "startup.py"), "--plain"]
    done = run([*script, "--ranks", "3", "--runs", "inline"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("| inline")]
    _, _, ranks, opens, lookups, execs, all_opens, *_ = re.split(r" *\| *", line.replace(",", ""))
    assert (ranks, execs) == ("3", "1")
    assert 50 < int(opens) < int(all_opens) / 2
    assert int(lookups) > int(opens)
