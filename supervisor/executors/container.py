"""Commands that run in a container, by a runtime that the worker's host has."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from supervisor.core.objective import Bind, Container, Runtime
from supervisor.executors.devices import DEVICE_VARIABLES
from supervisor.executors.failures import TaskError
from supervisor.executors.images import kind_of, refusal, takers
from supervisor.executors.runtimes import COMMANDS, SHARED, Setting, Vendor

INSIDE = (*DEVICE_VARIABLES, "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "LANG", "TZ")
INSIDE_PREFIXES = (
    *("SUPERVISOR_", "OMP_", "OPENBLAS_", "MKL_", "KMP_", "NCCL_", "LC_", "SLURM_", "FLUX_"),
    *("PALS_", "PMI", "PRTE_", "HYDI_", "HYDRA_", "OMPI_", "I_MPI_", "MPI", "FI_", "UCX_"),
)
"""The variables that commands see: what the task is told, and what configures threads and MPI.
Others may name files that are not in the container."""

BESIDE = ("HOME", "LOGNAME", "PATH", "USER", "XDG_RUNTIME_DIR")
BESIDE_PREFIXES = ("APPTAINER", "SINGULARITY")
"""Further variables that runtimes want."""

VENDORS: tuple[Vendor, ...] = ("nvidia", "amd", "intel")
"""Those of ``DEVICE_VARIABLES``, in their order."""

NODES: dict[Vendor, str] = {"nvidia": "/dev/nvidiactl", "amd": "/dev/kfd"}
NO_DEVICES = ("", "-1", "NoDevFiles")
"""How variables and batch systems say that a process has no device."""

PATIENCE_S = 60
ADVICE = "install one, e.g. apt-get install charliecloud-runtime, or load its module"


class Contained:
    """Puts commands into a container.

    Args:
        container: What they run in.
        folder: The workflow's, where they run.
        runs: Folder of all run directories; None if they have none, and write to ``folder``.
        launched: Whether an MPI launcher starts each of them.
    """

    def __init__(
        self, container: Container, folder: str, runs: Path | None, *, launched: bool = False
    ) -> None:
        self._container = container
        self._folder = folder
        self._runs = runs
        self._launched = launched

    def wrap(
        self, script: str, folder: Path | None, environment: Mapping[str, str]
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command that runs a script in the container, and its environment.

        Args:
            script: For ``sh``.
            folder: The run directory, if the task uses it.
            environment: What the script would have outside.

        Raises:
            TaskError: If there is no image, no runtime or no accelerator as asked for, or if a
                path cannot be bound.
        """
        runtime, program = self._found
        binds = self._binds(runtime, folder)
        image = self._container.image
        points = mount_points(program, image, binds) if runtime == "charliecloud" else []
        setting = Setting(
            image=image,
            folder=self._folder,
            binds=binds,
            variables=[name for name in environment if is_inside(name)],
            vendor=vendor_of(environment, self._container.devices),
            options=[*points, *self._container.options],
            name=container_name() if runtime == "podman" else "",
        )
        command = COMMANDS[runtime][1](program, setting, script)
        if runtime == "podman":
            return command, {**environment}  # which only lets in what it is told to
        kept = reduced(environment)
        if not self._launched:
            return command, kept
        # Only behind the launcher, which may need more.
        unset = [f"-u{name}" for name in environment if name not in kept]
        return ["env", *unset, *command], {**environment, **kept}

    @cached_property
    def _found(self) -> tuple[Runtime, str]:
        """The runtime, and its program."""
        image, wanted = self._container.image, self._container.runtime
        if image.startswith("/") and not Path(image).exists():
            raise TaskError("invalid", f"task.container: there is no {image} on this host")
        problem = wanted and refusal(wanted, image, launched=self._launched)
        if problem:
            raise TaskError("invalid", f"task.container: {problem}")
        names = [wanted] if wanted else takers(image, launched=self._launched)
        for name in names:
            program = shutil.which(COMMANDS[name][0])
            if program is not None and can_run(name, program, image):
                return name, program
        looked = ", ".join(COMMANDS[name][0] for name in names)
        text = f"no program of this host can run the {kind_of(image)} {image}"
        raise TaskError("exited", f"task.container: {text}; looked for {looked}; {ADVICE}")

    def _binds(self, runtime: Runtime, folder: Path | None) -> list[Bind]:
        given = self._container.binds
        binds = [Bind(self._folder, self._folder, writable=self._runs is None)]
        if folder is not None and runtime == "charliecloud":
            # One mount point for all runs, as it may have to be made in the image.
            folder = self._runs
        if folder is not None:
            binds.append(Bind(str(folder), str(folder)))
        targets = {one.target for one in given}
        binds = [*(one for one in binds if one.target not in targets), *given]
        for one in binds:
            if any(mark in f"{one.source}{one.target}" for mark in ":,"):
                text = f"no runtime binds a path with a colon or a comma: {one.source}"
                raise TaskError("invalid", f"task.container: {text}")
        if runtime == "charliecloud" and not all(one.writable for one in given):
            raise TaskError("invalid", "task.container.bind: charliecloud has no binds with ':ro'")
        return binds


