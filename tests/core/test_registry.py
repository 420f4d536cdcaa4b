"""Names of parts, and code of the user's own."""

import json

import pytest

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.registry import Registry

PARTS = Registry("codec", {"json": "json:dumps", "gone": "not_installed_anywhere:f"})


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Write a module of the user's, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)
    names = iter(f"user_{abs(hash(request.node.nodeid))}_{index}" for index in range(9))

    def write(text):
        name = next(names)
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def test_a_short_name_is_loaded():
    assert PARTS.load("json", "w.yaml:1") is json.dumps


def test_an_unknown_name_has_a_hint():
    with pytest.raises(UnknownName, match=r"^w.yaml:1: unknown codec 'jsom'. Did you mean 'json'"):
        PARTS.load("jsom", "w.yaml:1")


def test_what_is_not_installed_is_named():
    with pytest.raises(InputError, match="'gone' needs not_installed_anywhere"):
        PARTS.load("gone", "here")


def test_code_of_the_user_is_loaded(module):
    name = module("class Search:\n    def make(): return 3\n")
    assert PARTS.load(f"{name}:Search.make", "here")() == 3


def test_a_missing_module_is_named():
    with pytest.raises(InputError, match=r"^here: there is no module 'my_labb'"):
        PARTS.load("my_labb.search:Anneal", "here")


def test_a_missing_submodule_is_named():
    with pytest.raises(InputError, match=r"there is no module 'json\.serach'"):
        PARTS.load("json.serach:Anneal", "here")


def test_a_missing_attribute_is_named(module):
    name = module("def anneal(): pass\n")
    with pytest.raises(InputError, match=rf"'{name}' has no 'aneal'. Did you mean 'anneal'\?"):
        PARTS.load(f"{name}:aneal", "here")


@pytest.mark.parametrize("path", [":", "a:", ":b", "a:b:c", "a b:c", "a..b:c", "../a:b"])
def test_a_malformed_path_is_refused(path):
    with pytest.raises(InputError, match="module:name"):
        PARTS.load(path, "here")


@pytest.mark.parametrize(
    ("text", "message", "cause"),
    [
        ("x = 1\nraise RuntimeError('no licence')\n", r"RuntimeError: no licence \(.*:2\)", None),
        ("import not_installed_anywhere\n", "No module named 'not_installed_anywhere'", None),
        ("def f(:\n", r"SyntaxError: .* line 1\)$", SyntaxError),
        ("raise SystemExit(0)\n", "SystemExit: 0", SystemExit),
    ],
)
def test_an_error_inside_the_module_is_carried(module, text, message, cause):
    with pytest.raises(InputError, match=message) as caught:
        PARTS.load(f"{module(text)}:f", "here")
    assert isinstance(caught.value.__cause__, cause or Exception)
