"""Reading the files of sites: what is wrong in them is refused by its line."""

from __future__ import annotations

import pytest

from supervisor.core.errors import InputError, UnknownName
from supervisor.sites.facts import NAMES, read_facts
from supervisor.sites.site import Queue, find_site, known_sites, load_site
from tests.launching import REPOSITORY

RIGHT = (REPOSITORY / "site-configs" / "generic-slurm.sh").read_text()


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a site's file with some of its text replaced."""

    def write(*replaced, name="mine"):
        text = RIGHT
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / f"{name}.sh"
        path.write_text(text)
        return path

    return write


def line_of(path, text):
    lines = path.read_text().splitlines()
    return 1 + next(n for n, line in enumerate(lines) if line.startswith(text))


def test_all_variables_are_read(written):
    facts = read_facts(written())
    assert set(facts.values) == set(NAMES)
    assert facts.values["scheduler"] == "slurm"
    assert facts.environment == "", "it does nothing"


def test_bash_evaluates_what_is_quoted(written):
    facts = read_facts(
        written(
            ("cores_per_node=\n", "cores_per_node=$((2 * 32))\n"),
            ("scratch=\n", "scratch='$SCRATCH' # as in the job\n"),
            ("queues=\n", 'queues="\nshort 1-2 01:00:00\n"\n'),
        )
    )
    assert facts.values["cores_per_node"] == "64"
    assert facts.values["scratch"] == "$SCRATCH"
    assert facts.values["queues"] == "\nshort 1-2 01:00:00\n"


def test_the_users_own_variables_are_no_facts(written, monkeypatch):
    monkeypatch.setenv("queue", "mine")
    monkeypatch.setenv("unknown", "thing")
    assert read_facts(written()).values["queue"] == ""


def test_the_environment_is_kept_word_by_word(written):
    function = "environment() {\n    # why\n    module load python\n}"
    facts = read_facts(written(("environment() {\n    :\n}", function)))
    assert facts.environment == function


def test_an_environment_of_comments_does_nothing(written):
    facts = read_facts(written(("    :\n}", "    : # nothing\n    # at all\n}")))
    assert facts.environment == ""


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("scheduler=slurm", "scheduler=slurm)", "scheduler=", "syntax error"),
        ("scheduler=slurm", 'scheduler="$(nowhere)"', "scheduler=", "nowhere: command not found"),
        ("scheduler=slurm", "scheduler=slrum", "scheduler=", "Did you mean 'slurm'?"),
        ("queue_option=", "queue_options=", "queue_options=", "unknown variable 'queue_options'"),
        ("project=\n", "project=mine\n", "project=", "give 'required', or leave it empty"),
        ("cores_per_node=\n", "cores_per_node=many\n", "cores_per_node=", "is not a whole number"),
        ("gpus_per_node=\n", "gpus_per_node=-1\n", "gpus_per_node=", "'-1' is not a whole number"),
        ("queues=\n", 'queues="short 1-2"\n', "queues=", "'short 1-2' is not: name, nodes"),
        ("queues=\n", 'queues="short few -"\n', "queues=", "'few' are no numbers of nodes"),
        ("queues=\n", 'queues="short 1-2 long"\n', "queues=", "'long' is not of the form"),
        ("{ntasks}", "{ntask}", "launch=", "unknown field 'ntask'"),
        ("{size}", "{sizes}", "task_launch=", "unknown field 'sizes'. Did you mean 'size'?"),
        (
            "directives=\n",
            "directives='--mem {memory}'\n",
            "directives=",
            "unknown field 'memory'",
        ),
        ("select_suffix=\n", "select_suffix={}\n", "select_suffix=", "unknown field ''"),
    ],
)
def test_mistakes_are_found_by_their_line(written, old, new, at, said):
    path = (
        written(("--ntasks={ranks}", f"--ntasks={old}"), (old, new))
        if "ntasks}" in old
        else (written((old, new)))
    )
    with pytest.raises(InputError) as refused:
        load_site(path)
    assert str(refused.value).startswith(f"{path}:{line_of(path, at)}")
    assert said in str(refused.value)


def test_a_variable_that_is_missing_is_named(written):
    with pytest.raises(InputError, match=r"says nothing of host_file, scratch; leave a value"):
        load_site(written(("scratch=\n", ""), ("host_file=\n", "")))


def test_a_missing_environment(written):
    with pytest.raises(InputError, match="defines no function environment"):
        load_site(written(("environment() {\n    :\n}\n", "")))


def test_an_environment_of_another_form_is_refused(written):
    one_line = written(("environment() {\n    :\n}", "environment() { module load python; }"))
    with pytest.raises(InputError, match="write the function as"):
        _ = read_facts(one_line).environment


def test_a_file_that_prints_an_error_is_refused(written):
    with pytest.raises(InputError, match="permission denied by me"):
        load_site(written(("scratch=\n", "scratch=\necho 'permission denied by me' >&2\n")))


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        find_site(str(tmp_path / "none.sh"))
    (tmp_path / "bytes.sh").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        find_site(str(tmp_path / "bytes.sh"))


def test_queues(written):
    site = load_site(
        written(("queues=\n", 'queues="\nany - -\nsmall 4 00:30:00\nlarge 10-20 24:00:00\n"\n'))
    )
    assert site.queues == (
        Queue("any", 1, None, None),
        Queue("small", 1, 4, 1800.0),
        Queue("large", 10, 20, 86400.0),
    )
    assert site.queue("small", "--queue").most_nodes == 4
    with pytest.raises(UnknownName, match=r"--queue: unknown queue 'smal'\. Did you mean 'small'"):
        site.queue("smal", "--queue")


def test_where_no_queues_are_known_all_are_taken(written):
    assert load_site(written()).queue("any", "--queue") == Queue("any")


def test_ones_own_sites_win(written, tmp_path, monkeypatch):
    written(("any cluster", "my cluster"), name="generic-pbs")
    written(("any cluster", "my cluster"), name="mine")
    monkeypatch.setenv("SUPERVISOR_SITES", f"{tmp_path / 'nowhere'}::{tmp_path}")
    assert {"mine", "theta"} <= set(known_sites())
    assert find_site("generic-pbs").path == tmp_path / "generic-pbs.sh"
    assert find_site("mine")["description"] == "my cluster with Slurm"
    assert find_site(str(tmp_path / "mine.sh")).name == "mine"


def test_of_ones_own_folders_the_first_wins(written, tmp_path, monkeypatch):
    written(name="mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "mine.sh").rename(tmp_path / "other" / "mine.sh")
    written(name="mine")
    monkeypatch.setenv("SUPERVISOR_SITES", f"{tmp_path}:{tmp_path / 'other'}")
    assert find_site("mine").path == tmp_path / "mine.sh"


def test_an_unknown_site(monkeypatch):
    monkeypatch.delenv("SUPERVISOR_SITES", raising=False)
    with pytest.raises(UnknownName, match=r"--site polari: unknown site 'polari'\. Did you mean"):
        find_site("polari")
