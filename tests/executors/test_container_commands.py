"""Containers: the command lines, which runtime is taken, and what is told if there is none."""

from __future__ import annotations

import pytest

from supervisor.core.executor import Seat
from supervisor.core.objective import Bind, Container, Objective
from supervisor.executors import build
from supervisor.executors import container as containers
from supervisor.executors.devices import DEVICE_VARIABLES
from supervisor.executors.failures import TaskError
from supervisor.executors.images import image_of, kind_of, takers
from supervisor.executors.runtimes import COMMANDS, Setting
from tests.contracts.executor import evaluate

BINDS = [Bind("/w", "/w", writable=False), Bind("/w/runs/R 0", "/w/runs/R 0"), Bind("/d", "/x")]
SETTING = Setting(
    image="/i/model",
    folder="/w",
    binds=BINDS,
    variables=["OMP_NUM_THREADS"],
    options=["--more"],
    name="supervisor-host-7",
)


def command(runtime: str, script: str = "echo 1", **fields: object) -> list[str]:
    program, make = COMMANDS[runtime]
    setting = {name: getattr(SETTING, name) for name in Setting.__slots__} | fields
    return make(f"/usr/bin/{program}", Setting(**setting), script)


class TestCommandLines:
    @pytest.mark.parametrize("runtime", ["apptainer", "singularity"])
    def test_apptainer_and_singularity_take_the_same(self, runtime):
        assert command(runtime) == [
            f"/usr/bin/{runtime}",
            "exec",
            "--no-mount=home,cwd",
            "--bind=/w:/w:ro",
            "--bind=/w/runs/R 0:/w/runs/R 0",
            "--bind=/d:/x",
            "--pwd=/w",
            "--more",
            "/i/model",
            *("/bin/sh", "-c", "echo 1"),
        ]

    def test_podman_runs_a_directory_below_an_overlay(self):
        assert command("podman") == [
            *("/usr/bin/podman", "run", "--rm", "--name=supervisor-host-7", "--replace"),
            *("--cgroups=disabled", "--network=host", "--log-driver=none"),
            *("--security-opt=label=disable", "--user=0:0", "--entrypoint="),
            *("--volume=/tmp:/tmp", "--volume=/dev/shm:/dev/shm"),
            "--volume=/w:/w:ro",
            "--volume=/w/runs/R 0:/w/runs/R 0",
            "--volume=/d:/x",
            "--workdir=/w",
            "--env=OMP_NUM_THREADS",
            "--more",
            *("--rootfs", "/i/model:O"),
            *("/bin/sh", "-c", 'sh -c "$1"; exit $?', "sh", "echo 1"),
        ]

    def test_podman_runs_an_image_by_its_name(self):
        line = command("podman", image="localhost/model:1")
        assert line[line.index("--more") + 1 : -3] == ["localhost/model:1", "/bin/sh", "-c"]

    def test_charliecloud_begins_with_a_path_of_its_own(self):
        assert command("charliecloud") == [
            "/usr/bin/ch-run",
            "--bind=/w:/w",
            "--bind=/w/runs/R 0:/w/runs/R 0",
            "--bind=/d:/x",
            "--cd=/w",
            "--set-env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "--more",
            "/i/model",
            *("--", "/bin/sh", "-c", "echo 1"),
        ]

    def test_charliecloud_takes_the_environment_that_the_image_was_built_with(self, tmp_path):
        (tmp_path / "ch").mkdir()
        (tmp_path / "ch/environment").write_text("LEVEL=3\n")
        line = command("charliecloud", image=str(tmp_path))
        assert line[line.index("--more") - 1] == "--set-env"

    @pytest.mark.parametrize(
        ("runtime", "vendor", "wanted"),
        [
            ("apptainer", "nvidia", {"--nv"}),
            ("singularity", "amd", {"--rocm"}),
            ("apptainer", "intel", set()),
            ("podman", "nvidia", {"--device=nvidia.com/gpu=all"}),
            (
                "podman",
                "amd",
                {"--device=/dev/kfd", "--device=/dev/dri", "--group-add=keep-groups"},
            ),
            ("podman", "intel", {"--device=/dev/dri", "--group-add=keep-groups"}),
            ("charliecloud", "nvidia", set()),
        ],
    )
    def test_accelerators_are_asked_for(self, runtime, vendor, wanted):
        assert set(command(runtime, vendor=vendor)) - set(command(runtime)) == wanted


class TestImages:
    @pytest.mark.parametrize(
        ("text", "image", "kind", "first"),
        [
            ("model.sif", "FOLDER/model.sif", "image file", "apptainer"),
            ("model.sqfs", "FOLDER/model.sqfs", "squashfs", "apptainer"),
            ("./model", "FOLDER/model", "directory", "charliecloud"),
            ("there", "FOLDER/there", "directory", "charliecloud"),
            ("/data/../data/m.sif", "/data/m.sif", "image file", "apptainer"),
            ("docker://alpine", "docker://alpine", "docker address", "apptainer"),
            ("oras://host/model:1", "oras://host/model:1", "address", "apptainer"),
            ("localhost/model:1", "localhost/model:1", "name", "podman"),
        ],
    )
    def test_a_text_names_a_path_or_an_image(self, text, image, kind, first, tmp_path):
        (tmp_path / "there").mkdir()
        found = image_of(text, tmp_path)
        assert found == image.replace("FOLDER", str(tmp_path))
        assert kind_of(found) == kind
        assert takers(found, launched=False)[0] == first
        assert "podman" not in takers(found, launched=True)


