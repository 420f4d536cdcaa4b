"""Damaged files: whatever is wrong is an error of the user's, with the file's name."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.converters import KINDS
from supervisor.converters.detect import detect
from supervisor.core.errors import InputError

EXAMPLES = {
    "ga": """[{"name": "a", "type": "float", "lower": "0.1", "upper": 1e1, "sigma": 0.1,
 "use_log_scale": true}, {"name": "b", "type": "ordered", "values": [1, 2], "element_type": "int"},
 {"name": "c", "type": "constant", "value": null, "comment": "x"}]""",
    "sweep": """{"parameters": {"a": [1, 2.5], "b": [3, 3]},\n "samples": {"num": [7]}}""",
    "mlrmbo": """s <- c('a', "b"); param.set <- makeParamSet( # c
  makeDiscreteParam("k", values = s), makeIntegerParam("n", lower=1L, 3, trafo = function(x) 2^x),
  makeNumericVectorParam("w", len = 2, lower = -1e-1, upper = 1),
  makeNumericParam("r", 0, 1, requires = quote(k == "a" && !(k %in% c("b")))))""",
    "model": "[A]\nx = 'a' # c\ny=[1,\n  (2, 3)]\nz: None\n[B C]\nx=5\n",
    "definitions": "a:\n  description: a\n  values: [1, two]\nb: {values: ['x', 3.5]}\n",
    "python": """space = OrderedDict([("a", (1, 2))])
space["b"] = (1e-3, 10 ** -1, "log-uniform")
x = [Integer(1, 2, name="c"), hp.quniform("d", 0, 1, 0.5), hp.loguniform("e", -2, np.log(2))]
def run(trial): trial.suggest_float("f", 0, 1, step=0.25)""",
    "upf": '{"id": "a", "x": 1}\n',
}


@st.composite
def damaged(draw):
    """Return a kind, and an example of it with a stretch replaced by another."""
    kind = draw(st.sampled_from(sorted(EXAMPLES)))
    text = EXAMPLES[kind]
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 6)))
    source = EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))]
    first = draw(st.integers(0, len(source)))
    pieces = st.text(max_size=3) | st.just(source[first : first + draw(st.integers(0, 12))])
    return kind, text[:start] + draw(pieces) + text[end:]


@settings(deadline=None)
@given(damaged())
def test_a_damaged_file_is_read_or_refused(case):
    kind, text = case
    path = Path("some.file")
    try:
        conversion = KINDS.load(kind, "")(path, text)
        if conversion.points is None:
            conversion.check()
    except InputError as error:
        assert "some.file" in error.where
        assert "\n" not in error.where


@settings(deadline=None)
@given(damaged())
def test_the_kind_of_a_damaged_file_is_told_or_not(case):
    try:
        assert detect(Path("some.file"), case[1]) in KINDS.entries
    except InputError as error:
        assert "some.file" in error.where


def test_the_examples_are_whole():
    for kind, text in EXAMPLES.items():
        conversion = KINDS.load(kind, "")(Path("some.file"), text)
        assert conversion.points or conversion.check()
        assert detect(Path("some.file"), text) == kind
