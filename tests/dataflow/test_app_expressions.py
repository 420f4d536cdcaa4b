"""Any expression, evaluated by apps in one process, has the value that Python gives it."""

import functools
import operator

from hypothesis import given, settings
from hypothesis import strategies as st

import supervisor
from supervisor import app, gather

BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul}
WORD = st.integers(-9, 9)
TREES = st.recursive(
    WORD, lambda inner: st.tuples(st.sampled_from([*BINARY, "sum"]), st.lists(inner, max_size=4))
)


def plain(tree):
    """Evaluate a tree as Python does."""
    if isinstance(tree, int):
        return tree
    sign, inner = tree
    return fold(sign, [plain(one) for one in inner])


def fold(sign, values):
    return sum(values) if sign == "sum" else functools.reduce(BINARY[sign], values, 1)


fold_app = app(fold)


def by_calls(tree):
    """Evaluate a tree by a call for each node, all put at once."""
    if isinstance(tree, int):
        return tree
    sign, inner = tree
    return fold_app.using(priority=len(inner))(sign, [by_calls(one) for one in inner])


@app
def by_recursion(tree):
    """Evaluate a tree by calls that make calls."""
    if isinstance(tree, int):
        return tree
    sign, inner = tree
    return folded(sign, [by_recursion(one) for one in inner])


@app
def folded(sign, values):
    return fold(sign, values)


@settings(deadline=None, max_examples=100)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_any_tree_of_calls_has_the_value_of_the_expression(trees):
    with supervisor.flow() as flow:
        given_at_once = gather([by_calls(tree) for tree in trees])
        recursive = gather([by_recursion(tree) for tree in trees])
        assert given_at_once.result() == [plain(tree) for tree in trees]
        assert recursive.result() == [plain(tree) for tree in trees]
    assert flow.unheard == []
