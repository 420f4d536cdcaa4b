"""The command lines of container runtimes: what runs a script inside of an image.

Each gives the same: the working directory, the binds, the host's ``/tmp``, shared memory and
network, and nothing of the home directory.

Source: the manuals apptainer-exec(1), podman-run(1) and ch-run(1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from supervisor.core.objective import Bind, Runtime

Vendor = Literal["", "nvidia", "amd", "intel"]

SHELL = "/bin/sh"
SHARED = ("/tmp", "/dev/shm")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEEP_FIRST = 'sh -c "$1"; exit $?'
"""Runs a script as the second process: the first one of a PID namespace ignores signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a script finds in its container.

    Attributes:
        image: A path, or a name.
        folder: The working directory.
        binds: In this order; a later one may lie in an earlier one.
        variables: Names of those that get in.
        vendor: Whose accelerators it uses, if any.
        options: Further ones of the runtime.
        name: Of the container, for runtimes that keep a list of them.
    """

    image: str
    folder: str
    binds: Sequence[Bind]
    variables: Sequence[str] = ()
    vendor: Vendor = ""
    options: Sequence[str] = ()
    name: str = ""


def apptainer(program: str, setting: Setting, script: str) -> list[str]:
    """Return the command of Apptainer, or of Singularity; the environment gets in by itself."""
    devices = {"nvidia": ["--nv"], "amd": ["--rocm"]}
    return [
        program,
        "exec",
        "--no-mount=home,cwd",
        *(f"--bind={written(one, reading=':ro')}" for one in setting.binds),
        f"--pwd={setting.folder}",
        *devices.get(setting.vendor, []),
        *setting.options,
        setting.image,
        SHELL,
        "-c",
        script,
    ]


def podman(program: str, setting: Setting, script: str) -> list[str]:
    """Return the command of Podman.

    Without control groups the container stays in those of the batch job, which count it and end
    it. Its root is the user outside.
    """
    devices = {
        "nvidia": ["--device=nvidia.com/gpu=all"],
        "amd": ["--device=/dev/kfd", "--device=/dev/dri", "--group-add=keep-groups"],
        "intel": ["--device=/dev/dri", "--group-add=keep-groups"],
    }
    targets = {one.target for one in setting.binds}
    shared = [Bind(path, path) for path in SHARED if path not in targets]
    # What is written to a directory goes to an overlay, which is dropped.
    image = ["--rootfs", f"{setting.image}:O"] if setting.image[:1] == "/" else [setting.image]
    return [
        program,
        "run",
        "--rm",
        f"--name={setting.name}",
        "--replace",
        "--cgroups=disabled",
        "--network=host",
        "--log-driver=none",
        "--security-opt=label=disable",
        "--user=0:0",
        "--entrypoint=",
        *(f"--volume={written(one, reading=':ro')}" for one in [*shared, *setting.binds]),
        f"--workdir={setting.folder}",
        *(f"--env={name}" for name in setting.variables),
        *devices.get(setting.vendor, []),
        *setting.options,
        *image,
        SHELL,
        "-c",
        KEEP_FIRST,
        "sh",
        script,
    ]


def charliecloud(program: str, setting: Setting, script: str) -> list[str]:
    """Return the command of Charliecloud, whose binds are all writable, and which shows the
    devices of the host by itself.
    """
    written_down = Path(setting.image, "ch", "environment").is_file()  # by the image's builder
    return [
        program,
        *(f"--bind={written(one)}" for one in setting.binds),
        f"--cd={setting.folder}",
        f"--set-env=PATH={PATH}",
        *(["--set-env"] if written_down else []),
        *setting.options,
        setting.image,
        "--",
        SHELL,
        "-c",
        script,
    ]


def written(bind: Bind, reading: str = "") -> str:
    """Return a bind as options take it; one for reading only ends with ``reading``."""
    return f"{bind.source}:{bind.target}{'' if bind.writable else reading}"


COMMANDS: dict[Runtime, tuple[str, Callable[[str, Setting, str], list[str]]]] = {
    "apptainer": ("apptainer", apptainer),
    "singularity": ("singularity", apptainer),
    "podman": ("podman", podman),
    "charliecloud": ("ch-run", charliecloud),
}
"""The program of each runtime, and what makes its command."""
