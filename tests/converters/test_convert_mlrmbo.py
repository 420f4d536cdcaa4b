"""Parameter sets of mlrMBO, read without R."""

import pytest

from tests.converters.r_files import set_of


@pytest.mark.parametrize(
    ("parameter", "definition"),
    [
        ('makeNumericParam("x", lower = 0, upper = 0.9)', {"float": [0, 0.9]}),
        ('makeNumericParam("x", lower = 1e-04, upper = 1e01)', {"float": [1e-4, 10]}),
        ('makeNumericParam("x", lower = -.5, upper = 5.)', {"float": [-0.5, 5]}),
        ('makeNumericParam("x", -1, 1)', {"float": [-1, 1]}),
        ('makeNumericParam(upper = 2^3, "x", lower = -(1 + 1))', {"float": [-2, 8]}),
        ('makeNumericParam("x", low = 0, up = 1)', {"float": [0, 1]}),
        ("makeIntegerParam('x', lower=2L, upper=0x10)", {"int": [2, 16]}),
        ('ParamHelpers::makeIntegerParam("x", lower = 1e2, upper = 1e3)', {"int": [100, 1000]}),
        ('makeLogicalParam("x")', {"bool": [True, False]}),
        ('makeDiscreteParam("x", values = c("adam", \'sgd\'))', {"choice": ["adam", "sgd"]}),
        ('makeDiscreteParam("x", c(0.0, 0.1, 0.25))', {"ordered": [0.0, 0.1, 0.25]}),
        ('makeDiscreteParam("x", values = c(16,32))', {"ordered": [16, 32]}),
        ('makeDiscreteParam("x", values = c(1, 0))', {"ordered": [1, 0]}),
        ('makeDiscreteParam("x", values = c(2, 8, 4))', {"choice": [2, 8, 4]}),
        ('makeDiscreteParam("x", values = c(1.0, 0.5))', {"ordered": [1.0, 0.5]}),
        ('makeDiscreteParam("x", values = c(-1e-3, -1e-6))', {"ordered": [-1e-3, -1e-6]}),
        ('makeDiscreteParam("x", values = c(TRUE, F))', {"bool": [True, False]}),
        ('makeDiscreteParam("x", values = c(a = 1, b = 2))', {"ordered": [1, 2]}),
        (
            'makeDiscreteParam("x", values = c("a", 1, 0.5, TRUE))',
            {"choice": ["a", "1", "0.5", "TRUE"]},
        ),
        ('makeDiscreteParam("x", values = list("a", 1))', {"choice": ["a", 1]}),
        ('makeDiscreteParam("x", values = c(c(1, 2), 3))', {"ordered": [1, 2, 3]}),
        ('makeDiscreteParam("x", values = 3:1)', {"ordered": [3, 2, 1]}),
        ('makeDiscreteParam("x", values = 2^(1:3))', {"ordered": [2, 4, 8]}),
        (
            'makeDiscreteParam("x", values = seq(0, 1, by = 0.25))',
            {"ordered": [0, 0.25, 0.5, 0.75, 1]},
        ),
        (
            'makeDiscreteParam("x", values = seq(0, 1, length.out = 3))',
            {"ordered": [0.0, 0.5, 1.0]},
        ),
        ('makeDiscreteParam("x", values = "1000 500")', "1000 500"),
        (
            'makeDiscreteParam("x", values = c("a # b", "c\\"d\\n", \'e)\'))',
            {"choice": ["a # b", 'c"d\n', "e)"]},
        ),
        ('makeDiscreteParam("x", values = c("a\nb", "\\u00e9\\x41"))', {"choice": ["a\nb", "éA"]}),
        ('makeDiscreteParam("x", values = r"(a\\n"b")")', 'a\\n"b"'),
        (
            'makeIntegerParam("x", lower=5, upper=7, trafo = function(x) 2L^x)',
            {"ordered": [32, 64, 128]},
        ),
        (
            'makeIntegerParam("x", 1, 3, trafo = function(i) { round(i / 2, digits = 1) })',
            {"ordered": [0.5, 1.0, 1.5]},
        ),
        (
            'makeIntegerParam("x", 1, 3, trafo = \\(i) return(as.integer(10 * i)))',
            {"ordered": [10, 20, 30]},
        ),
        ('makeIntegerParam("x", 2, 2, trafo = function(x) 2^x)', 4),
        ('makeIntegerParam("x", 2, 4, trafo = NULL)', {"int": [2, 4]}),
        (
            'makeNumericParam("x", -2, 0, trafo = function(x) 10^x)',
            {"float": [0.01, 1], "log": True},
        ),
        (
            'makeNumericParam("x", 0, 2, trafo = function(x) 10^-x)',
            {"float": [0.01, 1], "log": True},
        ),
        ('makeNumericParam("x", 0, 2, trafo = function(x) 1 - 2 * x)', {"float": [-3, 1]}),
        (
            'makeDiscreteParam("x", values = 1:3, trafo = function(x) x * 10)',
            {"ordered": [10, 20, 30]},
        ),
    ],
)
def test_each_constructor_has_its_definition(convert, parameter, definition):
    conversion = convert(set_of(parameter), "space.R")
    assert conversion.space == {"x": definition}
    assert conversion.warnings == []


