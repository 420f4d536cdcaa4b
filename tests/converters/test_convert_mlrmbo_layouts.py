"""Parameter sets of mlrMBO in any layout: what was written is read back."""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.converters.mlrmbo import read

HEADS = ("x", "learning_rate", "drop.out", "Z9", "_a", "if.any")
SPACES = ("", "", " ", "\n", "\t", "  \n ", " # it's a (comment\n", "#\n")

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
wholes = st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
reals = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))


def bounds(kind):
    return lambda pair: {kind: [pair[0] + 0, pair[0] + pair[1]]}


definitions = st.one_of(
    wholes.map(bounds("int")),
    reals.map(bounds("float")),
    st.just({"bool": [True, False]}),
    st.lists(texts, min_size=2, max_size=4, unique=True).map(lambda values: {"choice": values}),
)
spaces = st.lists(definitions, min_size=1, max_size=len(HEADS)).map(
    lambda several: dict(zip(HEADS, several, strict=False))
)


class Writer:
    """Writes R in a layout that ``rng`` chooses."""

    def __init__(self, rng):
        self.rng = rng

    def gap(self):
        return self.rng.choice(SPACES)

    def spaced(self, words, between=","):
        return between.join(f"{self.gap()}{word}{self.gap()}" for word in words)

    def number(self, value):
        ways = [repr(value), f"{value:.17e}", f"0 + {value!r}", f"({value!r})", f"- -{value!r}"]
        if isinstance(value, int):
            ways += [f"{value}L", f"{value}.0", f"{value}."]
        return self.rng.choice(ways)

    def text(self, value):
        quote = self.rng.choice("\"'")
        return quote + value.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote

    def arguments(self, kind, values):
        if kind == "choice":
            words = self.spaced(map(self.text, values))
            return [("values", f"c{self.gap()}({words})")]
        return (
            []
            if kind == "bool"
            else list(zip(("lower", "upper"), map(self.number, values), strict=True))
        )

    def call(self, name, definition):
        maker = {"int": "Integer", "float": "Numeric", "bool": "Logical", "choice": "Discrete"}
        [(kind, values)] = definition.items()
        arguments = [("id", self.text(name)), *self.arguments(kind, values)]
        words = [word for _, word in arguments]
        if self.rng.random() < 0.5:
            self.rng.shuffle(arguments)
            words = [self.spaced([key, word], "=") for key, word in arguments]
        return f"make{maker[kind]}Param{self.gap()}({self.spaced(words)})"

    def file(self, space):
        calls = [self.call(name, definition) for name, definition in space.items()]
        sign = self.rng.choice(["<-", "="])
        return f"{self.gap()}param.set {sign} makeParamSet{self.gap()}({self.spaced(calls)})"


@settings(deadline=None)
@given(spaces, st.integers(0, 2**32))
def test_a_set_in_any_layout_is_read_back(space, seed):
    text = Writer(random.Random(seed)).file(space)
    conversion = read(Path("space.R"), text)
    assert conversion.space == space
    assert list(conversion.space) == list(space)
    conversion.check()
