"""The documentation: its examples run, its commands exist, its tables say what the code says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import pytest

from supervisor.cli import supervisor
from supervisor.dataflow.schema import (
    ContainerSection,
    ObjectiveSection,
    PipelineSection,
    ResourcesSection,
    StepSection,
    StepTaskSection,
    TaskSection,
    WorkflowSection,
)
from supervisor.optimizers import KINDS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
WORKFLOWS = sorted((REPOSITORY / "workflows").glob("*/*.yaml"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([\w.]+)` \| (.*?) \| (.*?) \| .* \|$", re.MULTILINE)
SECTIONS = [
    ("", WorkflowSection),
    ("", PipelineSection),
    ("objective.", ObjectiveSection),
    ("task.", TaskSection),
    ("task.container.", ContainerSection),
    ("resources.", ResourcesSection),
    ("steps.NAME.", StepSection),
    ("steps.NAME.task.", StepTaskSection),
]


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """Return the name of the file that the first line says this is."""
        match = re.match(r"# (\w+\.(?:py|txt))$", self.text.partition("\n")[0])
        return match[1] if match else None

    @property
    def name(self) -> str:
        """Return what the workflow is called; empty if this is none."""
        match = re.search(r"^name: (\S+)$", self.text, re.MULTILINE)
        whole = self.language == "yaml" and re.search(
            r"^(objective|steps):", self.text, re.MULTILINE
        )
        return match[1] if match and whole else ""


def blocks(page: Path) -> list[Block]:
    return [Block(page, language, text) for language, text in BLOCK.findall(page.read_text())]


def examples() -> Iterator[object]:
    """Yield the complete workflows of all pages."""
    for page in PAGES:
        for block in blocks(page):
            if block.name:
                yield pytest.param(block, id=f"{page.stem}-{block.name}")


def shell_lines() -> Iterator[object]:
    """Yield the command lines of all pages, continued lines joined."""
    for page in PAGES:
        for block in blocks(page):
            if block.language == "bash":
                for line in block.text.replace("\\\n", " ").splitlines():
                    words = shlex.split(line, comments=True)
                    if words:
                        yield pytest.param(words, id=f"{page.stem}-{shlex.join(words)}")


def command_line(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # Beside the interpreter that runs the tests there is a python3 for the shell examples.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "supervisor", *arguments],
        cwd=cwd,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Write an example, and the files of its page beside it; return the workflow."""
    example: Block = request.param
    for block in blocks(example.page):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text)
    workflow = tmp_path / "workflow.yaml"
    workflow.write_text(example.text)
    return workflow


@pytest.mark.parametrize("unpacked", list(examples()), indirect=True)
def test_an_example_can_be_planned_and_run(unpacked: Path) -> None:
    if "import torch" in "".join(file.read_text() for file in unpacked.parent.glob("*.py")):
        pytest.importorskip("torch", reason="made by scripts/setup --with torch")
    ranks = ["-n", "5"] if "size: " in unpacked.read_text() else []
    planned = command_line("plan", "workflow.yaml", cwd=unpacked.parent)
    assert planned.returncode == 0, planned.stderr
    ran = command_line("run", *ranks, "workflow.yaml", cwd=unpacked.parent)
    assert ran.returncode == 0, ran.stderr
    if "\nsteps:" in unpacked.read_text():
        assert " 0 failed" in ran.stdout
    else:
        assert "best: " in ran.stdout
        assert "best: none" not in ran.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_of_a_page_have_different_names(page: Path) -> None:
    names = [block.file for block in blocks(page) if block.file]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("words", list(shell_lines()))
def test_commands_and_options_of_a_line_exist(words: list[str]) -> None:
    for word in words:
        if word.startswith(("workflows/", "scripts/", "./scripts/")):
            assert (REPOSITORY / word).exists(), word
    programs = [i for i, word in enumerate(words) if Path(word).name == "supervisor"]
    if not programs or words[0] == "pip":
        return
    name, *arguments = words[programs[0] + 1 :]
    assert name in supervisor.commands
    known = {option for one in supervisor.commands[name].params for option in one.opts}
    for option in takewhile(lambda word: not word.endswith(".py"), arguments):  # or a script's own
        assert not option.startswith("-") or option.partition("=")[0] in known, option


def test_every_command_is_in_the_readme() -> None:
    readme = PAGES[0].read_text()
    for name, command in supervisor.commands.items():
        assert f"supervisor {name}" in readme
        assert isinstance(command, click.Command)


@pytest.mark.parametrize(("prefix", "section"), SECTIONS)
def test_tables_of_keys_agree_with_the_schema(prefix: str, section: type[msgspec.Struct]) -> None:
    text = (REPOSITORY / "docs" / "workflow-file.md").read_text()
    rows = {key: default.strip("`") for key, _, default in ROW.findall(text)}
    for field in msgspec.structs.fields(section):
        key = prefix + field.encode_name
        assert rows.get(key) == default_text(field), key


def default_text(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        made = field.default_factory()
        return "{}" if isinstance(made, msgspec.Struct) else str(made)
    if isinstance(field.default, msgspec.Struct):
        return "{}"
    return "none" if field.default is None else str(field.default)


def test_every_optimizer_is_documented() -> None:
    text = (REPOSITORY / "docs" / "workflow-file.md").read_text()
    for kind in set(KINDS.entries) - {"upf"}:  # written as "points"
        assert f"\n| `{kind}` |" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            linked = page.parent / file if file else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_workflows_have_a_readme_and_can_be_planned(workflow: Path) -> None:
    assert (workflow.parent / "README.md").is_file()
    planned = command_line("plan", str(workflow), cwd=REPOSITORY)
    assert planned.returncode == 0, planned.stderr
