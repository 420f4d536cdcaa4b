"""Parameters: values to the unit interval and back, and their grids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.parameter import Bool, Choice, Constant, Float, Int, Ordered
from tests.core.spaces import unit


@st.composite
def floats(draw):
    log = draw(st.booleans())
    smallest = 1e-12 if log else -1e12
    lower, upper = sorted(draw(st.tuples(*[st.floats(smallest, 1e12)] * 2)))
    return Float(lower, upper, log=log)


@st.composite
def ints(draw):
    log = draw(st.booleans())
    lower = draw(st.integers(1 if log else -(2**62), 2**39))
    return Int(lower, lower + draw(st.integers(0, 2**38)), log=log)


scalars = st.integers(-9, 9) | st.text(max_size=3) | st.floats(allow_nan=True) | st.none()
plain = st.lists(scalars | st.lists(scalars, max_size=2), min_size=1, max_size=6, unique_by=repr)


@st.composite
def discretes(draw):
    values = []
    for value in draw(plain):
        if value not in values:
            values.append(value)
    return draw(st.sampled_from([Choice, Ordered]))(tuple(values))


@given(floats(), unit)
def test_a_float_comes_back_from_the_unit_interval(parameter, u):
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    again = parameter.from_unit(parameter.to_unit(value))
    tolerance = abs(value) if parameter.log else parameter.upper - parameter.lower
    assert again == pytest.approx(value, rel=0, abs=1e-9 * tolerance)


@given(floats())
def test_the_bounds_of_a_float_are_reached(parameter):
    assert parameter.from_unit(0) == pytest.approx(parameter.lower)
    assert parameter.from_unit(1) == parameter.upper


def test_the_widest_floats_do_not_overflow():
    parameter = Float(-1.7e308, 1.7e308)
    assert [parameter.from_unit(u) for u in (0, 0.5, 1)] == [-1.7e308, 0, 1.7e308]
    assert [parameter.to_unit(value) for value in (-1.7e308, 0, 1.7e308)] == [0, 0.5, 1]


@given(ints(), unit)
def test_an_int_comes_back_from_the_unit_interval(parameter, u):
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    for legal in (value, parameter.lower, parameter.upper):
        assert parameter.from_unit(parameter.to_unit(legal)) == legal


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("lower", "upper"), [(1, 1), (1, 2), (3, 300)])
def test_every_integer_is_reached(log, lower, upper):
    parameter = Int(lower, upper, log=log)
    reached = {parameter.from_unit(index / 50_000) for index in range(50_001)}
    assert reached == set(range(lower, upper + 1))


@given(discretes(), unit)
def test_a_choice_comes_back_from_the_unit_interval(parameter, u):
    for value in [*parameter.values, parameter.from_unit(u)]:
        assert parameter.contains(value)
        assert repr(parameter.from_unit(parameter.to_unit(value))) == repr(value)


@given(floats() | ints(), unit, unit)
def test_numbers_are_monotone(parameter, u, v):
    low, high = sorted([u, v])
    assert parameter.from_unit(low) <= parameter.from_unit(high)


@given(unit, unit)
def test_ordered_values_are_monotone(u, v):
    values = (64, 16, "many")
    parameter = Ordered(values)
    low, high = sorted([u, v])
    assert values.index(parameter.from_unit(low)) <= values.index(parameter.from_unit(high))


def test_the_shares_of_discrete_values_are_equal():
    for parameter in (Int(1, 4), Ordered((1, 2, 3, 4)), Choice((1, 2, 3, 4))):
        drawn = [parameter.from_unit(index / 400) for index in range(400)]
        assert [drawn.count(value) for value in (1, 2, 3, 4)] == [100] * 4


def test_coordinates_outside_of_the_interval_are_clamped_and_nan_is_refused():
    assert Float(0, 1).from_unit(1.5) == 1
    assert Int(0, 9).from_unit(-3) == 0
    with pytest.raises(ValueError, match="not a number"):
        Float(0, 1).from_unit(float("nan"))


def test_types_count():
    assert not Int(0, 9).contains(True)
    assert not Int(0, 9).contains(3.0)
    assert not Float(0, 9).contains("3")
    assert Float(0, 9).contains(3)
    assert not Bool((True, False)).contains(1)
    assert Choice((0, False, "0")).to_unit(False) == 0.5
    assert Constant([1]).contains([1])


def test_a_value_that_is_not_a_choice_has_no_coordinate():
    with pytest.raises(ValueError, match="'elu' is not one of"):
        Choice(("relu",)).to_unit("elu")


def test_a_list_that_was_handed_out_can_be_changed():
    parameter = Choice(([1000, 500],))
    parameter.from_unit(0.5).append(1)
    assert parameter.from_unit(0.5) == [1000, 500]


@pytest.mark.parametrize(
    ("parameter", "steps", "expected"),
    [
        (Float(0, 1), 11, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (Float(1e-4, 1e-1, log=True), 4, [1e-4, 1e-3, 1e-2, 1e-1]),
        (Float(0, 1, steps=2), 5, [0, 1]),
        (Float(0, 1), 1, [0.5]),
        (Float(2, 2), 3, [2]),
        (Int(1, 4), None, [1, 2, 3, 4]),
        (Int(1, 4), 9, [1, 2, 3, 4]),
        (Int(0, 100), 3, [0, 50, 100]),
        (Int(1, 1000, log=True), 4, [1, 10, 100, 1000]),
        (Int(1, 4, log=True, steps=3), None, [1, 2, 4]),
        (Ordered((4, 1)), 1, [4, 1]),
        (Choice(("a", [1])), None, ["a", [1]]),
        (Bool((True, False)), None, [True, False]),
        (Constant(3), 7, [3]),
    ],
)
def test_a_grid_has_the_values_that_one_expects(parameter, steps, expected):
    assert list(parameter.grid(steps)) == expected


def test_a_float_without_steps_has_no_grid():
    with pytest.raises(ValueError, match="needs steps"):
        Float(0, 1).grid()


def test_a_logarithmic_range_of_one_rounding_error_has_two_ends():
    narrow = Float(1e-12, 1.0000000000000002e-12, log=True)
    assert [narrow.to_unit(end) for end in (narrow.lower, narrow.upper)] == [0.0, 1.0]
