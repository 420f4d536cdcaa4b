"""The documentation's Python workflows: they run, print what the page says, and miss no name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import supervisor
from supervisor.dataflow.app import App
from supervisor.dataflow.future import Future
from tests.test_docs import PAGES, REPOSITORY, Block, blocks, command_line

REFERENCE = (REPOSITORY / "docs" / "dataflow-reference.md").read_text()
HOME = "/home/me"


def scripts() -> Iterator[object]:
    """Yield each script that has a main, with the output that the next block shows."""
    for page in PAGES:
        for script, shown in pairwise([*blocks(page), Block(page, "", "")]):
            if script.file and "\ndef main(" in script.text:
                output = "" if shown.language else shown.text
                yield pytest.param(script, output, id=f"{page.stem}-{script.file}")


@pytest.mark.parametrize(("script", "output"), list(scripts()))
def test_a_script_prints_what_the_page_shows(script: Block, output: str, tmp_path: Path) -> None:
    assert script.file is not None
    (tmp_path / script.file).write_text(script.text)
    ranks = ["-n", "5"] if "size=" in script.text else []
    ran = command_line("run", *ranks, script.file, "--quiet", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert output, "the page does not show what it prints"
    assert ran.stdout.replace(str(tmp_path), HOME) == output


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("Reference of the Python workflows", {*supervisor.__all__}),
        ("App", {"f"} | {f"f.{name}" for name in ("map", "foreach", "using", "function")}),
        ("Future", {name for name in vars(Future) if callable(vars(Future)[name])}),
    ],
)
def test_the_reference_has_all_names_and_no_other(title: str, known: set[str]) -> None:
    [section] = re.findall(rf"^#+ {title}\n(.*?)(?=^#|\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| (`.*?`) \| ", section, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([\w.]+)", cell)}
    assert named == {name for name in known if not name.startswith("_") or name == "__version__"}


def test_the_reference_names_members_that_exist() -> None:
    for name in re.findall(r"^\| `f\.(\w+)", REFERENCE, re.MULTILINE):
        assert hasattr(App, name) or name == "function"
