"""A folder with a workflow that is right, and how bad input is refused there."""

import pytest

from supervisor.cli import execute
from tests.cli.good import GOOD


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text("def run(params):\n    return params['x']\n")
    (tmp_path / "empty.txt").write_text("# nothing\n\n")
    (tmp_path / "broken.txt").write_text('{"id": "a"}\n{"id": \n')
    (tmp_path / "workflow.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refusal(folder, capsys):
    """Return a function that gives the one line a command says of bad input."""

    def refused(*arguments):
        before = sorted(folder.rglob("*"))
        assert execute(arguments) == 2
        said = capsys.readouterr()
        assert said.err.startswith("supervisor: ")
        assert said.err.count("\n") == 1, "one message"
        assert said.out == ""
        after = [one for one in sorted(folder.rglob("*")) if "__pycache__" not in one.parts]
        assert after == before, "nothing is created"
        return said.err

    return refused