class TestAccelerators:
    @pytest.fixture(autouse=True)
    def no_nodes(self, monkeypatch):
        monkeypatch.setattr(containers, "NODES", {"amd": "/dev/nothing", "nvidia": "/dev/null"})

    @pytest.mark.parametrize(
        ("environment", "vendor"),
        [
            ({"CUDA_VISIBLE_DEVICES": "1"}, "nvidia"),
            ({"ROCR_VISIBLE_DEVICES": "0,1"}, "amd"),
            ({"ZE_AFFINITY_MASK": "0"}, "intel"),
            ({"CUDA_VISIBLE_DEVICES": ""}, ""),
            ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, ""),
            ({}, "nvidia"),
        ],
    )
    def test_they_are_used_if_the_worker_has_any(self, environment, vendor):
        assert containers.vendor_of(environment, None) == vendor
        assert containers.vendor_of(environment, False) == ""

    def test_they_have_to_be_there_if_they_are_wanted(self):
        with pytest.raises(TaskError, match=f"no accelerator; looked at {DEVICE_VARIABLES[0]}"):
            containers.vendor_of({"CUDA_VISIBLE_DEVICES": ""}, True)


def test_variables_that_name_files_of_the_host_stay_outside():
    kept = {"SUPERVISOR_POINT": "3", "PATH": "/bin", "PMI_RANK": "0", "USER": "me"}
    assert containers.reduced({**kept, "PYTHONPATH": "/p", "LD_PRELOAD": "lib.so"}) == kept


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Evaluates a point on a host whose only programs are given."""

    def alone(container, programs=()):
        (tmp_path / "bin").mkdir()
        for name, text in programs:
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        where = {"source_dir": str(tmp_path), "experiment_dir": str(tmp_path / "EXP")}
        executor = build(
            Objective(run="shell", shell="echo 1", container=container, **where), Seat(0)
        )
        result = evaluate(executor, 0, {})
        executor.close()
        return result

    return alone


def test_without_a_runtime_the_task_says_which_were_looked_for(alone, tmp_path):
    failure = alone(Container(image=str(tmp_path))).failure
    assert failure.kind == "exited"
    assert failure.message.startswith(
        f"task.container: no program of this host can run the directory {tmp_path}; "
        "looked for ch-run, podman, apptainer, singularity; install one, e.g. apt-get install"
    )


def test_without_the_image_the_task_says_so(alone, tmp_path):
    failure = alone(Container(image=str(tmp_path / "none.sif"))).failure
    assert failure.message == f"task.container: there is no {tmp_path}/none.sif on this host"


def test_the_first_runtime_that_is_there_is_taken(alone, tmp_path):
    programs = [("apptainer", "echo apptainer; echo 1"), ("podman", "echo podman; echo 1")]
    assert alone(Container(image=str(tmp_path)), programs).failure is None
    assert "podman" in (tmp_path / "EXP/runs/RUN000000/log.txt").read_text()


def test_an_old_ch_run_is_not_given_a_squashfs(alone, tmp_path):
    (tmp_path / "model.sqfs").touch()
    wanted = Container(image=str(tmp_path / "model.sqfs"), runtime="charliecloud")
    assert "looked for ch-run;" in alone(wanted, [("ch-run", "exit 0")]).failure.message


@pytest.mark.parametrize("knows", [True, False])
def test_charliecloud_gets_the_mount_points_that_the_image_lacks(alone, tmp_path, knows):
    image = tmp_path / "image"
    (image / "there").mkdir(parents=True)
    binds = (Bind("/d", "/there"), Bind("/d", "/new/point"), Bind("/d", "/new/point/in"))
    text = (
        f"case $1 in --help) {'echo --write-fake' if knows else ':'};; *) echo $@; echo 1;; esac"
    )
    assert alone(Container(image=str(image), binds=binds), [("ch-run", text)]).failure is None
    command = (tmp_path / "EXP/runs/RUN000000/log.txt").read_text()
    assert ("--write-fake" in command) == knows
    assert (image / "new/point").is_dir() != knows
    assert not (image / "new/point/in").exists()


def test_charliecloud_refuses_a_bind_for_reading(alone, tmp_path):
    binds = (Bind("/data", "/data", writable=False),)
    wanted = Container(image=str(tmp_path), binds=binds)
    failure = alone(wanted, [("ch-run", "echo 1")]).failure
    assert failure.message == "task.container.bind: charliecloud has no binds with ':ro'"
