"""What is wrong in parameter sets of mlrMBO is told with its line."""

import pytest

from tests.converters.r_files import set_of


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("makeNumericParam()", ":2: makeNumericParam needs 'id'"),
        ('makeNumericParam("x", lower = 0)', ":2: makeNumericParam needs 'upper'"),
        (
            'makeNumericParam("x", lower = 0,\n upper = Inf)',
            ":3: the bound upper = inf is not a finite",
        ),
        ('makeNumericParam("x", lower = "a", upper = 1)', ":2: the bound lower = a is not"),
        (
            'makeNumericParam("x", lower = c(1, 2), upper = 1)',
            ":2: 2 values for 'lower'; give one",
        ),
        ('makeNumericParam("x", lower = 2, upper = 1)', ":2 x: the lower bound 2.0 is above"),
        ('makeIntegerParam("x", lower = 0.5, upper = 1)', "0.5 and 1 are not whole numbers"),
        ('makeNumericParam("x", 0, 1, lowr = 3)', "has no argument 'lowr'. Did you mean 'lower'?"),
        ('makeNumericParam("x", 0, 1, lower = 3, lo = 2)', "is given 'lower' twice"),
        ('makeLogicalParam("x", 1, 2, 3, 4, 5)', "makeLogicalParam has 5 arguments at most"),
        ('makeDiscreteParam("x")', ":2: makeDiscreteParam needs 'values'"),
        ('makeDiscreteParam("x", values = c())', ":2: there is no value to choose from"),
        ('makeDiscreteParam("x", values = c("a", "a"))', ":2 x: 'a' is there twice"),
        ('makeDiscreteParam("x", values = list(c(1, 2)))', ":2: list: 2 values in one place"),
        (
            'makeDiscreteParam("x", values = sizes)',
            ":2: the variable 'sizes' has no value in this",
        ),
        ('makeDiscreteParam("x", values(0, 1))', ":2: values() cannot be read here"),
        ('makeDiscreteParam("x", values = sek(1, 2))', "Did you mean 'seq'?"),
        ('makeDiscreteParam("x", values = c("a") + 1)', ":2: +: 'a' is not a number"),
        ('makeDiscreteParam("x", values = 1 / 0)', ":2: /: division by zero"),
        ('makeDiscreteParam("x", values = 10 ^ 999)', ":2: ^: math range error"),
        ('makeDiscreteParam("x", values = log(-1))', ":2: log: "),
        ('makeDiscreteParam("x", values = 1:1e9)', ":2: :: there would be 1e+09 values"),
        ('makeDiscreteParam("x", values = seq(0, 1, by = 0))', ":2: seq: "),
        ('makeDiscretParam("x", values = 1)', "Did you mean 'makeDiscreteParam'?"),
        ("3", ":2: this is not a parameter"),
        ('keep = makeLogicalParam("x")', "makeParamSet has no argument 'keep'"),
        ('makeIntegerParam("x", 1, 3, trafo = 2)', ":2: trafo is not of the form function(x)"),
        ('makeIntegerParam("x", 1, 3, trafo = function(x, y) x)', "exactly one argument"),
        ('makeIntegerParam("x", 1, 3, trafo = function(x) 1:x)', "gives 2 values of one"),
        ('makeIntegerParam("x", 1, 1e6, trafo = function(x) x)', "more than 10000 numbers"),
        ('makeNumericParam("x", 1, 3, trafo = function(x) x^2)', "neither linear nor exponential"),
        ('makeNumericParam("x", 1, 3, trafo = function(x) 2)', "the same value at both bounds"),
        ('makeNumericVectorParam("x", 0, lower = 0, upper = 1)', "x: len is 0; give 1 to 1000"),
        ('makeLogicalParam("x", requires = y == 1)', "a condition has the form quote(...)"),
        ('makeLogicalParam("x", requires = quote(f(y)))', "f() cannot stand in a condition"),
        ('makeLogicalParam("x", requires = quote(y == 1))', "unknown parameter 'y'"),
        (
            'makeIntegerParam("a", 1, 3, trafo = function(x) 2^x),\n'
            'makeLogicalParam("x", requires = quote(a == 1))',
            ":3: the condition 'a == 1' is about 'a' before its trafo",
        ),
        (
            'makeLogicalParam("x"),\nmakeLogicalParam("x")',
            ":3: 'x' is declared twice, first in line 2",
        ),
        ('makeLogicalParam("x",)', ":2: an argument is missing before ')'"),
        ('makeLogicalParam("x"),,', ":2: an argument is missing before ','"),
        (
            'makeLogicalParam("x") makeLogicalParam("y")',
            "unexpected 'makeLogicalParam'; ',' or ')'",
        ),
        ('makeNumericParam("x", .0.1, 1)', ":2: not R that can be read: unexpected '.1'"),
        ('makeNumericParam("x", c(0, 1', ":2: the parenthesis '(' of makeNumericParam is never"),
        ('makeDiscreteParam("x", c(1, 2]', ":2: ']' where ')' is missing"),
        ('makeDiscreteParam("x", "a', ':2: the quote " is never closed'),
        ('makeDiscreteParam("x", "\\ud800")', "which is no letter"),
        ('makeDiscreteParam("x", \u20ac)', ":2: not R: unexpected"),
        (
            'makeDiscreteParam("x", ' + "(" * 20_000 + "1" + ")" * 20_000 + ")",
            "is nested too deeply",
        ),
        ('makeDiscreteParam("x", values = function(x) x)', "a function stands where a value is"),
        ('makeDiscreteParam("x", values = a$b)', "unexpected '$'; ',' or ')' is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(refused, parameter, message):
    text = refused(set_of(parameter), "space.R")
    assert message in text
    assert text.startswith("space.R:2") or ":3: " in message or "deeply" in text


def test_a_missing_parenthesis_is_looked_for_where_it_is_missing(refused):
    text = set_of('makeDiscreteParam("a", values = c(1, 2)', 'makeLogicalParam("b")')
    assert refused(text, "space.R") == (
        "space.R:2: the parenthesis '(' of makeDiscreteParam is never closed before "
        "'makeLogicalParam' of line 3; a ')' is missing"
    )


def test_a_variable_that_is_defined_by_itself_is_an_error(refused):
    text = set_of('makeDiscreteParam("x", a)', before="a <- b\nb <- c(a, 1)\n")
    assert ":2: the variable 'a' has no value" in refused(text, "space.R")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('x <- makeLogicalParam("x")', "space.R: there is no makeParamSet(...) in it"),
        ("a = makeParamSet()\nb = makeParamSet()", "space.R:2: 2 parameter sets, in lines 1, 2"),
        ("makeParamSet()", "no parameter found in it, read as mlrMBO parameter set"),
        ("makeParamSet", "there is no makeParamSet(...) in it"),
    ],
)
def test_a_file_without_one_set_is_an_error(refused, text, message):
    assert message in refused(text, "space.R")
