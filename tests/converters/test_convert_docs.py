"""The page on converting shows what the command prints, and names every kind of file."""

import re
from pathlib import Path

from supervisor.converters import KINDS, read
from supervisor.converters.write import write

PAGE = (Path(__file__).parents[2] / "docs" / "converting.md").read_text()


def test_the_page_shows_what_is_printed(tmp_path):
    (source,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```\n(# From .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "space.json"
    path.write_text(source)
    assert write(read(path)) == shown


def test_every_kind_is_in_the_table():
    assert set(re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE)) == set(KINDS.entries)
