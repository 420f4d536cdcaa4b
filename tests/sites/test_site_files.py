"""The files of site-configs: true to their form, and what the documentation says of them."""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from supervisor.sites.facts import NAMES
from supervisor.sites.site import JOB_FIELDS, SCHEDULERS, TASK_FIELDS, load_site
from tests.launching import REPOSITORY

FOLDER = REPOSITORY / "site-configs"
FILES = sorted(FOLDER.glob("*.sh"))
README = (FOLDER / "README.md").read_text()
SITES = {
    *("local", "generic-slurm", "generic-pbs", "generic-lsf"),
    *("theta", "summit", "cori", "polaris", "aurora", "perlmutter", "frontier", "biowulf"),
}
RETIRED = {"theta": "2023", "summit": "2024", "cori": "2023"}
NO_MACHINE = {"local", "generic-slurm", "generic-pbs", "generic-lsf"}
GPU_VARIABLES = {"", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"}
ONCE = {"nodes", "ranks"}
"""Fields without which a launcher would start too few processes, or too many."""

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def variables_of(path: Path) -> list[str]:
    """Return the variables that a file sets, in its order, from its text alone."""
    outside = path.read_text().partition("\nenvironment() {")[0]
    return re.findall(r"^(\w+)=", outside, re.MULTILINE)


def fields_in(text: str) -> set[str]:
    return set(re.findall(r"\{([^{}]*)\}", text))


def sources_of(path: Path) -> list[str]:
    """Return the addresses in the head of a file."""
    head = path.read_text().partition("# Facts:")[0]
    return re.findall(r"^# (\w+://\S+)$", head, re.MULTILINE)


def test_all_machines_have_a_file():
    assert {path.stem for path in FILES} == SITES


@each_file
def test_bash_reads_it(path: Path):
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@each_file
def test_shellcheck_finds_nothing(path: Path):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@each_file
def test_all_variables_are_set_in_their_order_and_no_others(path: Path):
    assert variables_of(path) == list(NAMES)


@each_file
def test_nothing_is_run_when_it_is_read(path: Path):
    outside = path.read_text().partition("\nenvironment() {")[0]
    assert "$(" not in outside and "`" not in outside
    assert not re.search(r"^(export|module|source|cd)\b", outside, re.MULTILINE)


@each_file
def test_environment_is_the_last_thing_and_defined(path: Path):
    text = path.read_text()
    assert re.search(r"^environment\(\) \{\n( .*\n)+\}\n\Z", text, re.MULTILINE)
    command = 'source "$1" && declare -F'
    done = subprocess.run(
        ["bash", "--norc", "-c", command, "bash", path], capture_output=True, text=True
    )
    assert done.stdout.split() == ["declare", "-f", "environment"]


@each_file
def test_the_reader_takes_it(path: Path):
    site = load_site(path)
    assert site.name == path.stem
    assert site.scheduler in SCHEDULERS
    assert site["gpu_variable"] in GPU_VARIABLES
    assert site["project"] in ("", "required")
    assert site["description"] and "\n" not in site["description"]
    if path.stem not in NO_MACHINE:
        assert site.cores_per_node is not None and site.cores_per_node > 1
        assert site.gpus_per_node is not None
        assert bool(site.gpus_per_node) == bool(site["gpu_variable"])


@each_file
def test_queues_parse_and_the_usual_one_is_among_them(path: Path):
    site = load_site(path)
    assert bool(site.queues) == (path.stem not in NO_MACHINE)
    assert not site.queues or site["queue"] in {queue.name for queue in site.queues}
    for queue in site.queues:
        assert queue.most_nodes is None or 1 <= queue.least_nodes <= queue.most_nodes
        assert queue.walltime_s is not None and queue.walltime_s >= 600.0


@each_file
def test_templates_hold_known_fields_only(path: Path):
    site = load_site(path)
    for name in ("launch", "each_node", "directives", "select_suffix"):
        assert fields_in(site[name]) <= set(JOB_FIELDS), name
    assert fields_in(site["task_launch"]) <= set(TASK_FIELDS)
    for name in set(NAMES).difference(
        {"launch", "each_node", "directives", "select_suffix", "task_launch"}
    ):
        assert not fields_in(site[name]), name


@each_file
def test_launchers_say_how_many(path: Path):
    site = load_site(path)
    if path.stem == "local":
        assert site["launch"] == site["each_node"] == ""
        return
    launch, each = fields_in(site["launch"]), fields_in(site["each_node"])
    assert "ranks_per_node" in launch and launch & ONCE
    assert each <= {"nodes", "mpiexec"} and "nodes" in each
    if site["task_launch"]:
        assert fields_in(site["task_launch"]) >= {"size", "hosts"}


@each_file
def test_directives_are_options_that_nothing_else_writes(path: Path):
    site = load_site(path)
    written = r"(#|--(job-name|nodes|time|account|output|qos|partition)\b|-[AqPWJN] )"
    for line in site.directives:
        assert line.startswith("-") and not re.match(written, line), line
    assert site["select_suffix"] == "" or site.scheduler == "pbs"
    assert site["select_suffix"][:1] in ("", ":")


@each_file
def test_its_sources_are_https(path: Path):
    sources = sources_of(path)
    if path.stem != "local":
        assert sources
        assert load_site(path)["documentation"]
    for source in (*sources, load_site(path)["documentation"]):
        assert source == "" or re.fullmatch(r"https://[\w.-]+(/\S*)?", source), source


@each_file
def test_it_is_nobodys_own(path: Path):
    text = path.read_text()
    assert "/home" not in text and "~" not in text and "/Users" not in text
    assert not re.search(r"\$\{?HOME\b", text)
    assert re.search(r"\S+@\S+", text) is None
    values = " ".join(load_site(path)[name] for name in ("node_local", "scratch", "directives"))
    user = getpass.getuser()
    assert len(user) < 3 or not re.search(rf"\b{re.escape(user)}\b", values)
    folders = set(re.findall(r"/(?:data|users|u|gpfs/u)/([^/\s]+)", values))
    assert folders <= {"$USER"}


@pytest.mark.parametrize(("name", "year"), RETIRED.items())
def test_a_retired_machine_says_so(name: str, year: str):
    path = FOLDER / f"{name}.sh"
    assert re.search(rf"; retired in \w+ {year}$", load_site(path)["description"])
    assert re.search(rf"\. Retired in \w+ {year}\.$", path.read_text().splitlines()[0])
    assert re.search(rf"^\| `{name}` \|.*; retired in \w+ {year} \|$", README, re.MULTILINE)


def test_the_readme_has_all_variables_in_their_order_and_all_fields():
    section = README.partition("## Variables")[2].partition("## Adding")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(NAMES)
    for field in (*JOB_FIELDS, *TASK_FIELDS):
        assert f"`{field}`" in section, field


def test_the_readme_names_each_site_with_its_scheduler():
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", README.partition("## Variables")[0], re.M)
    table = {
        name: scheduler.lower()
        for names, schedulers in rows
        for name, scheduler in zip(names.split(", "), schedulers.split(", "), strict=True)
    }
    assert table == {f"`{path.stem}`": load_site(path).scheduler for path in FILES}