def is_inside(name: str) -> bool:
    """Tell whether commands in a container see a variable."""
    return name in INSIDE or name.startswith(INSIDE_PREFIXES)


def reduced(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for runtimes that let all of theirs in."""
    kept = {
        name: value
        for name, value in environment.items()
        if is_inside(name) or name in BESIDE or name.startswith(BESIDE_PREFIXES)
    }
    kept.setdefault("USER", str(os.getuid()))  # ch-run does not start without
    return kept


def can_run(runtime: Runtime, program: str, image: str) -> bool:
    """Tell whether a program was built for an image; an old ch-run only knows directories."""
    kind = kind_of(image)
    if runtime != "charliecloud" or kind == "directory":
        return True
    return has_overlay(program) and (kind == "name" or asked(program, "--feature=squash")[0] == 0)


def mount_points(program: str, image: str, binds: Sequence[Bind]) -> list[str]:
    """Return the options of ch-run that let there be mount points which the image does not have.

    Where it has no such option, they are made in the image; not those of single files.

    Raises:
        TaskError: If they cannot be made.
    """
    if kind_of(image) != "directory":
        return ["--write-fake"]
    missing: list[Path] = []
    above = [*SHARED]
    for one in binds:
        point = Path(image, one.target.lstrip("/"))
        inside = any(Path(one.target).is_relative_to(other) for other in above)
        if not (inside or point.exists() or Path(one.source).is_file()):
            missing.append(point)
        above.append(one.target)
    if missing and has_overlay(program):
        return ["--write-fake"]
    for point in missing:
        try:
            point.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"{error.strerror}; make this folder in the image, as a mount point"
            raise TaskError("invalid", f"task.container: {point}: {text}") from error
    return []


def has_overlay(program: str) -> bool:
    """Tell whether a ch-run can lay something writable over an image."""
    return "--write-fake" in asked(program, "--help")[1]


@cache
def asked(program: str, question: str) -> tuple[int, str]:
    """Return the exit code of a program and what it prints when it is asked something."""
    answer = subprocess.run(
        [program, question],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=reduced(os.environ),
    )
    return answer.returncode, answer.stdout


def vendor_of(environment: Mapping[str, str], wanted: bool | None) -> Vendor:
    """Return whose accelerators a task uses; empty for none.

    Args:
        environment: The worker's; the first variable that names devices says whose they are.
        wanted: Whether to use them; None for those there are.

    Raises:
        TaskError: If they are wanted and not there.
    """
    if wanted is False:
        return ""
    named = [
        "" if environment[variable] in NO_DEVICES else vendor
        for variable, vendor in zip(DEVICE_VARIABLES, VENDORS, strict=True)
        if variable in environment
    ]
    present = [vendor for vendor, node in NODES.items() if Path(node).exists()]
    found = [*named, *present, ""][0]
    if wanted and not found:
        looked = ", ".join([*DEVICE_VARIABLES, *NODES.values()])
        text = f"this worker has no accelerator; looked at {looked}"
        raise TaskError("exited", f"task.container.devices: {text}")
    return found


def container_name() -> str:
    """Return a name that is the same for all tasks of a worker, which follow each other.

    So what a task that was killed leaves in the list of containers goes with the next one.
    """
    import psutil  # late: only some runtimes need it

    worker = psutil.Process(os.getppid()).ppid()
    return f"supervisor-{socket.gethostname()}-{worker}"
