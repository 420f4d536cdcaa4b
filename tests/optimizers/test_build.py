"""From the optimizer of a workflow to an object that is asked and told."""

from pathlib import Path

import pytest

from supervisor.core.errors import InputError, OptimizerError, UnknownName
from supervisor.optimizers import KINDS, Recipe
from tests.contracts.optimizer import SPACE

SEARCHES = """
class Anneal:
    def __init__(self, space, *, seed: int, cooling: float = 0.9, moves: list[str] = ()):
        self.space, self.settings = space, (seed, cooling, moves)
    def ask(self, n): return []
    def tell(self, results): pass

def spiral(space, turns, *, note="", **others):
    yield {"turns": turns, "note": note, **others}

def broken(space): raise RuntimeError("no licence")
def nothing(space): pass
def no_space(*, seed): pass
def typed(space, *, unknown: "Missing"): yield {"unknown": unknown}
constant = 3
"""


def where(*path):
    return "w.yaml:5 " + ".".join(map(str, path))


def build(kind, settings, space, where):
    return Recipe(kind, settings, space, where, Path()).build()


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_searches.py").write_text(SEARCHES)
    yield lambda name, **settings: build(f"own_searches:{name}", settings, SPACE, where)
    monkeypatch.delitem(__import__("sys").modules, "own_searches", raising=False)


def test_every_kind_can_be_loaded():
    for kind in KINDS.entries:
        assert callable(KINDS.load(kind, "here"))


def test_a_kind_is_built_with_its_settings():
    optimizer = build("random", {"evaluations": 3, "seed": 1}, SPACE, where)
    assert len(optimizer.ask(9)) == 3


@pytest.mark.parametrize(
    ("kind", "settings", "error", "message"),
    [
        ("baysian", {}, UnknownName, "w.yaml:5 optimizer.kind: unknown optimizer 'baysian'"),
        ("randon", {}, UnknownName, "Did you mean 'random'?"),
        ("random", {"evalutions": 3}, UnknownName, "optimizer.evalutions: unknown setting"),
        ("random", {"evalutions": 3}, UnknownName, "Did you mean 'evaluations'?"),
        ("random", {}, InputError, "optimizer 'random' needs the setting 'evaluations'"),
        ("random", {"evaluations": "3"}, InputError, "'3': Expected `int`, got `str`"),
        (
            "random",
            {"evaluations": 0},
            InputError,
            "optimizer.evaluations: 0: Expected `int` >= 1",
        ),
        ("random", {"evaluations": True}, InputError, "True: Expected `int`, got `bool`"),
        ("grid", {"steps": 1.5}, InputError, "optimizer.steps: 1.5: Expected"),
    ],
)
def test_wrong_settings_are_located(kind, settings, error, message):
    with pytest.raises(error) as caught:
        build(kind, settings, SPACE, where)
    assert message in str(caught.value)


def test_a_class_of_the_user_is_built(own):
    assert own("Anneal", seed=3, cooling=1).settings == (3, 1.0, ())
    with pytest.raises(InputError, match=r"optimizer.moves: .* Expected `array`"):
        own("Anneal", seed=3, moves="up")
    with pytest.raises(InputError, match="needs the setting 'seed'"):
        own("Anneal")


def test_other_arguments_than_keyword_only_ones_are_settings_too(own):
    assert own("spiral", turns=3, colour="red").ask(1) == [
        {"turns": 3, "note": "", "colour": "red"}
    ]
    with pytest.raises(InputError, match="needs the setting 'turns'"):
        own("spiral")


def test_annotations_that_cannot_be_resolved_are_not_checked(own):
    assert own("typed", unknown=3).ask(1) == [{"unknown": 3}]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("broken", OptimizerError, r"RuntimeError: no licence \(.*own_searches.py:11\)"),
        ("nothing", OptimizerError, "not a NoneType"),
        ("no_space", InputError, "does not take the space"),
        ("constant", InputError, "not a function or a class, but a int"),
        ("Aneal", InputError, "Did you mean 'Anneal'"),
    ],
)
def test_a_factory_that_does_not_work_is_explained(own, name, error, message):
    with pytest.raises(error, match=message):
        own(name)
