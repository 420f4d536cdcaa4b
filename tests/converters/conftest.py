"""Files to convert."""

from pathlib import Path

import pytest

from supervisor.converters import read


@pytest.fixture
def convert(tmp_path):
    """Return a function that writes a text and returns what it converts to."""

    def run(text, name="input.txt", kind=None):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(path, kind)

    return run


@pytest.fixture
def refused(convert):
    """Return a function that writes a text and returns the error, without its folder."""

    def run(text, name="input.txt", kind=None):
        from supervisor.core.errors import InputError

        with pytest.raises(InputError) as error:
            convert(text, name, kind)
        return str(error.value).replace(f"{Path(error.value.where).parent}/", "")

    return run