def test_whole_numbers_are_integers(convert):
    text = set_of('makeDiscreteParam("x", values = c(16, 32.0, 1e3))')
    assert [type(value) for value in convert(text).space["x"]["ordered"]] == [int] * 3


@pytest.mark.parametrize(
    "text",
    [
        'param.set <- makeParamSet (\nmakeLogicalParam("x") # one\n\n# the end )\n) # more\n',
        'par.set = makeParamSet(makeLogicalParam("x"))',
        'makeParamSet(makeLogicalParam ( "x" )) -> p\r\n',
        'library(P); p = P::makeParamSet(params = list(makeLogicalParam("x")))',
        'f <- function(x) { if (x$a == "b") { x[["c"]] } else x %in% 3 }\n'
        'run(par.set = makeParamSet(makeLogicalParam("x")), n = ~ y | z, a@b)\n',
        'x <- makeLogicalParam("x")\nparam.set <- makeParamSet(x)\nx <- 3\n',
        'a <- makeParamSet(makeLogicalParam("a"))\n'
        'param.set <- makeParamSet(makeLogicalParam("x"))',
        '# makeParamSet(\nmakeParamSet(makeLogicalParam("x"))',
        '\ufeffmakeParamSet(makeLogicalParam("x"))',
    ],
)
def test_the_set_is_found_in_what_surrounds_it(convert, text):
    assert convert(text).space == {"x": {"bool": [True, False]}}


def test_variables_mean_what_was_assigned_last_before(convert):
    before = (
        "sizes <- c(1,\n 2)\nsizes = c(ten,\n  30)\nten <-\n 10 *\n 2\n"
        "f <- function() {\nsizes <- 9 }\n"
    )
    assert convert(set_of('makeDiscreteParam("x", sizes)', before=before)).space == {
        "x": {"ordered": [20, 30]}
    }


def test_a_vector_becomes_its_elements(convert):
    conversion = convert(set_of('makeNumericVectorParam("w", len = 2, lower = 0, upper = 1)'))
    assert conversion.space == {"w1": {"float": [0, 1]}, "w2": {"float": [0, 1]}}
    assert "w: a vector; its elements are parameters now: w1, w2" in conversion.warnings[0]


def test_requires_and_forbidden_are_conditions(convert):
    conversion = convert(
        set_of(
            'makeDiscreteParam("kernel", values = c("rbf", "poly"))',
            'makeIntegerParam("degree", 1, 5, requires = quote(kernel == "poly" & TRUE))',
            'makeNumericParam("c", 2, 2, requires = quote(!(kernel %in% c("rbf")) || 1 > -2))',
            "forbidden = expression(degree > 3 && degree ^ 2 != 16)",
        )
    )
    assert conversion.space["degree"] == {
        "int": [1, 5],
        "when": "(kernel == 'poly') and true",
    }
    assert conversion.space["c"] == {
        "constant": 2,
        "when": "(not (kernel in ['rbf'])) or (1 > (-2))",
    }
    assert conversion.forbid == ["(degree > 3) and ((degree ** 2) != 16)"]
    space = conversion.check()
    assert space.problem({"kernel": "rbf", "c": 2}) == ""
    assert space.forbidden({"kernel": "poly", "degree": 5, "c": 2})


def test_equal_bounds_and_lost_settings_are_told(convert):
    conversion = convert(set_of('makeIntegerParam("x", lower=2, upper=2, default=2)'), "space.R")
    assert conversion.space == {"x": 2}
    assert [warning.partition("space.R")[2] for warning in conversion.warnings] == [
        ":2: x: 'default' is left out",
        ":2: both bounds are 2; it is a constant now",
    ]


def test_values_that_a_trafo_makes_twice_are_told(convert):
    conversion = convert(set_of('makeIntegerParam("x", 1, 4, trafo = function(x) ceiling(x/2))'))
    assert conversion.space == {"x": {"ordered": [1, 2]}}
    assert "trafo makes 2 values of 4 numbers" in conversion.warnings[0]
