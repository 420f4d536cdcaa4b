"""Files of other tools as workflows, one file each: ``read`` reads the one it is given."""

from __future__ import annotations

from pathlib import Path

from supervisor.converters.conversion import Conversion
from supervisor.converters.detect import UPF, detect
from supervisor.core.errors import InputError
from supervisor.core.registry import Registry

KINDS = Registry(
    "kind of file",
    {
        "definitions": "supervisor.converters.definitions:read",
        "ga": "supervisor.converters.candle_ga:read",
        "mlrmbo": "supervisor.converters.mlrmbo:read",
        "model": "supervisor.converters.model_file:read",
        "python": "supervisor.converters.python_spaces:read",
        "sweep": "supervisor.converters.sweeps:read",
        UPF: "supervisor.converters.given:read",
    },
)


def read(path: Path, kind: str | None = None) -> Conversion:
    """Return what a file of another tool says.

    Args:
        path: The file.
        kind: A name in ``KINDS``; None to tell it by the content.

    Raises:
        InputError: With the place of the first thing that is wrong.
    """
    text = _text(path)
    reader = KINDS.load(kind or detect(path, text), "--from")
    conversion: Conversion = reader(path, text)
    if conversion.points is None:
        conversion.check()
    return conversion


def _text(path: Path) -> str:
    """Return the text of a file, without a byte order mark, its lines ended by ``\\n``."""
    try:
        raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from error
    try:
        return raw.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"byte {raw[error.start]:#04x} is not UTF-8 text"
        raise InputError(f"{path}:{line}", problem) from error
