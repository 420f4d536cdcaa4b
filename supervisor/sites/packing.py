"""The environment as one archive, which each node of a job unpacks to storage of its own.

With thousands of ranks on a shared file system, the files that they open when they start decide
how long a start takes. One process a node reads one archive instead; then all that Python opens
is on the node.
"""

from __future__ import annotations

import compileall
import hashlib
import io
import os
import shlex
import tarfile
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

from supervisor.core.errors import InputError
from supervisor.sites.environment import INTERPRETER, PACKAGE, Environment

FORMAT = 1  # changes when equal environments would give another archive


def key_of(files: Mapping[str, Path]) -> str:
    """Return what changes when a file does; what Python caches beside its sources does not count.

    Args:
        files: Names in the archive, and where the files are.
    """
    digest = hashlib.sha256(f"{FORMAT}\n".encode())
    for name, path in sorted(files.items()):
        if "/__pycache__/" not in name:
            about = path.lstat()
            target = path.readlink() if path.is_symlink() else ""
            digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\0{target}\n".encode())
    return digest.hexdigest()[:12]


def pack(prefix: Path, target: Path) -> Path:
    """Return the archive of an environment; it is made if it is not there yet.

    The archive holds the virtual environment, this package even if it is installed in editable
    mode, and the Python that the environment was made from, unless that is the system's. Its name
    tells its content: a change of the environment makes another archive. Archives are not
    compressed, because unpacking is what every node waits for.

    Args:
        prefix: The environment, e.g. ``sys.prefix``.
        target: Folder of archives; it is made if need be.

    Raises:
        InputError: If the environment cannot be packed, or the archive cannot be written.
    """
    environment = Environment(prefix.absolute())
    files = environment.files()
    archive = target / f"supervisor-{key_of(files)}.tar"
    if archive.exists():
        return archive
    with warnings.catch_warnings(action="ignore"):
        for folder in (environment.site_packages, PACKAGE):  # or each rank would compile them
            compileall.compile_dir(folder, quiet=2)
    files = environment.files()
    temporary = None
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target, suffix=".part", delete=False) as stream:
            temporary = Path(stream.name)
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as opened:
                for name, path in sorted(files.items()):
                    _add(opened, name, path, environment)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(archive)
    except OSError as error:
        raise InputError(str(archive), f"cannot be written: {error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return archive


def _add(opened: tarfile.TarFile, name: str, path: Path, environment: Environment) -> None:
    """Add a file to the archive, so that it holds wherever it is unpacked."""
    entry = opened.gettarinfo(path, name)
    if entry is None:
        return  # a socket or the like
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = int(entry.mtime)
    if entry.issym():
        entry.linkname = environment.moved_link(name, path)
    if not entry.isreg():
        opened.addfile(entry)
        return
    data = environment.moved(name, path)
    if data is None:
        with path.open("rb") as file:
            opened.addfile(entry, file)
    else:
        entry.size = len(data)
        opened.addfile(entry, io.BytesIO(data))


_UNPACK = """\
# Unpack the archive $1 to the folder $2 of this node, unless an earlier job has done so.
if [ ! -e "$2" ]; then
    # mktemp fills in the last letters.
    mkdir -p -- "${2%/*}" && part=$(mktemp -d "$2.XXXXXX") || exit 1
    if tar -xof "$1" -C "$part" && {
        [ ! -d "$part/INTERPRETER" ] ||
            printf "home = %s/INTERPRETER/bin\\n" "$2" >>"$part/pyvenv.cfg"
    }; then
        mv -T -- "$part" "$2" 2>/dev/null || [ -d "$2" ] # another job was faster
    fi
    rm -rf -- "$part"
fi
[ -O "$2" ] && exit
problem="$1 could not be unpacked to $2"
[ ! -e "$2" ] || problem="$2 belongs to another user; name a folder of your own"
echo "supervisor: $(uname -n): $problem" >&2
exit 1
"""


def unpacking_lines(archive: Path, node_local: str, each_node: str = "") -> list[str]:
    """Return the lines of a job script that unpack an archive once on every node.

    After them, ``$environment`` is the folder of the environment, the same on all nodes. It is
    complete as soon as it exists, so that jobs on one node share it, and stays for jobs to come.

    Args:
        archive: What ``pack`` returned.
        node_local: Storage of a node, as the shell writes it; variables are expanded.
        each_node: Command that starts another one once on every node; empty for this node only.

    Raises:
        InputError: If there is no such storage.
    """
    if not node_local:
        raise InputError(
            "node_local", "is empty: there is no storage of a node to unpack the environment to"
        )
    script = shlex.quote(_UNPACK.replace("INTERPRETER", INTERPRETER))
    start = f"{each_node} sh" if each_node else "sh"
    return [
        f'environment="{node_local}/{archive.stem}"',
        f"unpack={script}",
        f'{start} -c "$unpack" unpack {shlex.quote(str(archive))} "$environment" || exit 1',
    ]
