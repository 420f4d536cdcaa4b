"""Experiments get numbers of their own, and are found again."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from supervisor.core.errors import InputError, SupervisorError
from supervisor.experiment.folder import Experiment, replacing


def make(root, label, time_s):
    """Make an experiment that was last written to at a time."""
    path = root / label
    path.mkdir(parents=True)
    (path / "journal.jsonl").touch()
    os.utime(path / "journal.jsonl", (time_s, time_s))
    return Experiment(path)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "experiments"
    make(root, "digits/EXP000", 100)
    make(root, "digits/EXP003", 200)
    make(root, "nt3/EXP000", 150)
    return root


def test_experiments_are_numbered_from_0(tmp_path):
    made = [Experiment.create(tmp_path, "digits").path.name for _ in range(3)]
    assert made == ["EXP000", "EXP001", "EXP002"]


def test_numbers_go_on_after_the_highest_and_past_three_digits(tmp_path):
    (tmp_path / "digits" / "EXP999").mkdir(parents=True)
    (tmp_path / "digits" / "EXPERIMENTAL").mkdir()
    (tmp_path / "digits" / "notes.txt").touch()
    assert Experiment.create(tmp_path, "digits").path.name == "EXP1000"


def test_many_at_once_get_different_numbers(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: Experiment.create(tmp_path, "digits").path, range(64)))
    assert sorted(path.name for path in made) == [f"EXP{number:03d}" for number in range(64)]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\\b", "a\0"])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="name"):
        Experiment.create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SupervisorError, match="cannot make an experiment here"):
        Experiment.create(tmp_path / "file", "digits")


def test_the_files_are_named_as_users_know_them(tmp_path):
    one = Experiment(tmp_path)
    files = [one.workflow, one.provenance, one.journal, one.results, one.report, one.runs]
    assert [path.name for path in files] == [
        "workflow.yaml", "provenance.json", "journal.jsonl", "results.csv", "report.html", "runs"
    ]  # fmt: skip
    assert one.run_dir("RUN000042") == tmp_path / "runs" / "RUN000042"
    assert one.run_dir("step/RUN000042") == tmp_path / "runs" / "step" / "RUN000042"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../../x", "/etc", "a/..", "a\0b"])
def test_a_run_directory_cannot_leave_the_experiment(tmp_path, name):
    with pytest.raises(InputError, match="run directory"):
        Experiment(tmp_path).run_dir(name)


def test_a_link_does_not_lead_out_of_the_experiment(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to("/")
    with pytest.raises(InputError, match="leads out"):
        Experiment(tmp_path).run_dir("link/etc")


def test_at_takes_a_folder_that_exists(root):
    assert Experiment.at(root / "nt3" / "EXP000").label == "nt3/EXP000"
    with pytest.raises(InputError, match="no such experiment folder"):
        Experiment.at(root / "nt3" / "EXP001")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (None, "digits/EXP003"),
        ("EXP003", "digits/EXP003"),
        ("nt3/EXP000", "nt3/EXP000"),
        ("digits/EXP000/", "digits/EXP000"),
        ("digits", "digits/EXP003"),
    ],
)
def test_an_experiment_is_found(root, text, label):
    assert Experiment.find(text, root).label == label


def test_an_experiment_is_found_by_its_path(root, tmp_path, monkeypatch):
    assert Experiment.find(str(root / "nt3" / "EXP000"), root).label == "nt3/EXP000"
    elsewhere = make(tmp_path, "chosen", 1).path
    assert Experiment.find(str(elsewhere), root).path == elsewhere
    monkeypatch.chdir(root / "nt3")
    assert Experiment.find("EXP000", root).path.samefile(root / "nt3" / "EXP000")


def test_the_newest_is_the_one_whose_journal_was_written_last(root):
    make(root, "zz/EXP000", 500)
    assert Experiment.find(None, root).label == "zz/EXP000"


def test_a_number_that_several_experiments_have_is_refused(root):
    with pytest.raises(InputError, match=r"several.*nt3/EXP000, digits/EXP000"):
        Experiment.find("EXP000", root)


@pytest.mark.parametrize("text", ["EXP009", "nt4/EXP000", "nope", "/no/where"])
def test_what_is_not_found_is_an_error_that_lists_what_exists(root, text):
    with pytest.raises(InputError, match=r"no such.*digits/EXP003, nt3/EXP000, digits/EXP000"):
        Experiment.find(text, root)


@pytest.mark.parametrize("text", [None, "EXP000"])
def test_without_experiments_the_error_says_so(tmp_path, text):
    with pytest.raises(InputError, match="there are none in"):
        Experiment.find(text, tmp_path / "experiments")


def test_long_lists_are_cut(tmp_path):
    for number in range(13):
        make(tmp_path, f"a/EXP{number:03d}", number)
    with pytest.raises(InputError, match=r"EXP012.*and 3 older"):
        Experiment.find("nope", tmp_path)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write("half")
        file.write(str(1 // 0))
    assert path.read_text() == "old"
    with replacing(path) as file:
        file.write("né\r\n")
    assert path.read_bytes() == "né\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]
